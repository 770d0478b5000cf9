#include "wire/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const struct {
    int64_t time_s;
    const char *mail, *iso;
} cases[] = {
    {0, "Thu, 01 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z"},
    {-1, "Wed, 31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59Z"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00Z"},
    {951868800, "Wed, 01 Mar 2000 00:00:00 +0000", "2000-03-01T00:00:00Z"},
    {4107542399, "Sun, 28 Feb 2100 23:59:59 +0000", "2100-02-28T23:59:59Z"},
    {4107542400, "Mon, 01 Mar 2100 00:00:00 +0000", "2100-03-01T00:00:00Z"},
    {1795467606, "Mon, 23 Nov 2026 21:00:06 +0000", "2026-11-23T21:00:06Z"},
    {253402300799, "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59Z"},
    {253402300800, "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59Z"},
    {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59Z"},
    {-62135596800, "Mon, 01 Jan 0001 00:00:00 +0000", "0001-01-01T00:00:00Z"},
    {INT64_MIN, "Mon, 01 Jan 0001 00:00:00 +0000", "0001-01-01T00:00:00Z"},
};

static void formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char mail[WIRE_DATE_MAIL_BYTES], iso[WIRE_DATE_ISO_BYTES];

        assert_int_equal(wire_date_mail(cases[i].time_s, mail).size, strlen(cases[i].mail));
        assert_string_equal(mail, cases[i].mail);
        assert_int_equal(wire_date_iso(cases[i].time_s, iso).size, strlen(cases[i].iso));
        assert_string_equal(iso, cases[i].iso);
    }
}

/* Every day of 800 years, and a time of day that walks: the C library is the judge. */
static void agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -200 * 365; day < 600 * 365; day++) {
        time_t time_s = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        char ours[WIRE_DATE_MAIL_BYTES], theirs[64];
        struct tm tm;

        assert_non_null(gmtime_r(&time_s, &tm));
        strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S +0000", &tm);
        wire_date_mail(time_s, ours);
        assert_string_equal(ours, theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(agrees_with_the_c_library),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
