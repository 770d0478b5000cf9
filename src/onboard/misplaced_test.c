#include "onboard/misplaced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NAME "s1._domainkey.library.example"
#define DOMAIN "library.example"
#define TARGET "t1.dkim.letterhead.example"
#define KEY "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static struct dns_answer answer_of(enum dns_status status, const char *canonical,
                                   struct dns_record *record, const char *text)
{
    record->text = slice_text(text);
    return (struct dns_answer){.status = status,
                               .canonical = slice_text(canonical),
                               .records = record,
                               .count = text ? 1 : 0};
}

static const struct {
    enum misplaced_slip slip;
    const char *question;
    struct {
        enum dns_status status;
        const char *canonical, *text;
    } own, other;
    bool found;
    const char *words;
    bool alias; /* a CNAME is expected, not a TXT */
} cases[] = {
    {MISPLACED_CNAME,
     "",
     {DNS_FOUND, "keys.host.example", "v=spf1"},
     {0},
     true,
     "CNAME to keys.host.example"},
    {MISPLACED_CNAME, "", {DNS_NO_NAME, NAME, NULL}, {0}, false, NULL},
    {MISPLACED_CNAME, "", {DNS_NO_NAME, "", NULL}, {0}, false, NULL},
    {MISPLACED_DOUBLED,
     NAME "." DOMAIN,
     {DNS_NO_NAME, NAME, NULL},
     {DNS_FOUND, "", KEY},
     true,
     "Enter only s1._domainkey"},
    {MISPLACED_DOUBLED,
     NAME "." DOMAIN,
     {DNS_NO_NAME, NAME, NULL},
     {DNS_FOUND, "", "v=spf1"},
     false,
     NULL},
    {MISPLACED_NO_SELECTOR,
     "_domainkey." DOMAIN,
     {DNS_NO_NAME, NAME, NULL},
     {DNS_FOUND, "", KEY},
     true,
     "without the first part"},
    {MISPLACED_NO_DOMAINKEY,
     "s1." DOMAIN,
     {DNS_NO_NAME, NAME, NULL},
     {DNS_FOUND, "", KEY},
     true,
     "without \"._domainkey\""},
    {MISPLACED_NO_DOMAINKEY,
     "s1." DOMAIN,
     {DNS_NO_NAME, NAME, NULL},
     {DNS_TEMPORARY, "", NULL},
     false,
     NULL},
    {MISPLACED_APEX, DOMAIN, {DNS_NO_NAME, NAME, NULL}, {DNS_FOUND, "", KEY}, true, "itself"},
    {MISPLACED_WILDCARD,
     "x-s1-x._domainkey." DOMAIN,
     {DNS_FOUND, NAME, "hello"},
     {DNS_FOUND, "", "hello"},
     true,
     "wildcard"},
    {MISPLACED_WILDCARD,
     "x-s1-x._domainkey." DOMAIN,
     {DNS_FOUND, NAME, "hello"},
     {DNS_NO_NAME, "", NULL},
     false,
     NULL},
    {MISPLACED_NO_DOMAIN,
     DOMAIN,
     {DNS_NO_NAME, NAME, NULL},
     {DNS_NO_NAME, "", NULL},
     true,
     "does not exist"},
    {MISPLACED_NO_DOMAIN, DOMAIN, {DNS_NO_NAME, NAME, NULL}, {DNS_NO_DATA, "", NULL}, false, NULL},
    {MISPLACED_PROXIED, NAME, {DNS_NO_DATA, NAME, NULL}, {DNS_FOUND, NAME, ""}, true, "as a host"},
    {MISPLACED_PROXIED, NAME, {DNS_NO_NAME, NAME, NULL}, {DNS_NO_NAME, NAME, NULL}, false, NULL},
    /* Where a CNAME is expected. */
    {MISPLACED_PROXIED,
     NAME,
     {DNS_NO_DATA, NAME, NULL},
     {DNS_FOUND, NAME, ""},
     true,
     "proxy",
     true},
    {MISPLACED_CNAME, "", {DNS_FOUND, "other.example", KEY}, {0}, false, NULL, true},
    {MISPLACED_DOUBLED,
     NAME "." DOMAIN,
     {DNS_NO_NAME, NAME, NULL},
     {DNS_FOUND, TARGET, KEY},
     true,
     "Enter only s1._domainkey",
     true},
    {MISPLACED_APEX, DOMAIN, {DNS_NO_NAME, NAME, NULL}, {DNS_FOUND, "", KEY}, false, NULL, true},
};

static void each_slip_is_known_by_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        const struct record_expected expected = {SLICE(NAME), SLICE(KEY),
                                                 cases[i].alias ? SLICE(TARGET) : SLICE_NONE};
        struct misplaced_question q =
            misplaced_question(&arena, cases[i].slip, &expected, SLICE(DOMAIN));
        struct dns_record records[2];
        struct dns_answer own =
            answer_of(cases[i].own.status, cases[i].own.canonical, &records[0], cases[i].own.text);
        struct dns_answer other = answer_of(cases[i].other.status, cases[i].other.canonical,
                                            &records[1], cases[i].other.text);
        struct slice advice = SLICE_NONE;

        assert_true(slice_equal(q.name, slice_text(cases[i].question)));
        assert_int_equal(
            misplaced_judge(&arena, cases[i].slip, &expected, SLICE(DOMAIN), &own, &other, &advice),
            cases[i].found);
        if (cases[i].words)
            assert_true(slice_find_slice(advice, slice_text(cases[i].words)) >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_slip_is_known_by_its_answer)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
