/* Slows down the guessing of passwords over many sessions. A failure puts a debt of time on the
 * address it came from and on the account it named; while a debt is above its bound, tries are
 * turned away without asking the vault. Debts shrink as time passes, by themselves.
 *
 * An address from which an account has logged in before is known good for that account: it has a
 * debt of its own, so that nobody elsewhere can lock the owner out by failing on purpose.
 * Accounts need not exist: an unknown name behaves like a known one. Tables are of fixed size and
 * keyed by a secret hash; when a set is full, the smallest debt is forgotten. */
#ifndef LETTERHEAD_SUBMIT_AUTH_LIMIT_H
#define LETTERHEAD_SUBMIT_AUTH_LIMIT_H

#include "runtime/endpoint.h"

enum { SUBMIT_AUTH_HASH_KEY_BYTES = 16 };

struct submit_auth_limits {
    uint64_t failure_cost_us;    /* the debt that one failure makes */
    unsigned per_address_max;    /* failures at once before tries are turned away */
    unsigned per_account_max;    /* from addresses that are not known good */
    unsigned per_known_pair_max; /* account and address that have worked together */
};

struct submit_auth_limit;

struct submit_auth_limit *
submit_auth_limit_new(const struct submit_auth_limits *limits,
                      const uint8_t hash_key[static SUBMIT_AUTH_HASH_KEY_BYTES]);
void submit_auth_limit_free(struct submit_auth_limit *l);

/* Whether a try may be made now. Times are task_now_us. */
bool submit_auth_limit_allows(const struct submit_auth_limit *l, uint64_t now_us,
                              const struct endpoint *address, struct slice user);
void submit_auth_limit_failed(struct submit_auth_limit *l, uint64_t now_us,
                              const struct endpoint *address, struct slice user);
/* Makes the pair known good and forgives its debt. */
void submit_auth_limit_passed(struct submit_auth_limit *l, uint64_t now_us,
                              const struct endpoint *address, struct slice user);

#endif
