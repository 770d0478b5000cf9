/* The gateway's source addresses: which one a site's mail goes out from, and how much each may
 * still send today (deliver/warm_up.h).
 *
 * Whoever is about to send takes a part of an address's allowance, which is kept when the message
 * went out and given back when not. A site whose pool has nothing left is parked in the queue until
 * the day changes, something is given back, or other sources are taken over. */
#ifndef LETTERHEAD_DELIVER_SOURCE_H
#define LETTERHEAD_DELIVER_SOURCE_H

#include "base/table.h"
#include "deliver/warm_up.h"
#include "runtime/endpoint.h"
#include "runtime/task.h"

struct deliver;

struct source {
    struct list link; /* sources->all; never freed before the end, since counts go with it */
    struct endpoint address;
    char text[ENDPOINT_TEXT_BYTES];
    const struct shaping_source *entry; /* NULL: not in the shaping file */
    const struct shaping_plan *plan;    /* NULL: none */
    uint64_t broken_until_us;           /* this machine did not have it; 0: it has */
    struct warm_up_counts counts;
};

struct source_pool {
    struct slice name;
    struct source **sources;
    size_t source_count;
    size_t next; /* whose turn it is */
};

struct source_site {
    struct table_item item;
    struct slice name;
    struct source_pool *pool;
};

struct sources {
    struct list all;
    struct arena arena;         /* of what follows, as the shaping in force says */
    struct source_pool *pools;  /* NULL: the system chooses */
    struct source_pool *others; /* the pool of sites that none names */
    struct table sites;         /* source_site.item */
    bool parked;                /* there are sites that wait */
    uint64_t parked_day;
    struct condition changed; /* something was sent */
};

/* A part of an allowance. */
struct source_part {
    struct source *source; /* NULL: none, the system chooses the address */
    uint64_t day;
};

void sources_init(struct sources *s);
void sources_done(struct sources *s);
/* The shaping has changed. What was counted stays. */
void sources_reload(struct deliver *d);
/* The pool of a site; NULL: the system chooses. Good until the next suspension. */
struct source_pool *sources_pool(const struct deliver *d, uint64_t site_id);

/* True if the plans of the site's pool allow a message more today. */
bool sources_ready(struct deliver *d, uint64_t site_id);
/* The same; otherwise the site is parked. */
bool sources_admit(struct deliver *d, uint64_t site_id);
/* A part of what the connection's source may send, if it is one for the site. */
bool sources_take(struct deliver *d, uint64_t site_id, struct source *source,
                  struct source_part *ret);
/* The same of the next address of this family in the site's pool. False: none. */
bool sources_choose(struct deliver *d, uint64_t site_id, uint8_t family, struct source_part *ret);
/* The message went out, or may have; or it did not. Nothing is taken then. */
void sources_keep(struct deliver *d, struct source_part *part);
void sources_give_back(struct deliver *d, struct source_part *part);
/* This machine does not have the address: others are taken for a while. */
void sources_broken(struct deliver *d, struct source *source);

/* Why the pool's addresses of this family (0: any) can send nothing now, or nothing. */
void sources_why_not(struct deliver *d, uint64_t site_id, uint8_t family, struct buffer *ret);
/* The count of an address and day; NULL: that is no address. */
struct warm_up_count *sources_count(struct sources *s, struct slice address, uint64_t day);
/* What was sent on a day before this gateway started. */
void sources_learn(struct deliver *d, struct slice address, uint64_t day, uint64_t sent);

#endif
