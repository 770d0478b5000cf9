/* How a relay is shown: the JSON of several operations. The password is in none of them. */
#ifndef LETTERHEAD_SITE_RELAY_JSON_H
#define LETTERHEAD_SITE_RELAY_JSON_H

#include "site/relay.h"

#include <jansson.h>

/* The account, how it stands, its limits, and how much of its day is used at `now_us`. */
MUST_CHECK int relay_to_json(struct store *s, struct arena *arena, const struct relay *relay,
                             int64_t now_us, json_t **ret);
/* The last tests, the newest first. */
MUST_CHECK int relay_probes_to_json(struct store *s, struct arena *arena, int64_t relay_id,
                                    json_t **ret);

#endif
