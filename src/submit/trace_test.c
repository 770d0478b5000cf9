#include "submit/trace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct submit_trace example(void)
{
    return (struct submit_trace){
        .hello = SLICE("app.own.example"),
        .address = {.family = 4, .address = {192, 0, 2, 7}, .port = 40000},
        .host_name = SLICE("mail.test"),
        .protocol = "ESMTPSA",
        .id = {.ms = 0x0123456789ab, .uuid = {1, 2, 3, 4, 5, 6, 0x47, 8, 0x89}},
        .time_s = 1795467606,
    };
}

static void check(const struct submit_trace *trace, const char *expected)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    submit_trace_write(trace, &out);
    buffer_add_byte(&out, 0);
    assert_string_equal(out.data, expected);
}

#define REST                                                                                       \
    "\r\n\tid 0f000123456789ab-01020304-0506-4708-8900-000000000000-000000;"                       \
    "\r\n\tMon, 23 Nov 2026 21:00:06 +0000\r\n"

static void names_client_and_way(void **state)
{
    (void)state;
    struct submit_trace trace = example();

    check(&trace,
          "Received: from app.own.example ([192.0.2.7])\r\n\tby mail.test with ESMTPSA" REST);
}

static void marks_ipv6(void **state)
{
    (void)state;
    struct submit_trace trace = example();

    trace.address = (struct endpoint){.family = 6, .address = {0x20, 1, 0xd, 0xb8, [15] = 1}};
    check(&trace, "Received: from app.own.example ([IPv6:2001:db8::1])\r\n\t"
                  "by mail.test with ESMTPSA" REST);
}

static void has_no_client_without_smtp(void **state)
{
    (void)state;
    struct submit_trace trace = example();

    trace.hello = SLICE_NONE;
    trace.protocol = NULL;
    check(&trace, "Received: by mail.test" REST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_client_and_way),
        cmocka_unit_test(marks_ipv6),
        cmocka_unit_test(has_no_client_without_smtp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
