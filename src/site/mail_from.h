/* A site's own MAIL FROM domain: a subdomain of its client's, which the envelope's senders are in
 * instead of the platform's bounce domain, so that SPF aligns with the From as well. It needs one
 * MX record that leads to this host, and an SPF record that allows the addresses that mail goes out
 * from. Names, states and behaviour are those of Amazon SES; onboard/mail_from_check.h looks at the
 * records and decides. */
#ifndef LETTERHEAD_SITE_MAIL_FROM_H
#define LETTERHEAD_SITE_MAIL_FROM_H

#include "base/arena.h"
#include "store/store.h"

#include <jansson.h>

#define MAIL_FROM_DEFAULT "USE_DEFAULT_VALUE" /* without good records: from the bounce domain */
#define MAIL_FROM_REJECT "REJECT_MESSAGE"     /* without good records: mail is refused */

struct mail_from {
    int64_t site_id;
    struct slice domain;
    struct slice on_failure; /* MAIL_FROM_… */
    struct slice state;      /* "PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE" */
    int64_t since_us;
    struct slice why, next_step;
    struct slice trouble;              /* why the last look proved nothing; else empty */
    int64_t checked_us, next_check_us; /* 0: never */
};

/* Errors as store.h; slices that are read are from the arena. -ENOENT: the site has none. */
MUST_CHECK int mail_from_find(struct store *s, struct arena *arena, int64_t site_id,
                              struct mail_from *ret);
/* Adds or replaces. */
MUST_CHECK int mail_from_save(struct store *s, const struct mail_from *row);
MUST_CHECK int mail_from_remove(struct store *s, int64_t site_id);
/* The sites whose time to be looked at has come, at most `max`. */
MUST_CHECK int mail_from_due(struct store *s, int64_t now_us, size_t max, int64_t *ret,
                             size_t *ret_count);

/* True when envelope senders are in it. */
bool mail_from_is_used(const struct mail_from *row);

/* Adds the member "mail_from": null when there is none. */
MUST_CHECK int mail_from_describe(struct store *s, struct arena *arena, int64_t site_id,
                                  json_t *object);

#endif
