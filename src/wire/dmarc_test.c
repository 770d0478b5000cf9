#include "wire/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void records_are_read(void **state)
{
    static const struct {
        const char *text;
        struct wire_dmarc_record record;
    } cases[] = {
        {"v=DMARC1; p=reject", {.policy = WIRE_DMARC_REJECT, .percent = 100}},
        {"v=DMARC1;p=none;", {.policy = WIRE_DMARC_NONE, .percent = 100}},
        {"v = DMARC1 ; P = Quarantine ; adkim=s; aspf=S",
         {.policy = WIRE_DMARC_QUARANTINE,
          .strict_dkim = true,
          .strict_spf = true,
          .percent = 100}},
        {"v=DMARC1; sp=none; np=reject; p=quarantine; psd=n; t=y; pct=5",
         {.policy = WIRE_DMARC_QUARANTINE,
          .below = WIRE_DMARC_NONE,
          .below_not_there = WIRE_DMARC_REJECT,
          .testing = true,
          .psd = WIRE_DMARC_PSD_NO,
          .percent = 5}},
        {"v=DMARC1; rua=mailto:a@b.example,mailto:c@d.example; psd=y",
         {.psd = WIRE_DMARC_PSD_YES,
          .percent = 100,
          .reports = SLICE("mailto:a@b.example,mailto:c@d.example")}},
        {"v=DMARC1; p=rejct; adkim=strict; t=yes; psd=u; pct=101; what; =; x=y", {.percent = 100}},
        {"v=DMARC1", {.percent = 100}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct wire_dmarc_record *wanted = &cases[i].record;
        struct wire_dmarc_record record;

        if (wire_dmarc_record_parse(slice_text(cases[i].text), &record) < 0 ||
            record.policy != wanted->policy || record.below != wanted->below ||
            record.below_not_there != wanted->below_not_there ||
            record.strict_dkim != wanted->strict_dkim || record.strict_spf != wanted->strict_spf ||
            record.testing != wanted->testing || record.psd != wanted->psd ||
            record.percent != wanted->percent || !slice_equal(record.reports, wanted->reports))
            fail_msg("%s", cases[i].text);
    }
}

static void other_records_are_none(void **state)
{
    static const char *const others[] = {"",
                                         "v=spf1 -all",
                                         "v=DMARC2; p=reject",
                                         "v=DMARC10; p=reject",
                                         "v=dmarc1; p=reject",
                                         "V=DMARC1; p=reject",
                                         " v=DMARC1; p=reject",
                                         "p=reject; v=DMARC1",
                                         "v=DMARC1 p=reject",
                                         "\"v=DMARC1; p=reject\""};
    struct wire_dmarc_record record;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (wire_dmarc_record_parse(slice_text(others[i]), &record) != -ENOENT)
            fail_msg("%s", others[i]);
}

/* However much of it is there: it is a record once the version is whole, and none of what follows
 * is ever read as more than it says. */
static void a_record_cut_anywhere_is_read(void **state)
{
    const struct slice whole = SLICE("v=DMARC1; p=reject; sp=quarantine; pct=55");

    (void)state;
    for (size_t size = 0; size <= whole.size; size++) {
        struct wire_dmarc_record record;
        int r = wire_dmarc_record_parse(slice_part(whole, 0, size), &record);

        assert_int_equal(r, size < 8 ? -ENOENT : 0);
        if (r < 0)
            continue;
        assert_int_equal(record.policy, size < 18 ? WIRE_DMARC_NOT_GIVEN : WIRE_DMARC_REJECT);
        assert_int_equal(record.below, size < 33 ? WIRE_DMARC_NOT_GIVEN : WIRE_DMARC_QUARANTINE);
        assert_int_equal(record.percent, size < 40 ? 100 : size == 40 ? 5 : 55);
    }
}

static void what_is_not_given_follows_from_the_others(void **state)
{
    static const struct {
        const char *text, *own, *below, *not_there;
    } cases[] = {
        {"v=DMARC1; p=reject", "reject", "reject", "reject"},
        {"v=DMARC1; p=reject; sp=none", "reject", "none", "none"},
        {"v=DMARC1; p=none; np=reject", "none", "none", "reject"},
        {"v=DMARC1; p=none; sp=quarantine; np=reject", "none", "quarantine", "reject"},
        {"v=DMARC1; sp=reject", "none", "reject", "reject"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_dmarc_record record;

        assert_int_equal(wire_dmarc_record_parse(slice_text(cases[i].text), &record), 0);
        assert_string_equal(wire_dmarc_policy_name(wire_dmarc_policy_of(&record)), cases[i].own);
        assert_string_equal(wire_dmarc_policy_name(wire_dmarc_policy_below(&record, true)),
                            cases[i].below);
        assert_string_equal(wire_dmarc_policy_name(wire_dmarc_policy_below(&record, false)),
                            cases[i].not_there);
    }
}

/* The examples of RFC 9989 §4.10, and the ends. */
static void the_walk_has_eight_steps(void **state)
{
    static const struct {
        const char *from, *to;
    } steps[] = {
        {"a.mail.example.com", "mail.example.com"},
        {"example.com", "com"},
        {"com", ""},
        {"", ""},
        {"a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com"},
        {"g.h.i.j.mail.example.com", "h.i.j.mail.example.com"},
        {"1.2.3.4.5.6.7.8", "2.3.4.5.6.7.8"},
        {"0.1.2.3.4.5.6.7.8", "2.3.4.5.6.7.8"},
    };
    struct slice domain = SLICE("a.b.c.d.e.f.g.h.i.j.mail.example.com");
    size_t queries = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (!slice_equal(wire_dmarc_walk_next(slice_text(steps[i].from)), slice_text(steps[i].to)))
            fail_msg("%s", steps[i].from);
    for (; domain.size; queries++)
        domain = wire_dmarc_walk_next(domain);
    assert_int_equal(queries, WIRE_DMARC_QUERIES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read),
        cmocka_unit_test(other_records_are_none),
        cmocka_unit_test(a_record_cut_anywhere_is_read),
        cmocka_unit_test(what_is_not_given_follows_from_the_others),
        cmocka_unit_test(the_walk_has_eight_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
