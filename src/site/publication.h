/* What the platform's own zone shall hold, as the control database has it: one TXT record a row,
 * wanted, offered, published, and what keeps it from being so. domain/publisher.h makes it true;
 * here is only the table, so that whoever makes or withdraws a key can say in the same transaction
 * what the DNS must show.
 *
 * Texts are what the TXT record says, joined; empty: no record. What is read lies in the caller's
 * arena. */
#ifndef LETTERHEAD_SITE_PUBLICATION_H
#define LETTERHEAD_SITE_PUBLICATION_H

#include "base/arena.h"
#include "store/store.h"

struct publication {
    struct slice name; /* lower case, no dot at the end */
    int64_t identity_id;
    struct slice wanted;
    int64_t wanted_us;
    struct slice offered;   /* sent in an update whose end is not known; empty: none */
    struct slice published; /* what the server was last found to have of ours */
    int64_t published_us;   /* since when it is there; 0: never was */
    int64_t checked_us;     /* 0: never */
    struct slice state;     /* "waiting", "published", "clash", "trouble" */
    int64_t since_us;
    struct slice trouble; /* for people: what is there instead, what the server said, what to do */
    int64_t failures;
    int64_t next_us;           /* when it is looked at next */
    struct slice site, domain; /* of publication_list alone: whose it is; empty: of nobody now */
};

/* From now on `text` shall be at the name; acted upon at `from_us`. */
MUST_CHECK int publication_want(struct store *s, const struct publication *wanted, int64_t from_us);
/* All records of the site's identities shall go at `from_us`. Before the identities are removed. */
MUST_CHECK int publication_drop_site(struct store *s, int64_t site_id, int64_t now_us,
                                     int64_t from_us);

/* The row that has been due longest. -ENOENT: none is due. */
MUST_CHECK int publication_due(struct store *s, struct arena *arena, int64_t now_us,
                               struct publication *ret);
/* -ENOENT */
MUST_CHECK int publication_find(struct store *s, struct arena *arena, struct slice name,
                                struct publication *ret);
/* By name, after `after`; `troubled`: only those that are not published. At most `max`. */
MUST_CHECK int publication_list(struct store *s, struct arena *arena, struct slice after,
                                bool troubled, size_t max, struct publication **ret,
                                size_t *ret_count);

/* An update that puts `text` there is about to be sent. */
MUST_CHECK int publication_offer(struct store *s, struct slice name, struct slice text);
/* The server has `text` there, and nothing else. Looked at again at `next_us`, or at once if
 * something else has become wanted meanwhile. */
MUST_CHECK int publication_settle(struct store *s, struct slice name, struct slice text,
                                  int64_t now_us, int64_t next_us);
/* It cannot be done now; `state` is "clash" or "trouble". */
MUST_CHECK int publication_hinder(struct store *s, struct slice name, const char *state,
                                  struct slice trouble, int64_t now_us, int64_t next_us);
/* All that is not published is tried now; *ret_count: how many waited for later. */
MUST_CHECK int publication_retry(struct store *s, int64_t now_us, int64_t *ret_count);

#endif
