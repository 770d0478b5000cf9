/* Suppressions: addresses that a site's mail is not sent to, since they do not exist, since the
 * person complained, or since somebody said so. Each belongs to one site. Mail to one is accepted
 * and ends at once (QUEUE_EVENT_SUPPRESSED); the gateways know them as hashes (site/suppressed.h).
 *
 * Addresses are compared without case. One that is held (feedback/breaker.h) is only proposed: an
 * operator approves or drops it. Calls are made within the caller's transaction where they
 * change something. */
#ifndef LETTERHEAD_SITE_SUPPRESSION_H
#define LETTERHEAD_SITE_SUPPRESSION_H

#include "base/arena.h"
#include "store/store.h"

/* In the order of their weight: a weaker reason never replaces a stronger one. */
enum suppression_reason { SUPPRESSION_BOUNCE = 1, SUPPRESSION_COMPLAINT, SUPPRESSION_MANUAL };

enum {
    SUPPRESSION_BOUNCE_DAYS = 180, /* then an address that bounced may be tried again */
    SUPPRESSION_DOMAIN_DAYS = 30,  /* the same, when it was its domain that did not exist */
    SUPPRESSION_TEXT_BYTES = 500,
    SUPPRESSION_LIST_MAX = 4000,
};

struct suppression {
    int64_t site_id;
    struct slice address; /* canonical, lower case: suppression_fold */
    bool held;
    enum suppression_reason reason;
    struct slice class;   /* of the bounce, as it was judged then; otherwise empty */
    struct slice message; /* the id of the message that is the evidence; may be empty */
    struct slice text;    /* what was said; at most SUPPRESSION_TEXT_BYTES */
    int64_t since_us;     /* Unix time */
    int64_t expires_us;   /* 0: never */
};

const char *suppression_reason_name(enum suppression_reason reason);
/* False: there is no such reason. */
bool suppression_reason_parse(struct slice name, enum suppression_reason *ret);

/* The form in which addresses are kept and compared. */
struct slice suppression_fold(struct arena *arena, struct slice address);

/* Adds one, or makes what is there stronger; `since_us` of what is there stays. What is held stays
 * held when another bounce comes. *ret_changed: whether the gateways must be told. -ENOSPC: the
 * site has LIMIT_SUPPRESSIONS. */
MUST_CHECK int suppression_put(struct store *s, const struct suppression *suppression,
                               bool *ret_changed);
/* -ENOENT: it is not there. */
MUST_CHECK int suppression_remove(struct store *s, int64_t site_id, struct slice address);
/* -ENOENT: it is not there. */
MUST_CHECK int suppression_set_held(struct store *s, int64_t site_id, struct slice address,
                                    bool held);

/* -ENOENT: it is not there. In the arena, as all that follows. */
MUST_CHECK int suppression_find(struct store *s, struct arena *arena, int64_t site_id,
                                struct slice address, struct suppression *ret);
/* A site's, by address, those after `after` (empty: from the first), at most SUPPRESSION_LIST_MAX
 * of them. */
MUST_CHECK int suppression_list(struct store *s, struct arena *arena, int64_t site_id, bool held,
                                struct slice after, size_t max, struct suppression **ret,
                                size_t *ret_count);
/* Those of all sites at a receiving domain, in that state since then. */
MUST_CHECK int suppression_list_of_domain(struct store *s, struct arena *arena, struct slice domain,
                                          bool held, int64_t since_us, size_t max,
                                          struct suppression **ret, size_t *ret_count);
/* All that are held, by domain. */
MUST_CHECK int suppression_list_held(struct store *s, struct arena *arena, size_t max,
                                     struct suppression **ret, size_t *ret_count);
MUST_CHECK int suppression_list_expired(struct store *s, struct arena *arena, int64_t now_us,
                                        size_t max, struct suppression **ret, size_t *ret_count);
/* How many the site has. */
MUST_CHECK int suppression_count(struct store *s, int64_t site_id, int64_t *ret);

#endif
