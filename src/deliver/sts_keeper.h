/* Keeps the policies of MTA-STS (RFC 8461) for the gateways: fetches those that it is asked for,
 * fetches them anew before they expire, and lets a policy live to its end when its record vanishes
 * or its host does not answer. In the steward. */
#ifndef LETTERHEAD_DELIVER_STS_KEEPER_H
#define LETTERHEAD_DELIVER_STS_KEEPER_H

#include "control/operation.h"
#include "deliver/sts_store.h"
#include "runtime/task.h"

struct https;
struct sts_keeper;

enum {
    STS_ANSWER_S = 25,         /* how long a question may wait for a fetch */
    STS_ASKED_EXACT_S = 3600,  /* how exact the time of the last question is kept */
    STS_UNUSED_S = 30 * 86400, /* a policy that nobody asked for so long is not fetched anew */
};

/* Fetches run in `scope`. Both are borrowed. */
struct sts_keeper *sts_keeper_new(struct scope *scope, struct store *store, struct https *https);
/* After the scope has been closed. Accepts NULL. */
void sts_keeper_free(struct sts_keeper *k);

/* Answers IPC_STS_ASK (deliver/sts_protocol.h): from what is kept at once, otherwise when the fetch
 * has ended. -ETIMEDOUT when that takes longer than STS_ANSWER_S; it goes on meanwhile. -EBADMSG
 * for what is no question. */
MUST_CHECK int sts_keeper_answer(struct task *t, struct sts_keeper *k, struct slice body,
                                 struct buffer *reply);

/* Looks the record up and fetches the policy now, whatever is kept, for an operator. 0 when that
 * was tried; -ENOENT: the domain has no record, and *ret_why says so. */
MUST_CHECK int sts_keeper_refresh(struct task *t, struct sts_keeper *k, struct arena *arena,
                                  struct slice domain, struct slice *ret_why);

/* Looks after each policy when its time has come, until cancelled. */
MUST_CHECK int sts_keeper_run(struct task *t, struct sts_keeper *k);

/* sts.list, sts.show, sts.refresh; `service` may be NULL where they are only looked at. */
struct sts_service {
    struct store *store;
    struct sts_keeper *keeper;
};
struct control_set sts_operations(struct sts_service *service);

#endif
