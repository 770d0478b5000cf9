/* One report: gathered, made, and sent to one place. */
#include "base/log.h"
#include "deliver/sts_store.h"
#include "feedback/tls_report.h"
#include "feedback/tls_reporter.h"
#include "runtime/resolver.h"
#include "site/site.h"
#include "submit/remote.h"
#include "wire/https_url.h"
#include "wire/tlsa.h"

enum {
    MAIL_S = 120,
    POST_MS = 60000,
    POST_ANSWER_BYTES = 65536,
    PAUSE_S = 900, /* after the first failure; twice as long after each further one */
    PAUSE_MAX_S = 4 * 3600,
    TLSA_MAX = 20,
};
static const int64_t S_US = 1000000;

/* --- gathering --- */

static void find_sts_policy(const struct tls_reporter *r, struct arena *arena,
                            struct tls_report *report)
{
    struct sts_row row;

    if (sts_store_find(r->store, arena, report->domain, &row) == 0)
        report->sts_policy = row.policy;
}

static struct slice tlsa_text(struct arena *arena, struct slice rdata)
{
    struct buffer text = BUFFER_NONE;
    struct wire_tlsa tlsa;
    struct slice copy;

    if (wire_tlsa_parse(rdata, &tlsa) < 0)
        return SLICE_NONE;
    buffer_printf(&text, "%u %u %u ", tlsa.usage, tlsa.selector, tlsa.matching);
    for (size_t i = 0; i < tlsa.data.size; i++)
        buffer_printf(&text, "%02X", (unsigned char)tlsa.data.data[i]);
    copy = arena_copy(arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}

static int ask_tlsa(struct task *t, struct arena *arena, struct slice host, struct slice *texts,
                    size_t *count)
{
    struct slice name = arena_printf(arena, "_25._tcp.%.*s", SLICE_ARG(host));
    struct dns_answer answer;
    int r = resolver_query(t, arena, name, DNS_TLSA, &answer);

    if (r < 0 || answer.status != DNS_FOUND)
        return r == -EINVAL ? 0 : r;
    for (size_t i = 0; i < answer.count && *count < TLSA_MAX; i++) {
        struct slice text = tlsa_text(arena, answer.records[i].text);

        if (text.size)
            texts[(*count)++] = text;
    }
    return 0;
}

static bool is_first_of_host(const struct tls_report *report, size_t at)
{
    const struct tls_tally *kinds = report->kinds;

    if (kinds[at].policy != WIRE_TLS_TLSA || kinds[at].mx_host.size == 0)
        return false;
    for (size_t i = 0; i < at; i++)
        if (kinds[i].policy == WIRE_TLS_TLSA && slice_equal(kinds[i].mx_host, kinds[at].mx_host))
            return false;
    return true;
}

/* As they stand in the DNS now: the gateway does not tell which ones it went by. */
static int find_tlsa(struct task *t, struct arena *arena, struct tls_report *report)
{
    struct slice *texts = ARENA_ARRAY(arena, struct slice, TLSA_MAX);
    size_t count = 0, hosts = 0;
    int r = 0;

    for (size_t i = 0; i < report->kind_count && hosts < LIMIT_MX_HOSTS && r == 0; i++)
        if (is_first_of_host(report, i)) {
            r = ask_tlsa(t, arena, report->kinds[i].mx_host, texts, &count);
            hosts++;
        }
    report->tlsa = texts;
    report->tlsa_count = count;
    return r;
}

static struct slice submitter_of(const struct tls_report_settings *settings)
{
    ssize_t at = slice_find_last(settings->from, '@');

