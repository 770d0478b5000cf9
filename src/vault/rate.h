/* How much each site asks for: a sanity limit far above what a site should send, so that a gateway
 * that was taken over, or has gone mad, cannot sign without end in one site's name.
 *
 * Counts per site and minute in a table of fixed size; two sites that share a place in it reset
 * each other's count, so the limit errs on the side of letting pass. Shared by all signers. */
#ifndef LETTERHEAD_VAULT_RATE_H
#define LETTERHEAD_VAULT_RATE_H

#include "base/base.h"

struct vault_rate;

struct vault_rate *vault_rate_new(uint32_t per_minute_max);
void vault_rate_free(struct vault_rate *rate); /* accepts NULL */

enum vault_rate_verdict {
    VAULT_RATE_PASS,
    VAULT_RATE_FIRST_OVER, /* over the limit for the first time this minute: worth a line in the log
                            */
    VAULT_RATE_OVER,
};
/* Counts one request of the site at a monotonic time in seconds. */
enum vault_rate_verdict vault_rate_take(struct vault_rate *rate, uint64_t site_id, uint64_t now_s);

#endif
