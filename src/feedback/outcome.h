/* What follows from events: suppression and reputation.
 *
 * History (feedback/history.h) stores a batch of events first; then, before it is acknowledged, the
 * same batch goes through here. All that follows from it is stored in one transaction of the
 * control database together with the place that its spool has come to, so each event counts exactly
 * once whatever crashes: a batch that comes again is passed over as far as it has counted. A batch
 * from which nothing follows costs no transaction.
 *
 * Refusals in the dialogue (BOUNCED, EXPIRED) and reports that come later (RETURNED) are the same
 * here: each is judged by the rules for replies, and its recipient's address is looked up in
 * history. Batches run on the helper thread for commits, on a connection of their own. */
#ifndef LETTERHEAD_FEEDBACK_OUTCOME_H
#define LETTERHEAD_FEEDBACK_OUTCOME_H

#include "feedback/history.h"
#include "feedback/report_rules.h"
#include "store/store.h"

struct outcome {
    /* ACCEPTED, DELIVERED, BOUNCED, EXPIRED, RETURNED, COMPLAINED; nothing that the mailbox
     * simulator answered. */
    enum queue_event_type type;
    uint64_t site_id;
    int64_t time_us; /* Unix time, of the event; of the latest one if there are several */
    /* How many: what was accepted and what was delivered come as one outcome each for a site and
     * batch, all else one by one. */
    uint32_t count;
    /* Not of these two. The address is empty when the acceptance is not in the history any more. */
    const struct queue_event *event;
    struct slice address;
    struct feedback_verdict
        verdict; /* BOUNCED, EXPIRED, RETURNED; otherwise its class is unknown */
};

struct outcomes;

struct outcome_options {
    struct store *store; /* the control database, used by the helper thread alone; borrowed */
    struct history *history;
    struct feedback_rules *rules; /* taken over */
    /* Called on the loop for each address that has come onto its site's suppression list. */
    void (*suppressed)(void *context, int64_t site_id, struct slice address);
    void *context;
};

struct outcomes *outcomes_new(const struct outcome_options *options);
/* Accepts NULL. */
void outcomes_free(struct outcomes *o);

/* Stores what follows from a batch (the body of IPC_EVENTS) that history has. On 0 it is durable.
 * -EBADMSG: not a batch. */
MUST_CHECK int outcome_apply(struct task *t, struct outcomes *o, struct slice batch);

/* The rules in use, for the loop; good until the next suspension. */
const struct feedback_rules *outcomes_rules(const struct outcomes *o);
/* Judges by other rules from now on, which are taken over. */
MUST_CHECK int outcomes_set_rules(struct task *t, struct outcomes *o, struct feedback_rules *rules);
/* For history_set_classifier: `context` is the struct outcomes. */
const char *outcomes_classify(void *context, const struct queue_event *event);

/* What an event that failed came to. Pure; the reason lives as long as the rules. */
struct feedback_verdict outcome_judge(const struct feedback_rules *rules,
                                      const struct queue_event *event);

#endif
