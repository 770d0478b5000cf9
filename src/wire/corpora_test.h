/* For tests only: where the corpora lie, and their files. Data from strangers is not part of the
 * repository; it is looked for in $LETTERHEAD_CORPORA, then $LETTERHEAD_SHARED/corpora, then
 * ../shared/corpora beside the source tree. A test that does not find it says so and is skipped.
 * Include <cmocka.h> before. */
#ifndef LETTERHEAD_WIRE_CORPORA_TEST_H
#define LETTERHEAD_WIRE_CORPORA_TEST_H

#include "base/buffer.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

enum { CORPORA_PATH_BYTES = 1024 };

static inline const char *corpora_folder(void)
{
    static char folder[CORPORA_PATH_BYTES];
    const char *corpora = getenv("LETTERHEAD_CORPORA"), *shared = getenv("LETTERHEAD_SHARED");

    if (corpora)
        snprintf(folder, sizeof folder, "%s", corpora);
    else if (shared)
        snprintf(folder, sizeof folder, "%s/corpora", shared);
    else
        snprintf(folder, sizeof folder, "%s/../shared/corpora", SOURCE_ROOT);
    return folder;
}

/* The files of a pattern such as "dkim-canon/email.*", in order; skips the test if there are none.
 * The caller frees them with globfree. */
static inline glob_t corpora_files(const char *pattern)
{
    char path[CORPORA_PATH_BYTES * 2];
    glob_t found = {0};

    snprintf(path, sizeof path, "%s/%s", corpora_folder(), pattern);
    if (glob(path, 0, NULL, &found) != 0) {
        printf("skipped: corpora not found (%s)\n", path);
        skip();
    }
    return found;
}

/* Adds a whole file; a file that cannot be read fails the test. */
static inline void corpora_read(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "rb");
    size_t size;

    assert_non_null(file);
    do {
        size = fread(buffer_reserve(out, 65536), 1, 65536, file);
        out->size += size;
    } while (size);
    fclose(file);
}

#endif
