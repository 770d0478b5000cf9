/* What comes back, at the steward: takes reports from the gateways (submit/report_sender.h), reads
 * them, and makes events of them that go into history like a gateway's.
 *
 * A report comes in frames; one gateway sends one at a time. It is read on a helper thread, under
 * the limits of feedback/report.h. Which message and recipient it is about follows from the signed
 * return path that it was sent to; a complaint that came to the address of feedback loops is about
 * the return path that stands in the message which it encloses, and that has to be signed as well.
 * The gateway is answered when the event is stored (feedback/intake_store.h): exactly once, however
 * often the report comes. What is about no message that history knows is counted and dropped.
 *
 * A report that made the steward die comes with a note of that, and is not read a third time. */
#ifndef LETTERHEAD_FEEDBACK_INTAKE_H
#define LETTERHEAD_FEEDBACK_INTAKE_H

#include "feedback/history.h"
#include "feedback/report_rules.h"
#include "runtime/peer_group.h"
#include "store/store.h"
#include "submit/report_frame.h"
#include "wire/return_path.h"

struct intake_options {
    struct store *store; /* the control database, used by the helper thread for commits alone */
    struct history *history;
    struct feedback_rules *rules;        /* taken over */
    const struct return_path_keys *keys; /* they may change */
    struct slice bounce_domain;
    /* Stores a batch of events as it does a gateway's. */
    int (*apply)(struct task *t, void *context, struct slice batch, uint64_t *ret_cursor);
    void *context;
};

struct intake_counters {
    uint64_t reports;
    uint64_t unknown; /* about no message that is known, or not signed by us */
    uint64_t surplus; /* more than LIMIT_REPORTS_KEPT about one recipient */
    uint64_t unread;  /* made the steward die */
};

struct intake;

struct intake *intake_new(const struct intake_options *options);
/* After the scope that it ran in is closed. Accepts NULL. */
void intake_free(struct intake *in);

/* Answers IPC_REPORT_* of the gateway at this place of the group. -ESTALE: what came before it is
 * not known here, begin again; -EAGAIN: its message is not in the history yet. */
MUST_CHECK int intake_request(struct task *t, struct intake *in, size_t gateway, uint8_t type,
                              struct slice body);

/* Carries events into history until cancelled. */
MUST_CHECK int intake_run(struct task *t, struct intake *in);

const struct intake_counters *intake_counters(const struct intake *in);

/* Finds a return path in a message that encloses another, wherever it stands: "path@domain". Pure.
 * False: there is none that is signed and not too old. */
bool intake_find_path(struct slice message, struct slice bounce_domain,
                      const struct return_path_keys *keys, int64_t now_us, struct return_path *ret);

#endif
