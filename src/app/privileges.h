/* Who a process runs as, and what it gives up for good. The supervisor keeps what root can do;
 * everything that it starts gives it up before the role's code runs. */
#ifndef LETTERHEAD_APP_PRIVILEGES_H
#define LETTERHEAD_APP_PRIVILEGES_H

#include "base/base.h"

struct privileges_user {
    uid_t uid;
    gid_t gid;
};

/* From "name", "UID" or "UID:GID" (a number alone stands for both). -ENOENT: no such user; -EINVAL:
 * root, or no user at all. */
MUST_CHECK int privileges_find_user(const char *text, struct privileges_user *ret);

/* Gives up all capabilities, other groups and, unless `user` is NULL, the user, and makes sure that
 * none of it can come back. In a process of one thread. */
MUST_CHECK int privileges_drop(const struct privileges_user *user);

/* No core dump, no debugger, no look into the process's memory by others of its user, nothing
 * gained by executing. To be repeated after every exec, which undoes the half of it. */
void privileges_harden(void);

/* As many descriptors, and as much locked memory, as the system lets this process and its children
 * have. */
void privileges_raise_limits(void);

/* Keeps all memory of the process, now and later, out of swap; false where a limit forbids it. */
bool privileges_lock_memory(void);

#endif
