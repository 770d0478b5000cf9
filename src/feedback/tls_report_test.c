#include "feedback/tls_report.h"

#include "control/json.h"
#include "wire/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>

#include <cmocka.h>

/* The example of RFC 8460, appendix B, without what we do not tell ("additional-information"). */
static const char example[] =
    "{\"organization-name\": \"Company-X\","
    " \"date-range\": {\"start-datetime\": \"2016-04-01T00:00:00Z\","
    "   \"end-datetime\": \"2016-04-01T23:59:59Z\"},"
    " \"contact-info\": \"sts-reporting@company-x.example\","
    " \"report-id\": \"5065427c-23d3-47ca-b6e0-946ea0e8c4be\","
    " \"policies\": [{\"policy\": {\"policy-type\": \"sts\","
    "   \"policy-string\": [\"version: STSv1\", \"mode: testing\","
    "     \"mx: *.mail.company-y.example\", \"max_age: 86400\"],"
    "   \"policy-domain\": \"company-y.example\","
    "   \"mx-host\": [\"*.mail.company-y.example\"]},"
    "  \"summary\": {\"total-successful-session-count\": 5326,"
    "   \"total-failure-session-count\": 303},"
    "  \"failure-details\": ["
    "   {\"result-type\": \"certificate-expired\","
    "    \"sending-mta-ip\": \"2001:db8:abcd:0012::1\","
    "    \"receiving-mx-hostname\": \"mx1.mail.company-y.example\","
    "    \"failed-session-count\": 100},"
    "   {\"result-type\": \"starttls-not-supported\","
    "    \"sending-mta-ip\": \"2001:db8:abcd:0013::1\","
    "    \"receiving-mx-hostname\": \"mx2.mail.company-y.example\","
    "    \"receiving-ip\": \"203.0.113.56\","
    "    \"failed-session-count\": 200},"
    "   {\"result-type\": \"validation-failure\","
    "    \"sending-mta-ip\": \"198.51.100.62\","
    "    \"receiving-ip\": \"203.0.113.58\","
    "    \"receiving-mx-hostname\": \"mx-backup.mail.company-y.example\","
    "    \"failed-session-count\": 3,"
    "    \"failure-reason-code\": \"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED\"}]}]}";

static const struct tls_tally example_kinds[] = {
    {WIRE_TLS_STS, WIRE_TLS_SUCCESS, SLICE("mx1.mail.company-y.example"), SLICE_NONE, SLICE_NONE,
     SLICE_NONE, 5000},
    {WIRE_TLS_STS, WIRE_TLS_SUCCESS, SLICE("mx2.mail.company-y.example"), SLICE_NONE, SLICE_NONE,
     SLICE_NONE, 326},
    {WIRE_TLS_STS, WIRE_TLS_CERTIFICATE_EXPIRED, SLICE("mx1.mail.company-y.example"),
     SLICE("2001:db8:abcd:0012::1"), SLICE_NONE, SLICE_NONE, 100},
    {WIRE_TLS_STS, WIRE_TLS_STARTTLS_NOT_SUPPORTED, SLICE("mx2.mail.company-y.example"),
     SLICE("2001:db8:abcd:0013::1"), SLICE("203.0.113.56"), SLICE_NONE, 200},
    {WIRE_TLS_STS, WIRE_TLS_VALIDATION_FAILURE, SLICE("mx-backup.mail.company-y.example"),
     SLICE("198.51.100.62"), SLICE("203.0.113.58"), SLICE("X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"),
     3},
};

static struct tls_report example_report(void)
{
    struct tls_report report = {
        .domain = SLICE("company-y.example"),
        .organization = SLICE("Company-X"),
        .contact = SLICE("sts-reporting@company-x.example"),
        .submitter = SLICE("company-x.example"),
        .id = SLICE("5065427c-23d3-47ca-b6e0-946ea0e8c4be"),
        .kinds = example_kinds,
        .kind_count = ARRAY_LEN(example_kinds),
        .sts_policy = SLICE("version: STSv1\r\nmode: testing\r\n"
                            "mx: *.mail.company-y.example\r\nmax_age: 86400\r\n"),
    };

    assert_int_equal(tls_day_parse(SLICE("2016-04-01"), &report.day), 0);
    return report;
}

static json_t *read_json(struct slice text)
{
    json_t *value;
    char *why;

    if (control_json_read(text, &value, &why) < 0)
        fail_msg("%s", why);
    return value;
}

static void assert_same(json_t *made, struct slice expected)
{
    json_t *wanted = read_json(expected);

    if (!json_equal(made, wanted)) {
        char *text = json_dumps(made, JSON_INDENT(1));

        print_error("%s\n", text);
        free(text);
        fail();
    }
    json_decref(made);
    json_decref(wanted);
}

static void it_is_the_example_of_the_rfc(void **state)
{
    struct tls_report report = example_report();

    (void)state;
    assert_same(tls_report_json(&report), slice_text(example));
}

