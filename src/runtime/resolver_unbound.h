/* libunbound behind world_linux: it works in a thread of its own and tells by a descriptor. */
#ifndef LETTERHEAD_RUNTIME_RESOLVER_UNBOUND_H
#define LETTERHEAD_RUNTIME_RESOLVER_UNBOUND_H

#include "runtime/world_linux.h"

struct resolver_unbound;

/* -EINVAL: *ret_problem (from malloc) says which option was refused. */
MUST_CHECK int resolver_unbound_new(const struct resolver_options *options,
                                    struct resolver_unbound **ret, char **ret_problem);
/* Accepts NULL. */
void resolver_unbound_free(struct resolver_unbound *r);
int resolver_unbound_descriptor(const struct resolver_unbound *r);
/* -EIO when the question could not even be put. */
MUST_CHECK int resolver_unbound_start(struct resolver_unbound *r, struct world_query *query);
void resolver_unbound_cancel(struct resolver_unbound *r, struct world_query *query);
/* Moves all answered queries to the end of `queries`. */
void resolver_unbound_process(struct resolver_unbound *r, struct list *queries);

#endif
