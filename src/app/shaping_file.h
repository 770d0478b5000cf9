/* Reads the shaping file (dist/shaping.yaml describes it) into what delivery works by. */
#ifndef LETTERHEAD_APP_SHAPING_FILE_H
#define LETTERHEAD_APP_SHAPING_FILE_H

#include "deliver/shaping.h"

/* The file at `path`; empty: the copy of dist/shaping.yaml that is built in. All memory is the
 * arena's. -EINVAL or -errno: `problems` has a line for each mistake, ready to be shown. */
MUST_CHECK int shaping_file_load(struct arena *arena, const char *path, struct shaping *ret,
                                 struct buffer *problems);
/* The same for a text, under the name `path` in messages. */
MUST_CHECK int shaping_file_read(struct arena *arena, const char *path, struct slice text,
                                 struct shaping *ret, struct buffer *problems);
/* Whether this machine has the addresses of the sources. -EADDRNOTAVAIL: `problems` has a line for
 * each that it does not have. */
MUST_CHECK int shaping_file_try_sources(const char *path, const struct shaping *s,
                                        struct buffer *problems);

#endif
