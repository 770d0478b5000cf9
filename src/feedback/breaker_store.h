/* The breaker with its memory: what it says is stored where the outcome is (feedback/outcome.h), in
 * the same transaction. */
#ifndef LETTERHEAD_FEEDBACK_BREAKER_STORE_H
#define LETTERHEAD_FEEDBACK_BREAKER_STORE_H

#include "feedback/breaker.h"
#include "site/suppression.h"

/* What was known of domains when the process before ended. */
MUST_CHECK int breaker_store_load(struct breaker *b, struct store *s);
/* Keeps what has changed, in the caller's transaction; for once an hour. */
MUST_CHECK int breaker_store_keep(struct breaker *b, struct store *s, int64_t now_us);

/* Takes note of an unknown user, who is about to be suppressed. *ret_held: the suppression is to be
 * held. When the breaker has just tripped, those of the hours that made it trip are in
 * *ret_released (in the arena): they are held from now on, too, and gateways must be told. */
MUST_CHECK int breaker_store_ask(struct breaker *b, struct store *s, struct arena *arena,
                                 struct slice address, int64_t time_us, bool *ret_held,
                                 struct suppression **ret_released, size_t *ret_released_count);

#endif
