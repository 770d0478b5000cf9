/* The schedule: which group of recipients is due where, and whose turn it is.
 *
 * A destination (deliver/route has the key) has one lane for each site with mail to it, and belongs
 * to one pool: what shares connections and limits. Groups wait in a heap for their time, then in
 * their lane; queue/turn.h says which lane of a pool is next. A group is in at most one job at a
 * time.
 *
 * Nothing here waits, reads or writes; time is given. */
#ifndef LETTERHEAD_QUEUE_SCHEDULE_H
#define LETTERHEAD_QUEUE_SCHEDULE_H

#include "queue/message.h"
#include "queue/turn.h"

struct queue_pool {
    struct table_item item;
    struct list link;           /* in schedule->pools_all */
    struct heap flows;          /* queue_flow.turn: those with something due */
    uint64_t clock;             /* what the flow last served had been served before */
    size_t ready;               /* groups that are due, of sites that are open */
    size_t ready_transactional; /* of these */
    size_t destinations;        /* that belong to it */
    size_t key_size;
    char key[];
};

struct queue_destination {
    struct table_item item;
    struct list lanes; /* queue_lane.of_destination */
    struct queue_pool *pool;
    size_t key_size;
    char key[];
};

struct queue_lane {
    struct table_item item;
    struct list link[QUEUE_CLASSES];  /* in flow->lanes */
    struct list ready[QUEUE_CLASSES]; /* queue_group.link */
    struct list of_site;              /* in site->lanes */
    struct list of_destination;       /* in destination->lanes */
    size_t ready_count[QUEUE_CLASSES];
    size_t groups; /* all */
    struct queue_destination *destination;
    struct queue_flow *flow;
};

struct queue_site {
    struct table_item item;
    struct list link;  /* in schedule->sites_all */
    struct list lanes; /* queue_lane.of_site */
    uint64_t id;
    bool paused;       /* by an operator */
    bool parked;       /* by delivery: it could send nothing of it now */
    uint32_t withheld; /* recipients that are (queue_outcome.withheld) */
};

struct queue_schedule {
    struct table pools, destinations, flows, lanes, sites;
    struct list pools_all; /* queue_pool.link */
    struct list sites_all; /* queue_site.link */
    size_t job_recipients_max;
    size_t (*job_recipients)(void *context, struct slice destination);
    struct heap timers;
    /* As in queue_options. */
    void (*destination)(void *context, uint64_t site_id, struct slice domain,
                        struct buffer *ret_key);
    void (*pool)(void *context, struct slice destination, struct buffer *ret_key);
    void (*due)(void *context, struct slice pool, size_t ready);
    void *context;
    bool silent; /* `due` is not called: nothing can be taken */
};

void queue_schedule_init(struct queue_schedule *s);
/* All messages must have been removed. */
void queue_schedule_done(struct queue_schedule *s);

/* Puts a message's open recipients into groups and schedules them. */
void queue_schedule_add(struct queue_schedule *s, struct queue_message *m, uint64_t now_us);
/* Takes a message out of the schedule; none of its groups may be busy. */
void queue_schedule_remove(struct queue_schedule *s, struct queue_message *m);
/* Schedules the group by what its recipients want now: held, finished, due later or at once. */
void queue_schedule_update(struct queue_schedule *s, struct queue_group *g, uint64_t now_us);
void queue_schedule_update_all(struct queue_schedule *s, struct queue_message *m, uint64_t now_us);

/* How many recipients a job of the group has at most. */
size_t queue_schedule_job_max(const struct queue_schedule *s, const struct queue_group *g);
/* The next group of the pool, made busy; NULL: none is due. `prefer` as in queue_take. */
struct queue_group *queue_schedule_take(struct queue_schedule *s, struct slice pool,
                                        struct slice prefer, uint64_t now_us);
/* How many transactional ones are due in the pool. */
size_t queue_schedule_transactional(const struct queue_schedule *s, struct slice pool);
/* How many bulk ones are. */
size_t queue_schedule_bulk(const struct queue_schedule *s, struct slice pool);
/* The group's job has ended. */
void queue_schedule_release(struct queue_schedule *s, struct queue_group *g, uint64_t now_us);

/* So many groups become ready in one go: a backlog of millions that is due at once must not stop
 * the loop. */
enum { QUEUE_ADVANCE_MAX = 1000 };
/* Makes ready what has become due, the first QUEUE_ADVANCE_MAX of it; returns when the next group
 * will (UINT64_MAX: never; not after now: there is more). */
uint64_t queue_schedule_advance(struct queue_schedule *s, uint64_t now_us);

/* The destination belongs to the pool from now on, with all that waits for it. Does nothing when no
 * mail is there for it. */
void queue_schedule_move(struct queue_schedule *s, struct slice destination, struct slice pool);

/* False: it was so already. */
bool queue_schedule_pause(struct queue_schedule *s, uint64_t site_id, bool paused);
bool queue_schedule_is_paused(const struct queue_schedule *s, uint64_t site_id);
/* Nothing of the site is handed out until all are opened again. */
void queue_schedule_park(struct queue_schedule *s, uint64_t site_id);
void queue_schedule_unpark_all(struct queue_schedule *s);
/* Calls `due` for all pools with something due. */
void queue_schedule_announce(struct queue_schedule *s);

struct slice queue_destination_key(const struct queue_destination *d);
struct slice queue_pool_key(const struct queue_pool *pool);

#endif