    if (settings->from.size == 0)
        return settings->hostname;
    return slice_part(settings->from, (size_t)(at + 1), settings->from.size);
}

int tls_report_gather(struct task *t, const struct tls_reporter *r, struct arena *arena,
                      const struct tls_day *day, struct slice domain, struct tls_report *ret)
{
    const struct tls_report_settings *settings = &r->settings;
    struct tls_report report = {
        .day = *day,
        .domain = domain,
        .organization = settings->organization.size ? settings->organization : settings->hostname,
        .contact = settings->contact.size ? settings->contact : settings->from,
        .submitter = submitter_of(settings),
        .id = arena_printf(arena, "%s.%.*s@%.*s", day->text, SLICE_ARG(domain),
                           SLICE_ARG(settings->hostname)),
    };
    struct tls_tally *kinds;
    int result = tls_tally_kinds(t, r->history, arena, day, domain, &kinds, &report.kind_count);

    if (result < 0)
        return result;
    if (report.kind_count == 0)
        return -ENOENT;
    report.kinds = kinds;
    find_sts_policy(r, arena, &report);
    result = find_tlsa(t, arena, &report);
    if (result == 0)
        *ret = report;
    return result;
}

/* --- sending --- */

/* What came of a try: an id or nothing, or why not. */
struct attempt {
    bool sent;
    struct slice message_id, why;
};

static void fail(struct attempt *attempt, struct slice why)
{
    attempt->why = why;
}

static int hand_in(struct task *t, struct tls_reporter *r, struct arena *arena,
                   const struct submit_request *request, struct attempt *ret)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, MAIL_S * SECOND_US);
    struct wire_reply reply;
    struct slice text, word;
    int result = submit_remote_send(t, r->gateways, arena, request, &reply);

    if (result < 0) {
        fail(ret, SLICE("no gateway took the message"));
        return result == -ECANCELED ? result : 0;
    }
    text = slice_text(reply.text);
    if (reply.code != 250) {
        fail(ret, arena_printf(arena, "the message was not taken: %u %s", reply.code, reply.text));
        return 0;
    }
    slice_cut(&text, ' ', &word);
    ret->sent = true;
    ret->message_id = arena_copy(arena, text);
    return 0;
}

static const char *read_addresses(const struct tls_reporter *r, struct arena *arena,
                                  const struct wire_tlsrpt_destination *place,
                                  struct address *ret_from, struct address *ret_to)
{
    struct wire_error error;

    if (wire_address_parse(arena, r->settings.from, 0, ret_from, &error) < 0)
        return "tls_reports.from is not an address";
    if (wire_address_parse(arena, slice_text(place->address), 0, ret_to, &error) < 0)
        return "the record's address cannot be written to";
    return NULL;
}

static int send_mail(struct task *t, struct tls_reporter *r, struct arena *arena,
                     const struct wire_tlsrpt_destination *place, const struct tls_report *report,
                     struct slice gzip, struct attempt *ret)
{
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    struct address from, to;
    const char *mistake = read_addresses(r, arena, place, &from, &to);
    struct queue_recipient recipient;
    struct submit_request request;
    struct site site;
    int result;

    if (mistake) {
        fail(ret, slice_text(mistake));
        return 0;
    }
    result = site_find(r->store, arena, r->settings.site, &site);
    if (result < 0) {
        fail(ret, SLICE("there is no site as tls_reports.site names"));
        return result == -ENOENT ? 0 : result;
    }
    tls_report_mail(report, wire_address_text(arena, &from), wire_address_text(arena, &to), gzip,
                    &message);
    recipient =
        (struct queue_recipient){.address = wire_address_text(arena, &to), .domain = to.domain};
    request = (struct submit_request){
        .site_id = (uint64_t)site.id,
        .envelope = {.from = from, .recipients = &recipient, .recipient_count = 1},
        .content = buffer_slice(&message),
    };
    return hand_in(t, r, arena, &request, ret);
}

static int post(struct task *t, struct tls_reporter *r, struct arena *arena,
                const struct wire_tlsrpt_destination *place, struct slice gzip, struct attempt *ret)
{
    CLEANUP(https_answer_done) struct https_answer answer = HTTPS_ANSWER_NONE;
    struct wire_https_url url;
    struct wire_error error;
    struct https_request request = {.port = HTTPS_PORT,
                                    .body = gzip,
                                    .body_type = TLS_REPORT_TYPE,
                                    .answer_bytes_max = POST_ANSWER_BYTES,
                                    .time_max_ms = POST_MS};
    int result;

    if (wire_https_url_parse(place->uri, &url, &error) < 0) {
        fail(ret, arena_printf(arena, "the record's address cannot be used: %s", error.what));
        return 0;
    }
    request.host = url.host;
    request.target = url.target;
    result = https_ask(t, r->https, &request, &answer);
    if (result < 0)
        return result;
    ret->sent = answer.outcome == HTTPS_ANSWERED && answer.status >= 200 && answer.status < 300;
    if (!ret->sent && answer.outcome == HTTPS_ANSWERED)
        fail(ret, arena_printf(arena, "the server answered %d", answer.status));
    else if (!ret->sent)
        fail(ret, arena_copy(arena, slice_text(answer.why)));
    return 0;
}

/* The row's address is read as the record was: it is one of a record. */
static bool read_place(struct arena *arena, struct slice uri, struct wire_tlsrpt_record *ret)
{
    struct slice record = arena_printf(arena, "v=TLSRPTv1;rua=%.*s", SLICE_ARG(uri));

    return wire_tlsrpt_record_parse(record, ret) == 0;
}

