/* What has a time to be looked at, identities and relays: each when its time has come, a few at
 * once, and few begun in one second. Which are due is the database's to say, every second anew, so
 * that nothing is forgotten however the process ends. */
#ifndef LETTERHEAD_ONBOARD_DUE_H
#define LETTERHEAD_ONBOARD_DUE_H

#include "runtime/task.h"
#include "store/store.h"

enum { DUE_AT_ONCE_MAX = 64 };

struct due_options {
    const char *name; /* of the tasks */
    enum store_statement
        statement;      /* ids (never 0) of what is due by $1, Unix time in us; $2 most */
    size_t at_once_max; /* at most DUE_AT_ONCE_MAX */
    size_t starts_max;  /* in one second */
    /* Looks at one, and has it be due later: whatever stays due is looked at again at once. Only
     * -ECANCELED ends the whole. */
    int (*look)(struct task *t, void *context, int64_t id);
    void *context;
};

/* Goes on until it is cancelled. */
MUST_CHECK int due_run(struct task *t, struct store *store, const struct due_options *options);

#endif
