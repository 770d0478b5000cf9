#include "feedback/credential_uses.h"

#include "base/log.h"
#include "site/credential.h"

static const uint64_t EVERY_US = 10 * SECOND_US;

void credential_uses_note(struct credential_uses *uses, const struct history_use *use)
{
    for (size_t i = 0; i < uses->count; i++)
        if (uses->uses[i].credential_id == use->credential_id) {
            uses->uses[i].time_us = use->time_us;
            return;
        }
    if (uses->count < CREDENTIAL_USES_MAX)
        uses->uses[uses->count++] = *use;
}

static int write_all(struct credential_uses *uses)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(uses->store, &all);

    for (size_t i = 0; i < uses->count && r == 0; i++)
        r = credential_note_use(uses->store, (int64_t)uses->uses[i].credential_id,
                                uses->uses[i].time_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

int credential_uses_run(struct task *t, struct credential_uses *uses)
{
    int r = 0;

    while (r == 0) {
        r = task_sleep(t, EVERY_US);
        if (uses->count && write_all(uses) < 0)
            log_warning("the last use of credentials could not be noted: %s",
                        store_error(uses->store));
        uses->count = 0;
    }
    return r;
}
