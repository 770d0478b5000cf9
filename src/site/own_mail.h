/* Mail that Letterhead itself sends, to operators and sites' contacts: kept in the control database
 * until a gateway has taken it. What sends it is feedback/own_mail_sender.h. */
#ifndef LETTERHEAD_SITE_OWN_MAIL_H
#define LETTERHEAD_SITE_OWN_MAIL_H

#include "base/arena.h"
#include "store/store.h"

struct own_mail {
    int64_t id;
    int64_t notice_id;       /* which notice it tells of; 0: none */
    struct slice recipients; /* addresses, a line each */
    struct slice subject, text;
    struct slice attachment_name, attachment; /* a table in CSV; empty: none */

    struct slice state;      /* "waiting", "sent", "dropped" */
    struct slice message_id; /* under which it was handed to a gateway; empty: not yet */
    unsigned gateway;        /* the number of that one */
    unsigned attempts;
    int64_t created_us, since_us, next_us;
    struct slice why; /* of the last attempt that failed */
};

/* To be sent; of `mail` the fields of its content and notice_id count. Within a transaction. */
MUST_CHECK int own_mail_add(struct store *s, const struct own_mail *mail, int64_t now_us);

/* The next whose time has come. -ENOENT: none. */
MUST_CHECK int own_mail_next(struct store *s, struct arena *arena, int64_t now_us,
                             struct own_mail *ret);
/* Writes down that it is about to be handed over, under which id and to which gateway. */
MUST_CHECK int own_mail_entrust(struct store *s, int64_t id, struct slice message_id,
                                unsigned gateway);
/* Tries again at next_us: under the same id and with the same gateway if it may have been taken;
 * anew with an empty id. */
MUST_CHECK int own_mail_postpone(struct store *s, const struct own_mail *mail, int64_t next_us,
                                 struct slice why);
/* It is "sent" or "dropped". */
MUST_CHECK int own_mail_end(struct store *s, int64_t id, struct slice state, int64_t now_us,
                            struct slice why);
/* What was sent for a notice, at most `max`. */
MUST_CHECK int own_mail_of_notice(struct store *s, struct arena *arena, int64_t notice_id,
                                  size_t max, struct own_mail **ret, size_t *ret_count);
/* Removes what has ended before. */
MUST_CHECK int own_mail_forget(struct store *s, int64_t before_us);

#endif
