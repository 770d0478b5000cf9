/* The tally of TLS sessions with mail hosts, for the daily reports of RFC 8460: what the events of
 * delivery tell (queue/event.h, tls_sessions) is counted in the files of history, in the
 * transaction that stores the event, so each session counts exactly once whatever crashes.
 *
 * A kind of session is policy, result, MX host, both addresses and reason; of successes, which no
 * report tells apart, policy and MX host alone. A domain has at most LIMIT_TLS_TALLY_KINDS kinds a
 * day. What comes beyond is counted too, by policy and result without the rest. */
#ifndef LETTERHEAD_FEEDBACK_TLS_TALLY_H
#define LETTERHEAD_FEEDBACK_TLS_TALLY_H

#include "feedback/history.h"
#include "queue/event.h"
#include "store/store.h"
#include "wire/tls_session.h"

enum { TLS_DAY_BYTES = 11 }; /* "2026-11-23" with its NUL */

/* A UTC day, as in the names of reports; `from_us` is its first microsecond. */
struct tls_day {
    char text[TLS_DAY_BYTES];
    int64_t from_us;
};

struct tls_day tls_day_of(int64_t time_us);
/* -EINVAL: not a day written as 2026-11-23. */
MUST_CHECK int tls_day_parse(struct slice text, struct tls_day *ret);

/* A kind, and how many sessions of it there were. */
struct tls_tally {
    enum wire_tls_policy policy;
    enum wire_tls_result result;
    struct slice mx_host, sending_ip, receiving_ip, reason;
    int64_t sessions;
};

/* What a domain's sessions of a day came to. */
struct tls_tally_domain {
    struct slice domain;
    int64_t good, bad;
};

enum { TLS_TALLY_DOMAINS_MAX = 1000 };

/* Counts the sessions that the event tells. Within the event's transaction; for history. */
MUST_CHECK int tls_tally_add(struct store *s, const struct queue_event *event);

/* The kinds of a domain on a day, by policy; all memory is from the arena. Looks where events of
 * that day can be: in its file and the next one. */
MUST_CHECK int tls_tally_kinds(struct task *t, struct history *h, struct arena *arena,
                               const struct tls_day *day, struct slice domain,
                               struct tls_tally **ret, size_t *ret_count);
/* The domains of a day behind `after`, in order; at most `max`, which is no more than
 * TLS_TALLY_DOMAINS_MAX. */
MUST_CHECK int tls_tally_domains(struct task *t, struct history *h, struct arena *arena,
                                 const struct tls_day *day, struct slice after, size_t max,
                                 struct tls_tally_domain **ret, size_t *ret_count);

#endif
