#include "site/holding.h"

#include <stdlib.h>

static struct holding *find(const struct holding *table, struct slice domain)
{
    struct holding *holding;

    HASH_FIND(by_domain, table, domain.data, domain.size, holding);
    return holding;
}

static void unlist(struct holding **table, struct holding *holding)
{
    holding->listed = false;
    HASH_DELETE(by_domain, *table, holding);
}

void holding_list(struct holding **table, struct holding *holdings,
                  const struct directory_site *site)
{
    for (size_t i = 0; i < site->identity_count; i++) {
        struct slice domain = site->identities[i].domain;
        struct holding *before;

        if (!site->identities[i].sending)
            continue;
        before = find(*table, domain);
        if (before)
            unlist(table, before);
        holdings[i] = (struct holding){.site = site, .domain = domain, .listed = true};
        HASH_ADD_KEYPTR(by_domain, *table, domain.data, domain.size, &holdings[i]);
    }
}

void holding_unlist(struct holding **table, struct holding *holdings,
                    const struct directory_site *site)
{
    for (size_t i = 0; i < site->identity_count; i++)
        if (holdings[i].listed)
            unlist(table, &holdings[i]);
}

bool holding_is_others(const struct holding *table, const struct directory_site *site,
                       struct slice domain, struct slice parent)
{
    struct slice label;

    while (domain.size > parent.size) {
        const struct holding *holding = find(table, domain);

        if (holding && holding->site->id != site->id)
            return true;
        slice_cut(&domain, '.', &label);
    }
    return false;
}
