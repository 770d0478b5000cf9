#include "feedback/tls_report.h"

#include "control/json.h"
#include "wire/base64.h"
#include "wire/date.h"

#include <stdlib.h>
#include <zlib.h>

enum { DAY_S = 86400, GZIP_WINDOW = 15 + 16 /* zlib's word for gzip */, BASE64_LINE = 76 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    if (text.size)
        json_object_set_new(object, name, control_json_text(text));
}

static void add_time(json_t *object, const char *name, int64_t time_s)
{
    char text[WIRE_DATE_ISO_BYTES];

    add_text(object, name, wire_date_iso(time_s, text));
}

static int64_t begin_s(const struct tls_report *report)
{
    return report->day.from_us / 1000000;
}

static int64_t end_s(const struct tls_report *report)
{
    return begin_s(report) + DAY_S - 1;
}

/* --- the policies --- */

/* Its lines, and of those the patterns of hosts. */
static void add_sts_policy(const struct tls_report *report, json_t *policy)
{
    json_t *lines = json_array(), *hosts = json_array();
    struct slice rest = report->sts_policy, line;
    bool more = rest.size > 0;

    while (more) {
        more = slice_cut(&rest, '\n', &line);
        line = slice_trim(line);
        if (line.size)
            json_array_append_new(lines, control_json_text(line));
        if (slice_starts(line, SLICE("mx:")))
            json_array_append_new(hosts,
                                  control_json_text(slice_trim(slice_part(line, 3, line.size))));
    }
    json_object_set_new(policy, "policy-string", lines);
    json_object_set_new(policy, "mx-host", hosts);
}

static void add_tlsa_policy(const struct tls_report *report, json_t *policy)
{
    json_t *records = json_array();

    for (size_t i = 0; i < report->tlsa_count; i++)
        json_array_append_new(records, control_json_text(report->tlsa[i]));
    json_object_set_new(policy, "policy-string", records);
}

static json_t *describe_policy(const struct tls_report *report, enum wire_tls_policy type)
{
    json_t *policy = json_object();

    add_text(policy, "policy-type", slice_text(wire_tls_policy_name(type)));
    if (type == WIRE_TLS_STS && report->sts_policy.size)
        add_sts_policy(report, policy);
    if (type == WIRE_TLS_TLSA && report->tlsa_count)
        add_tlsa_policy(report, policy);
    add_text(policy, "policy-domain", report->domain);
    return policy;
}

/* --- what came of them --- */

static json_t *describe_failure(const struct tls_tally *kind)
{
    json_t *failure = json_object();

    add_text(failure, "result-type", slice_text(wire_tls_result_name(kind->result)));
    add_text(failure, "sending-mta-ip", kind->sending_ip);
    add_text(failure, "receiving-mx-hostname", kind->mx_host);
    add_text(failure, "receiving-ip", kind->receiving_ip);
    json_object_set_new(failure, "failed-session-count", json_integer(kind->sessions));
    add_text(failure, "failure-reason-code", kind->reason);
    return failure;
}

/* NULL when no session was under such a policy. */
static json_t *describe_sessions(const struct tls_report *report, enum wire_tls_policy type)
{
    json_t *failures = json_array();
    int64_t good = 0, bad = 0;

    for (size_t i = 0; i < report->kind_count; i++) {
        const struct tls_tally *kind = &report->kinds[i];

        if (kind->policy != type)
            continue;
        if (kind->result == WIRE_TLS_SUCCESS) {
            good += kind->sessions;
            continue;
        }
        bad += kind->sessions;
        json_array_append_new(failures, describe_failure(kind));
    }
    if (good + bad == 0) {
        json_decref(failures);
        return NULL;
    }
    return json_pack("{s:o, s:{s:I, s:I}, s:o}", "policy", describe_policy(report, type), "summary",
                     "total-successful-session-count", (json_int_t)good,
                     "total-failure-session-count", (json_int_t)bad, "failure-details", failures);
}

