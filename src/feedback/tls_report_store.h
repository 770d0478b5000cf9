/* The reports of RFC 8460 that are to be sent or were, in the control database: one row for each
 * place that a domain wants its report of a day sent to; and how far each day has been gone
 * through. Rows outlive a crash: what was not noted as sent is sent again. */
#ifndef LETTERHEAD_FEEDBACK_TLS_REPORT_STORE_H
#define LETTERHEAD_FEEDBACK_TLS_REPORT_STORE_H

#include "base/arena.h"
#include "feedback/tls_tally.h"
#include "store/store.h"
#include "wire/tlsrpt.h"

#define TLS_REPORT_WAITING "waiting"
#define TLS_REPORT_SENT "sent"
#define TLS_REPORT_DROPPED "dropped"

struct tls_report_row {
    struct slice day, domain;
    int64_t place;
    struct slice uri;   /* as in the domain's record; empty: that could not be looked up yet */
    struct slice state; /* TLS_REPORT_… */
    int64_t attempts;
    int64_t next_us;         /* of the next try, while it waits */
    int64_t since_us;        /* it was due first; or when it was sent or dropped */
    struct slice why;        /* what the last try came to, if that was no success */
    struct slice message_id; /* of a report that went by mail */
};

struct tls_report_progress {
    int64_t begins_us;
    struct slice last_domain; /* gone through up to here; from the arena */
    bool done;
};

/* Errors as store.h; slices that are read are from the arena. */
MUST_CHECK int tls_report_row_save(struct store *s, const struct tls_report_row *row);
/* Takes the place of all rows of that day and domain. Within a transaction. */
MUST_CHECK int tls_report_rows_replace(struct store *s, const struct tls_report_row *rows,
                                       size_t count);
/* Waiting ones whose time has come, the longest overdue first. */
MUST_CHECK int tls_report_rows_due(struct store *s, struct arena *arena, int64_t now_us, size_t max,
                                   struct tls_report_row **ret, size_t *ret_count);
/* At most LIMIT_TLSRPT_DESTINATIONS. */
MUST_CHECK int tls_report_rows_of(struct store *s, struct arena *arena, struct slice day,
                                  struct slice domain, struct tls_report_row **ret,
                                  size_t *ret_count);
/* How many rows a day has. */
MUST_CHECK int tls_report_rows_count(struct store *s, struct slice day, int64_t *ret);
/* Forgets all that is about days before this one. */
MUST_CHECK int tls_report_forget(struct store *s, struct slice day);

/* -ENOENT: the day was not begun. */
MUST_CHECK int tls_report_day_find(struct store *s, struct arena *arena, struct slice day,
                                   struct tls_report_progress *ret);
MUST_CHECK int tls_report_day_save(struct store *s, struct slice day,
                                   const struct tls_report_progress *progress);

#endif
