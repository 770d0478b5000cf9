/* Which addresses a site's credentials may send as: its outgoing addresses alone, or, when the
 * operator says so, any address of its identities. The first outgoing address is what mail is sent
 * as when nothing else is said. Nobody sends as a whole domain by default. */
#ifndef LETTERHEAD_SITE_SENDERS_H
#define LETTERHEAD_SITE_SENDERS_H

#include "base/arena.h"
#include "control/operation.h"
#include "site/site.h"

/* 1: any address of the identities, beside the outgoing ones; 0: no other. */
MUST_CHECK int senders_any(struct store *s, int64_t site_id);
MUST_CHECK int senders_set_any(struct store *s, int64_t site_id, bool any);

/* What site.set says of them. */
struct senders_change {
    bool given;
    struct slice *addresses; /* canonical; none: as they are */
    size_t address_count;
    bool any;
};

/* Reads "from" and "senders"; tells the caller what is wrong. */
MUST_CHECK int senders_change_read(struct control_call *call, struct store *s, struct arena *arena,
                                   const struct site *site, struct senders_change *ret);
/* Within a transaction. */
MUST_CHECK int senders_change_apply(struct store *s, int64_t site_id,
                                    const struct senders_change *change);

extern const char *const senders_words[];
#define SENDERS_FIELD                                                                              \
    {                                                                                              \
        .name = "senders", .type = CONTROL_TEXT, .max = 10, .choices = senders_words,              \
        .help = "listed: it sends as the addresses of --from alone, which is so unless any is "    \
                "said; any: as every address of its domain"                                        \
    }

#endif
