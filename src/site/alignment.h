/* How mail from a domain fares under DMARC, as it was last found (onboard/dmarc_check.h), in the
 * control database: a row for each domain that an identity's mail comes from. */
#ifndef LETTERHEAD_SITE_ALIGNMENT_H
#define LETTERHEAD_SITE_ALIGNMENT_H

#include "base/arena.h"
#include "store/store.h"

#include <jansson.h>

enum { ALIGNMENT_DOMAINS_MAX = 8 }; /* of one identity */

/* A policy as receivers of one kind find it; all empty when they find none. */
struct alignment_policy {
    struct slice policy; /* "none", "quarantine", "reject" */
    struct slice found_at, record;
    struct slice dkim_mode, spf_mode; /* "r", "s": what the record asks for */
    struct slice organization;
};

struct alignment {
    int64_t identity_id;
    struct slice domain; /* of the From */
    struct slice state;  /* as an identity's; see onboard/dmarc_verdict.h */
    int64_t since_us;
    struct slice why, next_step;
    struct slice trouble;         /* why the last look proved nothing; else empty */
    int64_t checked_us;           /* the last look that did; 0: none yet */
    struct slice dkim, spf;       /* "strict", "relaxed", "none" */
    struct alignment_policy walk; /* RFC 9989 */
    struct alignment_policy list; /* RFC 7489 */
};

/* Errors as store.h; slices that are read are from the arena. */
MUST_CHECK int alignment_list(struct store *s, struct arena *arena, int64_t identity_id,
                              struct alignment **ret, size_t *ret_count);
/* Puts these rows in the place of all that the identity has. Within a transaction. */
MUST_CHECK int alignment_replace(struct store *s, int64_t identity_id, const struct alignment *rows,
                                 size_t count);
/* A list, for the identity's JSON. */
json_t *alignments_to_json(const struct alignment *rows, size_t count);

#endif
