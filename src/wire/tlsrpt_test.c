#include "wire/tlsrpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Destinations as one text: "mailto a@b.example, https https://…" */
static void describe(const struct wire_tlsrpt_record *record, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < record->destination_count; i++) {
        const struct wire_tlsrpt_destination *d = &record->destinations[i];

        if (d->kind == WIRE_TLSRPT_MAILTO)
            used += (size_t)snprintf(out + used, size - used, "mailto %s, ", d->address);
        else
            used += (size_t)snprintf(out + used, size - used, "https %.*s, ", SLICE_ARG(d->uri));
    }
}

static void records_are_read(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *destinations;
    } cases[] = {
        {"v=TLSRPTv1;rua=mailto:reports@example.com", 0, "mailto reports@example.com, "},
        {"v=TLSRPTv1; rua=https://r.example.com/v1/tlsrpt", 0,
         "https https://r.example.com/v1/tlsrpt, "},
        {"v=TLSRPTv1 ; rua=mailto:a@b.example , https://c.example/ ;", 0,
         "mailto a@b.example, https https://c.example/, "},
        {"v=TLSRPTv1; rua=mailto:a@b.example; rua=mailto:c@d.example", 0,
         "mailto a@b.example, mailto c@d.example, "},
        {"v=TLSRPTv1; foo=bar; rua=MAILTO:a@b.example?subject=x", 0, "mailto a@b.example, "},
        {"v=TLSRPTv1; rua=mailto:a%21b@c.example", 0, "mailto a!b@c.example, "},
        {"v=TLSRPTv1; rua=ftp://x.example/,mailto:a@b.example", 0, "mailto a@b.example, "},
        {"v=TLSRPTv1; rua=mailto:1@a.example,mailto:2@a.example,mailto:3@a.example,"
         "mailto:4@a.example,mailto:5@a.example",
         0, "mailto 1@a.example, mailto 2@a.example, mailto 3@a.example, mailto 4@a.example, "},
        {"v=spf1 -all", -ENOENT, NULL},
        {"", -ENOENT, NULL},
        {" v=TLSRPTv1; rua=mailto:a@b.example", -ENOENT, NULL},
        {"v=tlsrptv1; rua=mailto:a@b.example", -ENOENT, NULL},
        {"v=TLSRPTv1", -ENOENT, NULL},
        {"v=TLSRPTv12; rua=mailto:a@b.example", -ENOENT, NULL},
        {"v=TLSRPTv1;", -EBADMSG, NULL},
        {"v=TLSRPTv1; rua=", -EBADMSG, NULL},
        {"v=TLSRPTv1; rua", -EBADMSG, NULL},
        {"v=TLSRPTv1; =x; rua=mailto:a@b.example", -EBADMSG, NULL},
        {"v=TLSRPTv1; rua=http://x.example/", -EBADMSG, NULL},
        {"v=TLSRPTv1; rua=https://", -EBADMSG, NULL},
        {"v=TLSRPTv1; rua=mailto:", -EBADMSG, NULL},
        {"v=TLSRPTv1; rua=mailto:a%0d%0aX@b.example", -EBADMSG, NULL},
        {"v=TLSRPTv1; rua=mailto:a%4@b.example", -EBADMSG, NULL},
        {"v=TLSRPTv1; rua=mailto:a%", -EBADMSG, NULL},
        {"v=TLSRPTv1; rua=mailto:a b@c.example", -EBADMSG, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_tlsrpt_record record;
        char text[1000];
        int r = wire_tlsrpt_record_parse(slice_text(cases[i].text), &record);

        if (r != cases[i].result)
            fail_msg("%s: %d", cases[i].text, r);
        if (r < 0)
            continue;
        describe(&record, text, sizeof text);
        assert_string_equal(text, cases[i].destinations);
    }
}

static void an_address_may_not_be_too_long(void **state)
{
    char text[400] = "v=TLSRPTv1; rua=mailto:";
    size_t head = strlen(text);
    struct wire_tlsrpt_record record;

    (void)state;
    memset(text + head, 'a', sizeof text - head);
    assert_int_equal(wire_tlsrpt_record_parse(slice_of(text, head + LIMIT_PATH_BYTES), &record), 0);
    assert_int_equal(strlen(record.destinations[0].address), LIMIT_PATH_BYTES);
    assert_int_equal(wire_tlsrpt_record_parse(slice_of(text, head + LIMIT_PATH_BYTES + 1), &record),
                     -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read),
        cmocka_unit_test(an_address_may_not_be_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