json_t *tls_report_json(const struct tls_report *report)
{
    static const enum wire_tls_policy types[] = {WIRE_TLS_STS, WIRE_TLS_TLSA, WIRE_TLS_NO_POLICY};
    json_t *whole = json_object(), *range = json_object(), *policies = json_array();

    add_time(range, "start-datetime", begin_s(report));
    add_time(range, "end-datetime", end_s(report));
    add_text(whole, "organization-name", report->organization);
    json_object_set_new(whole, "date-range", range);
    add_text(whole, "contact-info", report->contact);
    add_text(whole, "report-id", report->id);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        json_t *sessions = describe_sessions(report, types[i]);

        if (sessions)
            json_array_append_new(policies, sessions);
    }
    json_object_set_new(whole, "policies", policies);
    return whole;
}

/* --- as it is sent --- */

static void compress_all(struct slice text, struct buffer *out)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text.data,
                       .avail_in = (unsigned)text.size};
    size_t room;
    int r =
        deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);

    if (r != Z_OK) /* memory is out */
        abort();
    room = deflateBound(&stream, (unsigned long)text.size);
    stream.next_out = (unsigned char *)buffer_reserve(out, room);
    stream.avail_out = (unsigned)room;
    r = deflate(&stream, Z_FINISH);
    assert(r == Z_STREAM_END);
    out->size += stream.total_out;
    deflateEnd(&stream);
}

static int add_part(const char *text, size_t size, void *out)
{
    buffer_add(out, slice_of(text, size));
    return 0;
}

void tls_report_gzip(const struct tls_report *report, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    json_t *whole = tls_report_json(report);

    json_dump_callback(whole, add_part, &text, JSON_INDENT(1));
    json_decref(whole);
    compress_all(buffer_slice(&text), out);
}

#define BOUNDARY "=_letterhead_tls_report"

/* RFC 8460 §5.3: the name tells who reports about whom, and of which seconds. */
static void add_attachment(const struct tls_report *report, struct slice gzip, struct buffer *out)
{
    buffer_printf(out,
                  "--" BOUNDARY "\r\n"
                  "Content-Type: " TLS_REPORT_TYPE "\r\n"
                  "Content-Transfer-Encoding: base64\r\n"
                  "Content-Disposition: attachment;\r\n"
                  " filename=\"%.*s!%.*s!%lld!%lld.json.gz\"\r\n\r\n",
                  SLICE_ARG(report->submitter), SLICE_ARG(report->domain),
                  (long long)begin_s(report), (long long)end_s(report));
    wire_base64_encode_lines(out, gzip, BASE64_LINE, BASE64_LINE, SLICE("\r\n"));
    buffer_add(out, SLICE("\r\n--" BOUNDARY "--\r\n"));
}

void tls_report_mail(const struct tls_report *report, struct slice from, struct slice to,
                     struct slice gzip, struct buffer *out)
{
    buffer_printf(out,
                  "From: <%.*s>\r\n"
                  "To: <%.*s>\r\n"
                  "Subject: Report Domain: %.*s\r\n"
                  " Submitter: %.*s\r\n"
                  " Report-ID: <%.*s>\r\n"
                  "Message-ID: <%.*s>\r\n"
                  "TLS-Report-Domain: %.*s\r\n"
                  "TLS-Report-Submitter: %.*s\r\n",
                  SLICE_ARG(from), SLICE_ARG(to), SLICE_ARG(report->domain),
                  SLICE_ARG(report->submitter), SLICE_ARG(report->id), SLICE_ARG(report->id),
                  SLICE_ARG(report->domain), SLICE_ARG(report->submitter));
    /* A domain whose TLS is broken must hear of it all the same (RFC 8460 §3, RFC 8689 §5). */
    buffer_add(out, SLICE("TLS-Required: No\r\n"
                          "Auto-Submitted: auto-generated\r\n"
                          "MIME-Version: 1.0\r\n"
                          "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
                          " boundary=\"" BOUNDARY "\"\r\n"
                          "Content-Language: en\r\n\r\n"
                          "This is a multipart message in MIME format.\r\n\r\n"
                          "--" BOUNDARY "\r\n"
                          "Content-Type: text/plain; charset=\"us-ascii\"\r\n"
                          "Content-Transfer-Encoding: 7bit\r\n\r\n"));
    buffer_printf(out,
                  "This is an aggregate TLS report (RFC 8460) from %.*s\r\n"
                  "on the connections to the mail hosts of %.*s\r\n"
                  "on %s (UTC).\r\n\r\n",
                  SLICE_ARG(report->submitter), SLICE_ARG(report->domain), report->day.text);
    add_attachment(report, gzip, out);
}
