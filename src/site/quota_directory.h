/* A site's quota as its gateways are told: what the operator allows, and what is used of it. */
#ifndef LETTERHEAD_SITE_QUOTA_DIRECTORY_H
#define LETTERHEAD_SITE_QUOTA_DIRECTORY_H

#include "site/directory.h"
#include "store/store.h"

/* Fills site->quota; site->id is there. */
MUST_CHECK int quota_directory_read(struct store *s, struct arena *arena,
                                    struct directory_site *site);

#endif
