/* Gathers when credentials were last used, out of events, and writes it down now and then: it is
 * for people, and may be a little late. */
#ifndef LETTERHEAD_FEEDBACK_CREDENTIAL_USES_H
#define LETTERHEAD_FEEDBACK_CREDENTIAL_USES_H

#include "feedback/history.h"
#include "store/store.h"

enum { CREDENTIAL_USES_MAX = 1024 };

/* Zeroed, but for the store. */
struct credential_uses {
    struct store *store;
    struct history_use uses[CREDENTIAL_USES_MAX]; /* since they were last written */
    size_t count;
};

/* When the table is full, the last use of the others is noted a little early. */
void credential_uses_note(struct credential_uses *uses, const struct history_use *use);
/* Writes, until cancelled. */
MUST_CHECK int credential_uses_run(struct task *t, struct credential_uses *uses);

#endif
