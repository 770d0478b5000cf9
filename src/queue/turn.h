/* Whose turn it is in a pool: what shares limits is shared fairly between sites.
 *
 * Each site with mail in a pool has one flow there, and each flow has a clock that tells how much
 * it has been served; the flow whose clock is furthest behind is next, one job at a time
 * (docs/decisions/0014). A job moves the clock on by its cost, its recipients and its size; a flow
 * that had nothing starts at the pool's time, so nobody saves up turns. So with a million messages
 * of one site in the pool, another's single message waits for one job.
 *
 * Within a flow transactional mail goes before bulk, which is sure of a small share
 * (QUEUE_BULK_SHARE). Transactional mail answers for itself alone: its clock does not count what
 * bulk took before, while that of bulk counts both. Among the lanes of a class, one for each
 * destination, turns go round. */
#ifndef LETTERHEAD_QUEUE_TURN_H
#define LETTERHEAD_QUEUE_TURN_H

#include "base/heap.h"
#include "base/list.h"
#include "base/table.h"

struct queue_pool;
struct queue_site;

enum queue_class { QUEUE_TRANSACTIONAL, QUEUE_BULK, QUEUE_CLASSES };

enum {
    /* A job costs 1 for each recipient, and 1 more for so many bytes of content. */
    QUEUE_COST_BYTES = 16384,
    /* Where both wait, bulk has the cost of one for each so many of transactional mail. */
    QUEUE_BULK_SHARE = 8,
    /* So often a lane may be passed over for one that the caller has a connection for. */
    QUEUE_PASSED_OVER_MAX = 8,
};

struct queue_flow {
    struct table_item item;           /* in schedule->flows */
    struct heap_item turn;            /* in pool->flows, while something is due */
    struct list lanes[QUEUE_CLASSES]; /* queue_lane.link: with something due, first the next */
    uint64_t clock[QUEUE_CLASSES];    /* what it has been served, in the pool's time */
    int64_t bulk_credit;              /* what bulk has been kept waiting for */
    unsigned passed_over;
    size_t lane_count; /* all */
    struct queue_pool *pool;
    struct queue_site *site;
};

/* A lane of the flow, by its link of this class, has something due; or no longer. */
void queue_turn_enter(struct queue_flow *f, enum queue_class class, struct list *lane);
void queue_turn_leave(struct queue_flow *f, struct list *lane);

/* The flow that is next, and of what class its job is to be. NULL: nothing is due. */
struct queue_flow *queue_turn_next(const struct queue_pool *pool, enum queue_class *ret_class);
/* The lane serves a job of this cost for the flow that is next: others are first from now on. */
void queue_turn_serve(struct queue_flow *f, enum queue_class class, struct list *lane,
                      uint64_t cost);

#endif
