#include "onboard/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NAME "s1._domainkey.library.example"
#define TARGET "t1.dkim.letterhead.example"
#define EXPECTED "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* Several texts are separated by '|'; NULL: not found, as the status says. */
static const struct {
    enum dns_status status;
    const char *texts;
    bool proven;
    enum record_state state;
    enum record_cause cause;
    const char *words;     /* a part of the advice or the trouble */
    const char *canonical; /* a CNAME to TARGET is expected, and leads here */
} cases[] = {
    {DNS_FOUND, EXPECTED, true, RECORD_RIGHT, CAUSE_NONE, NULL},
    {DNS_FOUND, "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=; k=ed25519", true, RECORD_RIGHT,
     CAUSE_NONE, NULL},
    {DNS_NO_NAME, NULL, true, RECORD_ABSENT, CAUSE_ABSENT, "Add it"},
    {DNS_NO_DATA, NULL, true, RECORD_ABSENT, CAUSE_ABSENT, "Add it"},
    {DNS_FOUND, "", true, RECORD_WRONG, CAUSE_FOREIGN, "Something else"},
    {DNS_FOUND, "v=spf1 -all", true, RECORD_WRONG, CAUSE_FOREIGN, "Something else"},
    {DNS_FOUND, "v=DKIM1; k=ed25519; p=", true, RECORD_WRONG, CAUSE_REVOKED, "revoked"},
    {DNS_FOUND, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPc", true, RECORD_WRONG,
     CAUSE_TRUNCATED, "cut off"},
    {DNS_FOUND, "v=DKIM1; k=ed25519; p=22qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", true,
     RECORD_WRONG, CAUSE_OTHER_KEY, "Another key"},
    {DNS_FOUND, EXPECTED "; t=y", true, RECORD_WRONG, CAUSE_RESTRICTED, "other tags"},
    {DNS_FOUND, EXPECTED "|v=spf1 -all", true, RECORD_WRONG, CAUSE_SEVERAL, "2 TXT records"},
    {DNS_TEMPORARY, NULL, false, RECORD_UNKNOWN, CAUSE_SILENT, "the reason"},
    {DNS_BOGUS, NULL, false, RECORD_UNKNOWN, CAUSE_BOGUS, "DNSSEC"},
    {DNS_FOUND, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/|7TyWQHOg7hcvPapiMlrwIaaPcHURo=", true,
     RECORD_WRONG, CAUSE_SPLIT, "two records"},
    {DNS_FOUND, "7TyWQHOg7hcvPapiMlrwIaaPcHURo=|v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/", true,
     RECORD_WRONG, CAUSE_SPLIT, "two records"},
    {DNS_FOUND, "\"" EXPECTED "\"", true, RECORD_WRONG, CAUSE_DAMAGED, "quotes"},
    /* Where a CNAME is expected. */
    {DNS_FOUND, EXPECTED, true, RECORD_RIGHT, CAUSE_NONE, NULL, TARGET},
    {DNS_NO_NAME, NULL, false, RECORD_UNKNOWN, CAUSE_OURS, "platform", TARGET},
    {DNS_FOUND, "v=spf1 -all", false, RECORD_UNKNOWN, CAUSE_OURS, "platform", TARGET},
    {DNS_NO_NAME, NULL, true, RECORD_ABSENT, CAUSE_ABSENT, "type CNAME", NAME},
    {DNS_FOUND, TARGET ".", true, RECORD_WRONG, CAUSE_WRONG_TYPE, "of type CNAME", NAME},
    {DNS_FOUND, EXPECTED, true, RECORD_WRONG, CAUSE_FLATTENED, "flattened", NAME},
    {DNS_FOUND, "v=spf1 -all", true, RECORD_WRONG, CAUSE_WRONG_TYPE, "of type CNAME", NAME},
    {DNS_FOUND, EXPECTED, true, RECORD_WRONG, CAUSE_FOREIGN, "another name", "other.example"},
    {DNS_TEMPORARY, NULL, false, RECORD_UNKNOWN, CAUSE_SILENT, "the reason", NAME},
};

static void make_answer(struct arena *arena, enum dns_status status, const char *texts,
                        struct dns_answer *ret)
{
    struct slice rest = slice_text(texts), part;
    bool more = texts != NULL;

    *ret = (struct dns_answer){.status = status,
                               .why = SLICE("the reason"),
                               .records = ARENA_ARRAY(arena, struct dns_record, 5)};
    while (more) {
        more = slice_cut(&rest, '|', &part);
        ret->records[ret->count++].text = part;
    }
}

static void says_what_a_record_is_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct record_expected expected = {SLICE(NAME), SLICE(EXPECTED), SLICE_NONE};
        struct record_finding finding;
        struct dns_answer answer;
        struct slice words;

        make_answer(&arena, cases[i].status, cases[i].texts, &answer);
        answer.canonical = slice_text(cases[i].canonical ? cases[i].canonical : NAME);
        expected.alias = cases[i].canonical ? SLICE(TARGET) : SLICE_NONE;
        record_judge(&arena, &answer, &expected, &finding);
        if (finding.proven != cases[i].proven || finding.cause != cases[i].cause ||
            (finding.proven && finding.state != cases[i].state))
            fail_msg("case %zu: %s, %s", i, record_state_name(finding.state),
                     record_cause_name(finding.cause));
        words = finding.proven ? finding.advice : finding.trouble;
        assert_int_equal(words.size > 0, cases[i].words != NULL);
        if (cases[i].words && slice_find_slice(words, slice_text(cases[i].words)) < 0)
            fail_msg("case %zu: %.*s", i, SLICE_ARG(words));
    }
}

static void shows_hostile_records_harmlessly(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct record_expected expected = {SLICE(NAME), SLICE(EXPECTED), SLICE_NONE};
    struct record_finding finding;
    struct dns_answer answer;

    (void)state;
    make_answer(&arena, DNS_FOUND, "v=DKIM1; p=\x1b[2J\n\xff", &answer);
    record_judge(&arena, &answer, &expected, &finding);
    assert_int_equal(finding.state, RECORD_WRONG);
    assert_true(slice_is_utf8(finding.seen));
    assert_int_equal(slice_find(finding.seen, '\x1b'), -1);
    assert_int_equal(slice_find(finding.seen, '\n'), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_a_record_is_and_what_to_do),
        cmocka_unit_test(shows_hostile_records_harmlessly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
