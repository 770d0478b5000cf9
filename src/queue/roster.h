/* The pools, destinations, sites, flows and lanes that the schedule knows: made when the first mail
 * needs them, freed when the last has gone. Who is next among them is no business of this. */
#ifndef LETTERHEAD_QUEUE_ROSTER_H
#define LETTERHEAD_QUEUE_ROSTER_H

#include "queue/schedule.h"

/* NULL: not there. */
struct queue_pool *queue_roster_find_pool(const struct queue_schedule *s, struct slice key);
struct queue_destination *queue_roster_find_destination(const struct queue_schedule *s,
                                                        struct slice key);
struct queue_site *queue_roster_find_site(const struct queue_schedule *s, uint64_t id);
struct queue_lane *queue_roster_find_lane(const struct queue_schedule *s,
                                          const struct queue_destination *d,
                                          const struct queue_site *site);

struct queue_pool *queue_roster_need_pool(struct queue_schedule *s, struct slice key);
struct queue_site *queue_roster_need_site(struct queue_schedule *s, uint64_t id);
/* With site, destination, pool and flow. */
struct queue_lane *queue_roster_need_lane(struct queue_schedule *s, uint64_t site_id,
                                          struct slice destination);

/* Frees the lane, which has no groups, and what nothing else needs. */
void queue_roster_drop_lane(struct queue_schedule *s, struct queue_lane *lane);
/* Frees the site if it is open and has no lanes. */
void queue_roster_drop_site(struct queue_schedule *s, struct queue_site *site);

/* The lane, which is in nobody's turn, belongs to its site's flow in the pool from now on. */
void queue_roster_join(struct queue_schedule *s, struct queue_lane *lane, struct queue_pool *pool);
/* The destination, whose lanes have joined, belongs to the pool from now on. */
void queue_roster_assign(struct queue_schedule *s, struct queue_destination *d,
                         struct queue_pool *pool);

/* All lanes must have been dropped. */
void queue_roster_done(struct queue_schedule *s);

#endif
