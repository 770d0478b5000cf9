/* Watches the gateway's schedule and keeps its own account of who was served how much. The linker
 * puts it between the queue and its schedule (--wrap=queue_schedule_take), so every job of every
 * run is seen. Two things must hold at each:
 *
 *   - of two sites that both have mail due in a pool, neither gets ahead of the other by more than
 *     a few jobs' cost, over any stretch of time;
 *   - within a site, bulk goes before transactional mail that waits only for its share. */
#ifndef LETTERHEAD_SIM_FAIRNESS_H
#define LETTERHEAD_SIM_FAIRNESS_H

#include "ledger.h"

/* A run begins: whatever is found goes to this ledger. */
void fairness_begin(struct ledger *ledger);
/* It ends. Returns how many jobs were given out while several sites waited for them. */
uint64_t fairness_end(void);

#endif
