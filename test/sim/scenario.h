/* One run: clients submit, hosts receive, the gateway between them is the real one, and everything
 * that can go wrong does, as the seed has it. When the clients are done the faults end, and what
 * was accepted must come to an end as well; then the ledger is judged. */
#ifndef LETTERHEAD_SIM_SCENARIO_H
#define LETTERHEAD_SIM_SCENARIO_H

#include "base/slice.h"

enum { SCENARIO_SITES = 3 };

/* A vault with a key for each site; made once a process, since making keys is no part of a run. */
struct scenario_keys;
struct scenario_keys *scenario_keys_new(void);
void scenario_keys_free(struct scenario_keys *keys);

struct scenario_options {
    uint64_t seed;
    bool verbose;
    const struct scenario_keys *keys;
};

struct scenario_result {
    char problem[1024]; /* "" when all is well */
    uint64_t hash;      /* of the trace */
    uint64_t simulated_us;
    unsigned acknowledged, refused, unanswered, delivered, bounced, expired, repeated, ambiguous,
        crashes, starts;
    uint64_t contested; /* jobs given out while several sites waited for them */
};

void scenario_run(const struct scenario_options *options, struct scenario_result *ret);

#endif
