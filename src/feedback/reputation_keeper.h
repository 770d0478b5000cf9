/* Judges the sites whose mail came back, draws the consequences (site/quota_directory.h pushes
 * them to the gateways), and tells the operators and the site's contacts. */
#ifndef LETTERHEAD_FEEDBACK_REPUTATION_KEEPER_H
#define LETTERHEAD_FEEDBACK_REPUTATION_KEEPER_H

#include "control/operation.h"
#include "feedback/reputation.h"

struct site_pusher;

struct reputation_service {
    struct store *store;
    struct site_pusher *pusher;
    struct reputation_limits limits;
};

/* How a site stands. In the caller's arena. */
struct reputation {
    enum reputation_state state;
    int64_t since_us;
    struct slice effect; /* "none", "slow", "pause" */
    uint32_t messages_per_hour;
    int64_t override_until_us; /* 0: never */
    struct slice override_why;
};
/* A site of which nothing ever came back is healthy since 0. */
MUST_CHECK int reputation_of_site(struct store *s, struct arena *arena, int64_t site_id,
                                  struct reputation *ret);
/* What is found over the volume, now. */
MUST_CHECK int reputation_find(const struct reputation_service *service, struct arena *arena,
                               int64_t site_id, int64_t now_us, struct reputation_finding *ret);

/* Judges one site; *ret_changed: the gateways have to know. */
MUST_CHECK int reputation_keep(struct reputation_service *service, int64_t site_id, int64_t now_us,
                               bool *ret_changed);
/* Judges those that are due, until cancelled. */
MUST_CHECK int reputation_run(struct task *t, struct reputation_service *service);

/* reputation.show, reputation.override; `service` may be NULL where they are only looked at. */
struct control_set reputation_operations(struct reputation_service *service);

#endif
