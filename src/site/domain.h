/* Which domains may be an identity: a name that a client can own and prove. */
#ifndef LETTERHEAD_SITE_DOMAIN_H
#define LETTERHEAD_SITE_DOMAIN_H

#include "base/arena.h"

/* Brings a domain as people write it (upper case, umlauts, a final dot) into A-labels in lower
 * case. -EINVAL with a sentence for people in *ret_why: not a domain name, or a public suffix
 * (co.uk, github.io), under which strangers have their own names. */
MUST_CHECK int site_domain_normalise(struct arena *arena, struct slice text, struct slice *ret,
                                     const char **ret_why);

/* The same for the name of a host, which may stand anywhere. */
MUST_CHECK int site_host_normalise(struct arena *arena, struct slice text, struct slice *ret);

/* Under which many owners have their domains. The domain as site_domain_normalise made it. */
bool site_domain_is_public_suffix(struct arena *arena, struct slice domain);

/* True for the words that may name a site: a-z, 0-9 and single hyphens inside, at most
 * SITE_NAME_BYTES_MAX. */
enum { SITE_NAME_BYTES_MAX = 63 };
bool site_name_valid(struct slice name);

#endif