static void each_policy_stands_for_itself(void **state)
{
    static const struct tls_tally kinds[] = {
        {WIRE_TLS_NO_POLICY, WIRE_TLS_STARTTLS_NOT_SUPPORTED, SLICE("b.example"),
         SLICE("192.0.2.1"), SLICE("192.0.2.9"), SLICE("no \"STARTTLS\""), 7},
        {WIRE_TLS_TLSA, WIRE_TLS_SUCCESS, SLICE("a.example"), SLICE_NONE, SLICE_NONE, SLICE_NONE,
         2},
        {WIRE_TLS_TLSA, WIRE_TLS_TLSA_INVALID, SLICE_NONE, SLICE_NONE, SLICE_NONE, SLICE_NONE, 40},
    };
    static const struct slice tlsa[] = {SLICE("3 1 1 AB12")};
    struct tls_report report = {.domain = SLICE("town.example"),
                                .kinds = kinds,
                                .kind_count = ARRAY_LEN(kinds),
                                .tlsa = tlsa,
                                .tlsa_count = 1};
    json_t *whole, *policies;

    (void)state;
    whole = tls_report_json(&report);
    policies = json_incref(json_object_get(whole, "policies"));
    json_decref(whole);
    assert_same(policies,
                SLICE("[{\"policy\": {\"policy-type\": \"tlsa\", \"policy-string\": "
                      "[\"3 1 1 AB12\"], \"policy-domain\": \"town.example\"},"
                      "\"summary\": {\"total-successful-session-count\": 2,"
                      "\"total-failure-session-count\": 40},"
                      "\"failure-details\": [{\"result-type\": \"tlsa-invalid\","
                      "\"failed-session-count\": 40}]},"
                      "{\"policy\": {\"policy-type\": \"no-policy-found\","
                      "\"policy-domain\": \"town.example\"},"
                      "\"summary\": {\"total-successful-session-count\": 0,"
                      "\"total-failure-session-count\": 7},"
                      "\"failure-details\": [{\"result-type\": \"starttls-not-supported\","
                      "\"sending-mta-ip\": \"192.0.2.1\", \"receiving-ip\": \"192.0.2.9\","
                      "\"receiving-mx-hostname\": \"b.example\","
                      "\"failed-session-count\": 7,"
                      "\"failure-reason-code\": \"no \\\"STARTTLS\\\"\"}]}]"));
}

static struct slice unzip(struct slice gzip, char *out, size_t capacity)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)gzip.data,
                       .avail_in = (unsigned)gzip.size,
                       .next_out = (unsigned char *)out,
                       .avail_out = (unsigned)capacity};

    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    inflateEnd(&stream);
    return slice_of(out, stream.total_out);
}

static void it_is_the_same_unzipped(void **state)
{
    CLEANUP(buffer_done) struct buffer gzip = BUFFER_NONE, again = BUFFER_NONE;
    struct tls_report report = example_report();
    static char text[8192];

    (void)state;
    tls_report_gzip(&report, &gzip);
    assert_same(read_json(unzip(buffer_slice(&gzip), text, sizeof text)), slice_text(example));
    tls_report_gzip(&report, &again);
    assert_true(slice_equal(buffer_slice(&gzip), buffer_slice(&again)));
}

static void a_mail_carries_it(void **state)
{
    static const char *const lines[] = {
        "From: <tls@company-x.example>\r\n",
        "To: <reports@company-y.example>\r\n",
        "Subject: Report Domain: company-y.example\r\n Submitter: company-x.example\r\n",
        "\r\n Report-ID: <5065427c-23d3-47ca-b6e0-946ea0e8c4be>\r\n",
        "TLS-Report-Domain: company-y.example\r\n",
        "TLS-Report-Submitter: company-x.example\r\n",
        "TLS-Required: No\r\n",
        "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n",
        "\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n",
        "company-x.example!company-y.example!1459468800!1459555199.json.gz\"\r\n\r\n",
    };
    CLEANUP(buffer_done) struct buffer mail = BUFFER_NONE, base64 = BUFFER_NONE;
    struct tls_report report = example_report();
    unsigned char gzip[300];

    (void)state;
    for (size_t i = 0; i < sizeof gzip; i++)
        gzip[i] = (unsigned char)(i * 7);
    tls_report_mail(&report, SLICE("tls@company-x.example"), SLICE("reports@company-y.example"),
                    slice_of(gzip, sizeof gzip), &mail);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (slice_find_slice(buffer_slice(&mail), slice_text(lines[i])) < 0)
            fail_msg("\"%s\" is not in: %.*s", lines[i], SLICE_ARG(buffer_slice(&mail)));
    wire_base64_encode_lines(&base64, slice_of(gzip, sizeof gzip), 76, 76, SLICE("\r\n"));
    buffer_add(&base64, SLICE("\r\n--=_letterhead_tls_report--\r\n"));
    assert_true(slice_ends_nocase(buffer_slice(&mail), buffer_slice(&base64)));
}

static void days_are_read(void **state)
{
    static const char *const wrong[] = {"",           "2026-1-23",   "2026-02-30", "2026-13-01",
                                        "2026-11-2x", "2026-11-231", "20261-11-2", "2026/11/23"};
    struct tls_day day;

    (void)state;
    assert_int_equal(tls_day_parse(SLICE("2026-11-23"), &day), 0);
    assert_true(day.from_us == 1795392000 * (int64_t)1000000);
    day = tls_day_of(day.from_us + 86399 * (int64_t)1000000);
    assert_string_equal(day.text, "2026-11-23");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (tls_day_parse(slice_text(wrong[i]), &day) != -EINVAL)
            fail_msg("%s", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_example_of_the_rfc),
        cmocka_unit_test(each_policy_stands_for_itself),
        cmocka_unit_test(it_is_the_same_unzipped),
        cmocka_unit_test(a_mail_carries_it),
        cmocka_unit_test(days_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
