/* What shaping.sources answers: the source addresses in force, and what each may send today. */
#ifndef LETTERHEAD_DELIVER_SHAPING_SOURCES_H
#define LETTERHEAD_DELIVER_SHAPING_SOURCES_H

#include "control/json.h"
#include "deliver/shaping_service.h"

/* All gateways together, as they last said. A limit of 0 is none. */
MUST_CHECK int shaping_sources_list(struct shaping_service *s, int64_t wall_us, json_t *output);

#endif
