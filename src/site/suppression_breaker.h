/* The state of breakers (feedback/breaker.h): for which receiving domains new suppressions are held
 * for review, and for how long. Rows are few. */
#ifndef LETTERHEAD_SITE_SUPPRESSION_BREAKER_H
#define LETTERHEAD_SITE_SUPPRESSION_BREAKER_H

#include "base/arena.h"
#include "store/store.h"

struct suppression_breaker {
    struct slice domain;
    bool approved; /* an operator has looked: the domain means it, and nothing is held any more */
    int64_t since_us, until_us;
    int64_t sent, unknown; /* what made it trip */
};

/* -ENOENT: there is none. In the arena. */
MUST_CHECK int suppression_breaker_find(struct store *s, struct arena *arena, struct slice domain,
                                        struct suppression_breaker *ret);
MUST_CHECK int suppression_breaker_list(struct store *s, struct arena *arena,
                                        struct suppression_breaker **ret, size_t *ret_count);
/* In the caller's transaction, as what follows. Also tells the operator, once while it is open. */
MUST_CHECK int suppression_breaker_set(struct store *s, const struct suppression_breaker *breaker,
                                       int64_t now_us);
/* Its time is over. */
MUST_CHECK int suppression_breaker_remove(struct store *s, struct slice domain, int64_t now_us);

#endif
