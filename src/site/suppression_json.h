/* A suppression as operations show it. */
#ifndef LETTERHEAD_SITE_SUPPRESSION_JSON_H
#define LETTERHEAD_SITE_SUPPRESSION_JSON_H

#include "site/suppression.h"

#include <jansson.h>

/* {address, reason, held, class, since, expires, message_id, text}; the caller's. */
json_t *suppression_to_json(const struct suppression *suppression);

#endif
