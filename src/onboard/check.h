/* Looking at an identity's DNS records and drawing the consequences: for an operator at once,
 * and by the clock for all of them. */
#ifndef LETTERHEAD_ONBOARD_CHECK_H
#define LETTERHEAD_ONBOARD_CHECK_H

#include "control/operation.h"
#include "onboard/authority.h"
#include "runtime/task.h"
#include "store/store.h"

struct site_pusher;
struct mail_from_watch;

enum {
    /* By the clock. So many at one time: those of domains whose servers are dead take a minute
     * each, and must not hold up the others. */
    ONBOARD_CHECKS_MAX = 64,
    /* So many begin in a second, however many are due: after a stop of hours 10,000 identities take
     * their twenty minutes, and disturb nobody. */
    ONBOARD_STARTS_MAX = 8,
};

struct onboard_service {
    struct store *store;
    struct site_pusher *pusher;
    struct identity_times times;
    struct authority_options authority;
    struct slice bounce_domain;              /* where the envelope's senders are: for DMARC */
    const struct mail_from_watch *mail_from; /* NULL: MAIL FROM domains are not looked at */
};

/* Asks for all records of the identity, stores what was found and decided, and tells the gateways
 * of a change. -ENOENT: the identity is gone. A world that does not answer is no error. */
MUST_CHECK int onboard_check(struct task *t, struct onboard_service *service, int64_t identity_id,
                             bool asked_for);

/* Checks each identity when its time has come, until cancelled. */
MUST_CHECK int onboard_run(struct task *t, struct onboard_service *service);

/* identity.check; `service` may be NULL where it is only looked at. */
struct control_set onboard_operations(struct onboard_service *service);

#endif
