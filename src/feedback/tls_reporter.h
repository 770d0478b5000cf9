/* Makes the daily reports of RFC 8460 and sends them, in the steward: after midnight (UTC) it goes
 * through the domains that mail went to the day before, looks up which of them want reports
 * (_smtp._tls.<domain>), and sends those over the hours that follow, each at a time drawn by lot,
 * by mail or by HTTPS. What does not go through is tried for a day. Off unless there is a From. */
#ifndef LETTERHEAD_FEEDBACK_TLS_REPORTER_H
#define LETTERHEAD_FEEDBACK_TLS_REPORTER_H

#include "control/operation.h"
#include "deliver/https.h"
#include "feedback/tls_report_store.h"
#include "runtime/peer_group.h"

enum {
    TLS_REPORT_LATE_S = 600,        /* after midnight, so that the day's last events are there */
    TLS_REPORT_BEGIN_S = 3600,      /* within which a day is begun after that */
    TLS_REPORT_SPREAD_S = 4 * 3600, /* within which its reports are sent (RFC 8460 §4.1) */
    TLS_REPORT_TRY_S = 86400,       /* RFC 8460 §5.5 */
    TLS_REPORT_KEPT_DAYS = 30,      /* that is known of reports */
};

struct tls_report_settings {
    struct slice hostname;              /* of this installation */
    struct slice site;                  /* whose mail the reports are */
    struct slice from;                  /* an address of the site; empty: no reports */
    struct slice organization, contact; /* in the report; contact may be empty */
};

struct tls_reporter {
    struct tls_report_settings settings;
    struct store *store; /* the control database */
    struct history *history;
    struct https *https;
    struct peer_group *gateways; /* that mail is given to */
};

/* All are borrowed. Until cancelled; returns at once when reports are off. */
MUST_CHECK int tls_reporter_run(struct task *t, struct tls_reporter *r);

/* What follows is for the operations and the parts of the reporter. */

/* Where a domain wants its reports sent to. */
struct tls_report_places {
    enum { TLS_REPORT_NO_PLACE, TLS_REPORT_PLACES, TLS_REPORT_DNS_SILENT } answer;
    struct wire_tlsrpt_record record; /* slices are from the arena */
    struct slice why;                 /* unless there are places: a sentence without a full stop */
};
MUST_CHECK int tls_report_places_find(struct task *t, struct arena *arena, struct slice domain,
                                      struct tls_report_places *ret);

/* The rows for what was found: one a place; one without a place while the DNS is silent; none. */
size_t tls_report_rows_for(const struct tls_report_places *places, struct slice day,
                           struct slice domain, int64_t due_us,
                           struct tls_report_row rows[static LIMIT_TLSRPT_DESTINATIONS]);

struct tls_report;
/* Gathers a report; -ENOENT: nothing is known of the domain on that day. */
MUST_CHECK int tls_report_gather(struct task *t, const struct tls_reporter *r, struct arena *arena,
                                 const struct tls_day *day, struct slice domain,
                                 struct tls_report *ret);

/* Tries to send the row's report, and notes in the row, and in the database, what came of it.
 * Errors: the task's, the database's. */
MUST_CHECK int tls_report_send(struct task *t, struct tls_reporter *r, struct arena *arena,
                               struct tls_report_row *row);

/* tls-report.list, .show, .send; `reporter` may be NULL where they are only looked at. */
struct control_set tls_report_operations(struct tls_reporter *reporter);

#endif
