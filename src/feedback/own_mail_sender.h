/* Tells people: makes mail of notices (site/notice.h), and hands Letterhead's own mail
 * (site/own_mail.h) to a gateway, by the same gate as any other mail and under the platform's own
 * site, whose identity signs it.
 *
 * Never lost, never doubled: before a mail is handed over, its message id and the gateway's number
 * are written down. When the answer does not come, or this process dies before it, it is first
 * found out whether that gateway had taken it: all its events must have arrived, and then the
 * history knows. Only what it does not know is handed over again, to the same gateway under the
 * same id, which takes an id only once (queue_accept).
 *
 * Without a configuration (`notices`) nothing is mailed: notices are kept, listed and logged. */
#ifndef LETTERHEAD_FEEDBACK_OWN_MAIL_SENDER_H
#define LETTERHEAD_FEEDBACK_OWN_MAIL_SENDER_H

#include "feedback/history.h"
#include "runtime/peer_group.h"
#include "store/store.h"

struct own_mail_sender {
    struct store *store;
    struct history *history;
    struct peer_group *gateways;
    struct slice hostname; /* of this machine, as mail names it */
    struct slice site;     /* whose identity signs; empty: nothing is mailed */
    struct slice from;
    const struct slice *operators; /* addresses */
    size_t operator_count;
};

/* Sends what there is, until cancelled. */
MUST_CHECK int own_mail_sender_run(struct task *t, struct own_mail_sender *sender);

/* One round of it: notices become mail; mail whose time has come is handed over. */
MUST_CHECK int own_mail_sender_round(struct task *t, struct own_mail_sender *sender);

#endif
