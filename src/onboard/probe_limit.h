/* Keeps the probe from being used to guess passwords. Counted are passwords that an account has
 * refused: PROBE_GUESSES_MAX an hour for one user at one host, PROBE_GUESSES_PER_HOST_MAX for all
 * users there. One and the same sealed password may be tried again and again, by the clock that
 * tests accounts: that guesses nothing.
 *
 * In memory, of fixed size; what was refused longest ago is forgotten first. */
#ifndef LETTERHEAD_ONBOARD_PROBE_LIMIT_H
#define LETTERHEAD_ONBOARD_PROBE_LIMIT_H

#include "base/slice.h"

enum { PROBE_GUESSES_MAX = 5, PROBE_GUESSES_PER_HOST_MAX = 20, PROBE_GUESSES_KEPT = 4096 };

struct probe_limit;

struct probe_limit *probe_limit_new(void);
void probe_limit_free(struct probe_limit *l); /* accepts NULL */

struct probe_guess {
    struct slice host, user;
    struct slice sealed; /* the password, as the vault sealed it */
};

/* May it be tried now? Monotonic time. */
bool probe_limit_allows(const struct probe_limit *l, uint64_t now_us,
                        const struct probe_guess *guess);
/* It was refused. */
void probe_limit_note(struct probe_limit *l, uint64_t now_us, const struct probe_guess *guess);

#endif
