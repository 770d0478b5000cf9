/* Files that only root may read, on their way into a role: read once by the supervisor, kept in
 * locked memory, and poured into a pipe for each new process. Neither arguments nor environment
 * ever hold them, and once the role has read its pipe no descriptor does either. */
#ifndef LETTERHEAD_APP_HANDOVER_H
#define LETTERHEAD_APP_HANDOVER_H

#include "base/secret.h"

enum handover_strictness {
    HANDOVER_PUBLIC,      /* whoever may read it */
    HANDOVER_NOT_WORLD,   /* a group may read it, others may not: a TLS key */
    HANDOVER_OWNER_ALONE, /* nobody but its owner may: the master key */
};

/* Reads a file; `what` names it for people. On failure the log has said what is wrong and what to
 * do. -EPERM: too many may read it, or somebody else owns it; -EINVAL: empty or no file; -EFBIG:
 * over ROLE_HANDED_BYTES_MAX. */
MUST_CHECK int handover_read(const char *what, const char *path,
                             enum handover_strictness strictness, struct secret *ret);

/* A pipe that yields `contents` and then ends. The caller closes it. */
MUST_CHECK int handover_pipe(struct slice contents, int *ret_read_end);

#endif
