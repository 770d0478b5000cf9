/* What the operator and a site's contacts are told: that something is wrong, once while it stands,
 * and once more when it is mended. Whoever finds a trouble raises a notice in the transaction that
 * makes it true, as often as it likes; mail is made of it later (feedback/own_mail_sender.h).
 *
 * A trouble is known by its site and topic, such as "identity:17", "relay:3", "reputation:5".
 * Raised again with the same subject it is told no second time; another subject is a new stage of
 * it (a warning that became a pause), and is told too. So a subject has no numbers that change from
 * one look to the next; the text may. What is mended before it was told is not told at all.
 *
 * A trouble that comes and goes is told once in NOTICE_GAP_S: when it comes again so soon after it
 * was told, it is told if it still stands by then. What stands can be seen at any time. */
#ifndef LETTERHEAD_SITE_NOTICE_H
#define LETTERHEAD_SITE_NOTICE_H

#include "base/arena.h"
#include "store/store.h"

enum { NOTICE_GAP_S = 3600 };

struct notice {
    uint64_t site_id;   /* 0: of the whole platform, for the operator alone */
    struct slice topic; /* words and numbers of ours; never shown to a site */
    bool trouble;       /* false: it is mended */
    /* In plain words, for people who are not technicians: what happened, what it means, what to do
     * next. Lines end with LF. What came from strangers is made harmless here, and both are cut to
     * LIMIT_NOTICE_SUBJECT_BYTES and LIMIT_NOTICE_TEXT_BYTES. */
    struct slice subject, text;
};

/* In the caller's transaction. */
MUST_CHECK int notice_raise(struct store *s, const struct notice *n, int64_t now_us);

/* A trouble as it is kept, in the caller's arena. */
struct notice_row {
    int64_t id;
    int64_t site_id;
    struct slice topic;
    int64_t since_us, told_us, mended_us; /* 0: never */
    bool untold;                          /* there is something to be told */
    struct slice subject, text;
    struct slice mended_subject, mended_text; /* empty: it stands */
};

/* The first of which there is something to be told now. -ENOENT: none. */
MUST_CHECK int notice_next(struct store *s, struct arena *arena, int64_t now_us,
                           struct notice_row *ret);
/* It was told (written down to be sent). */
MUST_CHECK int notice_told(struct store *s, int64_t id, int64_t now_us);
/* -ENOENT */
MUST_CHECK int notice_find(struct store *s, struct arena *arena, int64_t id,
                           struct notice_row *ret);
/* What stands, the newest first, then, with `mended`, what stood; of all sites with site_id 0. */
struct notice_listing {
    int64_t site_id;
    bool mended;
    size_t max;
};
MUST_CHECK int notice_list(struct store *s, struct arena *arena,
                           const struct notice_listing *listing, struct notice_row **ret,
                           size_t *ret_count);
/* Removes what was mended before. */
MUST_CHECK int notice_forget(struct store *s, int64_t before_us);

#endif
