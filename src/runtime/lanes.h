/* The helper threads of world_linux: one a lane, for fetching a few; started when first needed.
 * Ended jobs are collected by the loop's thread, which a descriptor wakes. */
#ifndef LETTERHEAD_RUNTIME_LANES_H
#define LETTERHEAD_RUNTIME_LANES_H

#include "runtime/world.h"

struct lanes;

MUST_CHECK int lanes_new(struct lanes **ret);
/* Ends the threads when they have done what they were given. Accepts NULL. */
void lanes_free(struct lanes *l);
/* Becomes readable when a job has ended. */
int lanes_descriptor(const struct lanes *l);
void lanes_submit(struct lanes *l, enum task_lane lane, struct world_job *job);
/* Moves all ended jobs to the end of `jobs`. */
void lanes_collect(struct lanes *l, struct list *jobs);

#endif
