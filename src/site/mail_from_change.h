/* What an operator says of a site's MAIL FROM domain (site.set), checked: it must be a subdomain of
 * a domain of the site's, and nothing else's. */
#ifndef LETTERHEAD_SITE_MAIL_FROM_CHANGE_H
#define LETTERHEAD_SITE_MAIL_FROM_CHANGE_H

#include "control/operation.h"
#include "site/mail_from.h"

struct mail_from_change {
    bool given;              /* something is said of it */
    bool remove;             /* that there shall be none */
    struct slice domain;     /* empty: as it is */
    struct slice on_failure; /* likewise */
};

extern const char *const mail_from_behaviours[];

#define MAIL_FROM_FIELDS                                                                           \
    {.name = "mail_from",                                                                          \
     .type = CONTROL_TEXT,                                                                         \
     .min = 1,                                                                                     \
     .max = 253,                                                                                   \
     .help = "a subdomain of the client's that the envelope's senders shall be in, so that SPF "   \
             "aligns; it needs an MX and an SPF record"},                                          \
        {.name = "mail_from_failure",                                                              \
         .type = CONTROL_TEXT,                                                                     \
         .max = 20,                                                                                \
         .choices = mail_from_behaviours,                                                          \
         .help = "while its records are not right: USE_DEFAULT_VALUE sends from the platform's "   \
                 "bounce domain, REJECT_MESSAGE refuses mail"},                                    \
    {                                                                                              \
        .name = "no_mail_from", .type = CONTROL_FLAG,                                              \
        .help = "send from the platform's bounce domain again"                                     \
    }

/* Reads and checks the three fields. */
MUST_CHECK int mail_from_change_read(struct control_call *call, struct store *s,
                                     struct arena *arena, int64_t site_id,
                                     struct mail_from_change *ret);
/* In the caller's transaction; checked at once by the clock. */
MUST_CHECK int mail_from_change_apply(struct store *s, struct arena *arena, int64_t site_id,
                                      const struct mail_from_change *change, int64_t now_us);

#endif
