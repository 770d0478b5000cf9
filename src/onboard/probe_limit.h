/* Keeps the probe from being used to guess passwords. Counted are passwords that were tried and not
 * accepted, from before they are tried, so that tests side by side win no further guess:
 * PROBE_GUESSES_MAX an hour for one user at one host, PROBE_GUESSES_PER_HOST_MAX for all users
 * there. One and the same sealed password may be tried again and again, by the clock that tests
 * accounts: that guesses nothing.
 *
 * In the control database, so that a restart makes nobody forget; by digests, since who is tested
 * there need not be a site's account. Kept for an hour, and PROBE_GUESSES_KEPT at most: what was
 * refused longest ago is forgotten first. Times are the wall clock's; after a clock was set back,
 * what seems to be more than an hour ahead counts no more. */
#ifndef LETTERHEAD_ONBOARD_PROBE_LIMIT_H
#define LETTERHEAD_ONBOARD_PROBE_LIMIT_H

#include "store/store.h"

enum { PROBE_GUESSES_MAX = 5, PROBE_GUESSES_PER_HOST_MAX = 20, PROBE_GUESSES_KEPT = 4096 };

struct probe_guess {
    struct slice host, user;
    struct slice sealed; /* the password, as the vault sealed it */
};

/* May it be tried now? 1: it may; 0: it may not; or an error of the store. */
MUST_CHECK int probe_limit_allows(struct store *s, int64_t now_us, const struct probe_guess *guess);
/* It is about to be tried. The same password again is noted once, as of now. */
MUST_CHECK int probe_limit_note(struct store *s, int64_t now_us, const struct probe_guess *guess);
/* It was accepted, or not said after all. */
MUST_CHECK int probe_limit_clear(struct store *s, const struct probe_guess *guess);

#endif
