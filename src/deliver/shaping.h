/* How receivers are treated, as data: which provider a host belongs to, what limits hold towards
 * it, and what its replies mean. The steward reads it from a file (dist/shaping.yaml), checks it,
 * and sends it to the gateway (IPC_SHAPING), which works by it from then on.
 *
 * A *provider* is whoever receives mail for many domains: limits are towards it, not towards each
 * domain. Providers with an entry here are known by their hosts' names; all others are named by
 * rule (deliver/provider_name.h). Pure: nothing here waits, reads or writes. */
#ifndef LETTERHEAD_DELIVER_SHAPING_H
#define LETTERHEAD_DELIVER_SHAPING_H

#include "base/arena.h"
#include "base/buffer.h"

enum {
    SHAPING_PROVIDERS_MAX = 500,
    SHAPING_HOSTS_MAX = 100,
    SHAPING_REPLIES_MAX = 1000,
    SHAPING_TEXT_BYTES_MAX = 255,
    SHAPING_SOURCES_MAX = 200,
    SHAPING_POOLS_MAX = 100,
    SHAPING_POOL_SITES_MAX = 1000,
    SHAPING_PLANS_MAX = 50,
    SHAPING_PLAN_DAYS_MAX = 365,
};

/* Towards one provider. Rates of 0 are no limit; other zeros stand for the default's value. */
struct shaping_limits {
    uint64_t connections_max;
    uint64_t messages_per_connection_max;
    uint64_t connections_per_minute_max;
    uint64_t messages_per_minute_max;
    uint64_t back_off_min_s, back_off_max_s; /* the pause doubles from the one to the other */
};

struct shaping_provider {
    struct slice name;
    struct slice *hosts; /* "google.com": that host and all below it */
    size_t host_count;
    struct slice *domains; /* of recipients, which belong here whatever their hosts are */
    size_t domain_count;
    struct shaping_limits limits;
};

enum shaping_meaning {
    SHAPING_SLOW_DOWN = 1, /* we send too fast for it */
    SHAPING_TRY_LATER,     /* a trouble of its own, or greylisting */
    SHAPING_MAILBOX,       /* about this recipient alone */
    SHAPING_BLOCKED,       /* it does not want mail from this address or domain */
    SHAPING_CONTENT,       /* about this message alone */
};

enum shaping_action {
    SHAPING_NONE = 1,
    SHAPING_FEWER,            /* half as many connections, and fewer from then on */
    SHAPING_BACK_OFF,         /* nothing to this provider for a while, then one connection */
    SHAPING_REST_DESTINATION, /* nothing to this domain for a while; others go on */
};

/* Rules are tried in order; the first that fits counts. */
struct shaping_reply {
    struct slice provider; /* empty: any */
    struct slice code;     /* "421", "4xx"; empty: any */
    struct slice status;   /* "4.7.28", "4.7.x"; empty: any, or none */
    struct slice text;     /* contained in the reply, without regard to case; `*` is anything */
    int means;             /* enum shaping_meaning */
    int action;            /* enum shaping_action */
    uint64_t pause_s;      /* 0: as the provider's limits say */
};

/* An address of this machine that mail goes out from. */
struct shaping_source {
    struct slice address;  /* as endpoint_format_address writes it */
    struct slice hostname; /* for EHLO */
    struct slice plan;     /* of its warm-up; empty: none */
    uint64_t started_day;  /* of that: days since 1970, UTC */
};

/* The addresses that sites share. The one named "default" is for all that no other one names. */
struct shaping_pool {
    struct slice name;
    struct slice *addresses; /* each that of a source */
    size_t address_count;
    struct slice *sites; /* by name */
    size_t site_count;
};

/* How many messages a new address may send on each day, from the first; then no limit. */
struct shaping_plan {
    struct slice name;
    uint64_t *messages;
    size_t day_count;
};

struct shaping {
    struct shaping_provider *providers;
    size_t provider_count;
    struct shaping_reply *replies;
    size_t reply_count;
    struct shaping_source *sources; /* none: the system chooses */
    size_t source_count;
    struct shaping_pool *pools;
    size_t pool_count;
    struct shaping_plan *plans;
    size_t plan_count;
};

/* The body of IPC_SHAPING. Reading: -EBADMSG; slices point into `body`, arrays are the arena's. */
void shaping_write(struct buffer *body, const struct shaping *s);
MUST_CHECK int shaping_read(struct arena *arena, struct slice body, struct shaping *ret);

/* The entry for a recipient's domain, for one of its hosts, or of this name; NULL: none. */
const struct shaping_provider *shaping_by_domain(const struct shaping *s, struct slice domain);
const struct shaping_provider *shaping_by_host(const struct shaping *s, struct slice host,
                                               struct slice *ret_rule);
const struct shaping_provider *shaping_by_name(const struct shaping *s, struct slice name);
/* By their names; NULL: none. */
const struct shaping_source *shaping_source_by_address(const struct shaping *s,
                                                       struct slice address);
const struct shaping_pool *shaping_pool_by_name(const struct shaping *s, struct slice name);
const struct shaping_plan *shaping_plan_by_name(const struct shaping *s, struct slice name);
/* The limits of an entry (NULL: none), with what it leaves open taken from `otherwise`. */
struct shaping_limits shaping_limits_of(const struct shaping_provider *p,
                                        const struct shaping_limits *otherwise);

/* What a reply means. Without a rule that fits, 421 says slow down, and any other is no news about
 * the provider. */
struct shaping_verdict {
    enum shaping_meaning means;
    enum shaping_action action;
    uint64_t pause_s;
};
struct shaping_verdict shaping_judge(const struct shaping *s, struct slice provider, uint16_t code,
                                     const uint8_t status[static 3], struct slice text);

/* True if `text` contains the pattern. For shaping_judge and its tests. */
bool shaping_text_fits(struct slice pattern, struct slice text);

/* Words as they stand in the file: "slow_down", "back_off"; NULL-ended, in the order of the enums,
 * from 0 for the first. */
extern const char *const shaping_meanings[];
extern const char *const shaping_actions[];

#endif
