/* Which site has proven which domain, as the gateway knows it: so that an identity that covers
 * subdomains does not cover another site's. For site/directory.c alone.
 *
 * While a domain changes hands, two sites may be known as holders for a moment: what was said last
 * is true. The memory is the caller's: one holding for each identity of a site. */
#ifndef LETTERHEAD_SITE_HOLDING_H
#define LETTERHEAD_SITE_HOLDING_H

#include "site/directory.h"

#define uthash_fatal(message) abort()
#include <uthash.h>

struct holding {
    const struct directory_site *site;
    struct slice domain;
    bool listed;
    UT_hash_handle by_domain;
};

/* Lists the site's identities that are sending; `holdings` are as many as it has identities. */
void holding_list(struct holding **table, struct holding *holdings,
                  const struct directory_site *site);
void holding_unlist(struct holding **table, struct holding *holdings,
                    const struct directory_site *site);

/* Whether another site has proven the domain, or one between it and `parent`, which it is below. */
bool holding_is_others(const struct holding *table, const struct directory_site *site,
                       struct slice domain, struct slice parent);

#endif
