#include "feedback/tls_tally.h"

#include "base/limits.h"
#include "wire/date.h"

#include <time.h>

static const int64_t S_US = 1000000;

struct tls_day tls_day_of(int64_t time_us)
{
    char date[WIRE_DATE_ISO_BYTES];
    const int64_t day_us = 86400 * S_US;
    int64_t into_us = (time_us % day_us + day_us) % day_us;
    struct tls_day day = {.from_us = time_us - into_us};

    wire_date_iso(day.from_us / S_US, date);
    memcpy(day.text, date, TLS_DAY_BYTES - 1);
    return day;
}

static int read_digits(struct slice text)
{
    uint64_t value;

    return slice_to_u64(text, 9999, &value) == 0 ? (int)value : -1;
}

/* What is no day of the calendar comes out as another one. */
int tls_day_parse(struct slice text, struct tls_day *ret)
{
    struct tm parts = {.tm_year = read_digits(slice_part(text, 0, 4)) - 1900,
                       .tm_mon = read_digits(slice_part(text, 5, 2)) - 1,
                       .tm_mday = read_digits(slice_part(text, 8, 2))};
    struct tls_day day;

    if (text.size != TLS_DAY_BYTES - 1)
        return -EINVAL;
    day = tls_day_of((int64_t)timegm(&parts) * S_US);
    if (!slice_equal(slice_text(day.text), text))
        return -EINVAL;
    *ret = day;
    return 0;
}

/* --- counting --- */

static void bind_kind(struct query *q, const struct tls_day *day,
                      const struct wire_tls_session *session)
{
    query_bind_text(q, slice_text(day->text));
    query_bind_text(q, session->domain);
    query_bind_int(q, session->policy);
    query_bind_int(q, session->result);
    query_bind_text(q, session->mx_host);
    query_bind_text(q, session->sending_ip);
    query_bind_text(q, session->receiving_ip);
    query_bind_text(q, session->reason);
}

/* 1: counted with its kind; 0: there is no such kind yet. */
static int count_known(struct store *s, const struct tls_day *day,
                       const struct wire_tls_session *session)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_TLS_COUNT);
    int r;

    bind_kind(&q, day, session);
    r = query_run(&q);
    return r < 0 ? r : store_changes(s) > 0;
}

static int count_kinds(struct store *s, const struct tls_day *day, struct slice domain)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_TLS_KINDS);
    int r;

    query_bind_text(&q, slice_text(day->text));
    query_bind_text(&q, domain);
    r = query_step(&q);
    return r == 1 ? (int)query_int(&q, 0) : r;
}

static int add_kind(struct store *s, const struct tls_day *day,
                    const struct wire_tls_session *session)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_TLS_ADD);

    bind_kind(&q, day, session);
    return query_run(&q);
}

static int count_session(struct store *s, const struct tls_day *day,
                         const struct wire_tls_session *session)
{
    struct wire_tls_session kind = *session;
    int r;

    if (kind.result == WIRE_TLS_SUCCESS)
        kind.sending_ip = kind.receiving_ip = kind.reason = SLICE_NONE;
    r = count_known(s, day, &kind);
    if (r != 0)
        return r < 0 ? r : 0;
    r = count_kinds(s, day, kind.domain);
    if (r < 0)
        return r;
    if (r >= LIMIT_TLS_TALLY_KINDS)
        kind.mx_host = kind.sending_ip = kind.receiving_ip = kind.reason = SLICE_NONE;
    return add_kind(s, day, &kind);
}

int tls_tally_add(struct store *s, const struct queue_event *event)
{
    struct slice sessions = event->tls_sessions;
    struct wire_tls_session session;
    struct tls_day day;
    int r = 0;

    if (sessions.size == 0)
        return 0;
    day = tls_day_of(event->time_us);
    while (r == 0 && wire_tls_session_read(&sessions, &session))
        if (session.domain.size)
            r = count_session(s, &day, &session);
    return r;
}