static int attempt_place(struct task *t, struct tls_reporter *r, struct arena *arena,
                         const struct tls_report *report, struct slice uri, struct attempt *ret)
{
    CLEANUP(buffer_done) struct buffer gzip = BUFFER_NONE;
    struct wire_tlsrpt_record *record = ARENA_NEW(arena, struct wire_tlsrpt_record);
    const struct wire_tlsrpt_destination *place = &record->destinations[0];

    if (!read_place(arena, uri, record)) {
        fail(ret, SLICE("the record's address cannot be used"));
        return 0;
    }
    tls_report_gzip(report, &gzip);
    if (place->kind == WIRE_TLSRPT_MAILTO)
        return send_mail(t, r, arena, place, report, buffer_slice(&gzip), ret);
    return post(t, r, arena, place, buffer_slice(&gzip), ret);
}

/* --- and what comes of it --- */

static int64_t pause_us(int64_t attempts)
{
    int64_t pause_s = PAUSE_S;

    for (int64_t i = 1; i < attempts && pause_s < PAUSE_MAX_S; i++)
        pause_s *= 2;
    return (pause_s < PAUSE_MAX_S ? pause_s : PAUSE_MAX_S) * S_US;
}

static void end_row(struct tls_report_row *row, struct slice state, struct slice why,
                    int64_t now_us)
{
    row->state = state;
    row->why = why;
    row->since_us = now_us;
    log_info("TLS report of %.*s on %.*s to \"%.*s\": %.*s%s%.*s", SLICE_ARG(row->domain),
             SLICE_ARG(row->day), SLICE_ARG(row->uri), SLICE_ARG(state), why.size ? ": " : "",
             SLICE_ARG(why));
}

static void put_off(struct tls_report_row *row, struct slice why, int64_t now_us)
{
    if (now_us - row->since_us >= TLS_REPORT_TRY_S * S_US) {
        end_row(row, SLICE(TLS_REPORT_DROPPED), why, now_us);
        return;
    }
    row->why = why;
    row->next_us = now_us + pause_us(row->attempts);
}

static int look_up_again(struct task *t, struct tls_reporter *r, struct arena *arena,
                         struct tls_report_row *row)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct tls_report_places *places = ARENA_NEW(arena, struct tls_report_places);
    struct tls_report_row rows[LIMIT_TLSRPT_DESTINATIONS];
    int result = tls_report_places_find(t, arena, row->domain, places);
    int64_t now_us = task_wall_us(t);
    size_t count;

    if (result < 0)
        return result;
    row->attempts++;
    if (places->answer == TLS_REPORT_DNS_SILENT)
        put_off(row, places->why, now_us);
    if (places->answer == TLS_REPORT_NO_PLACE)
        end_row(row, SLICE(TLS_REPORT_DROPPED), places->why, now_us);
    if (places->answer != TLS_REPORT_PLACES)
        return tls_report_row_save(r->store, row);
    count = tls_report_rows_for(places, row->day, row->domain, now_us, rows);
    result = store_transaction_begin(r->store, &all);
    if (result == 0)
        result = tls_report_rows_replace(r->store, rows, count);
    return result < 0 ? result : store_transaction_commit(&all);
}

static int try_row(struct task *t, struct tls_reporter *r, struct arena *arena,
                   const struct tls_report_row *row, struct attempt *ret)
{
    struct tls_report *report = ARENA_NEW(arena, struct tls_report);
    struct tls_day day;
    int result = tls_day_parse(row->day, &day);

    if (result == 0)
        result = tls_report_gather(t, r, arena, &day, row->domain, report);
    if (result == -ENOENT) {
        fail(ret, SLICE("nothing is known of that day any more"));
        return 0;
    }
    return result < 0 ? result : attempt_place(t, r, arena, report, row->uri, ret);
}

int tls_report_send(struct task *t, struct tls_reporter *r, struct arena *arena,
                    struct tls_report_row *row)
{
    struct attempt attempt = {.sent = false};
    int64_t now_us;
    int result;

    if (row->uri.size == 0)
        return look_up_again(t, r, arena, row);
    result = try_row(t, r, arena, row, &attempt);
    if (result < 0 && task_check(t) < 0)
        return result;
    if (result < 0)
        fail(&attempt, arena_printf(arena, "it could not be made: %s", strerror(-result)));
    now_us = task_wall_us(t);
    row->attempts++;
    row->message_id = attempt.message_id;
    if (attempt.sent)
        end_row(row, SLICE(TLS_REPORT_SENT), SLICE_NONE, now_us);
    else
        put_off(row, attempt.why, now_us);
    return tls_report_row_save(r->store, row);
}
