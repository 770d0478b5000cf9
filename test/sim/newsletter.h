/* The newsletter's world: senders, slow receivers, and how long each notice took. */
#ifndef LETTERHEAD_SIM_NEWSLETTER_H
#define LETTERHEAD_SIM_NEWSLETTER_H

#include "actors.h"

enum {
    PROVIDERS = 60,
    DOMAINS = 5000,
    NOTICES_MAX = 100000,
    NEWS_CONNECTIONS = 5,
    LINE_BYTES = 4096,
};

struct notice {
    uint64_t accepted_us, delivered_us;
};

/* The steward, the vault and the sites are those of the scenario's neighbours. */
struct run {
    struct scenario s;
    uint64_t recipients, each, connections_max;
    uint64_t handed_in, news_delivered;
    struct notice notices[NOTICES_MAX];
    unsigned notice_count;
    uint64_t news_accepted_us, news_done_us; /* the last of it */
    struct condition done;
    const char *problem;
};
extern struct run run;

/* newsletter_receivers.c */
MUST_CHECK int start_receivers(struct scope *scope);
/* For sim_world_options.resolve. */
void resolve(void *context, struct world_query *query, uint64_t *ret_delay_us);

/* newsletter_senders.c */
MUST_CHECK int start_senders(struct scope *scope);

#endif
