/* How identities, their records and credentials are shown: the JSON of several operations. */
#ifndef LETTERHEAD_SITE_IDENTITY_JSON_H
#define LETTERHEAD_SITE_IDENTITY_JSON_H

#include "site/identity.h"

#include <jansson.h>

/* The identity's state, its DMARC record, and its three records with what they must say: as one
 * text, cut into strings of at most 255 bytes (none for a CNAME), and as a line of a zone file.
 * -EINVAL: a public key is damaged. */
MUST_CHECK int identity_to_json(struct arena *arena, const struct identity *identity, json_t **ret);

#endif
