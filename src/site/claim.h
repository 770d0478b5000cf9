/* Who holds a domain. Any number of sites may claim one; the first that proves it by DNS holds it,
 * alone (the index identity_verified). Each site has selectors of its own, so a proof is one site's
 * and nobody else's (docs/decisions/0030-who-holds-a-domain.md).
 *
 * A domain changes hands by proof: whoever has all its own records there takes it over as soon as
 * one of the holder's is proven to be gone. While the holder's are all there, too, nothing changes;
 * the operators are told, and sites hear nothing of one another. */
#ifndef LETTERHEAD_SITE_CLAIM_H
#define LETTERHEAD_SITE_CLAIM_H

#include "site/identity.h"

/* 1: another site holds the domain with all its records there; 0: none does. */
MUST_CHECK int claim_is_held(struct store *s, const struct identity *identity);

/* The identity's records are all right: it takes the domain over from who holds it with records
 * that are not. *ret_site_id is that site, which the gateways must hear of; 0: nobody held it.
 * Within the transaction that verifies the identity, before it is written. */
MUST_CHECK int claim_take(struct store *s, const struct identity *identity, int64_t now_us,
                          int64_t *ret_site_id);

/* The identity's records are all right, but another site holds the domain: that one's records are
 * looked at soon, since it may have been sold. Within a transaction. */
MUST_CHECK int claim_contest(struct store *s, const struct identity *identity, int64_t now_us);

#endif
