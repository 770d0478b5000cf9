#include "onboard/identity_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOURS_S(hours) ((int64_t)(hours)*3600)

/* One look as a word: R right, A absent, W wrong, each proven now; small letters: known from
 * before, and this look proved nothing; U: never known. */
static void read_word(const char *word, struct identity_look *look)
{
    for (size_t i = 0; i < IDENTITY_RECORDS; i++) {
        look->proven[i] = word[i] < 'a' && word[i] != 'U';
        switch (word[i] | 0x20) {
        case 'r':
            look->records[i] = RECORD_RIGHT;
            break;
        case 'a':
            look->records[i] = RECORD_ABSENT;
            break;
        case 'w':
            look->records[i] = RECORD_WRONG;
            break;
        default:
            look->records[i] = RECORD_UNKNOWN;
            break;
        }
    }
}

static const struct {
    enum identity_state before;
    int64_t age_s;
    const char *records;
    bool asked_for, taken;
    enum identity_state after;
    enum identity_reason reason;
    int64_t next_s;
} cases[] = {
    /* On the way to verified. */
    {IDENTITY_NOT_STARTED, 5, "AAA", false, false, IDENTITY_PENDING, IDENTITY_REASON_WAITING, 60},
    {IDENTITY_NOT_STARTED, 5, "RRR", false, false, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED,
     HOURS_S(4)},
    {IDENTITY_NOT_STARTED, 5, "UUU", false, false, IDENTITY_PENDING, IDENTITY_REASON_UNPROVEN, 60},
    {IDENTITY_PENDING, 300, "RRA", false, false, IDENTITY_PENDING, IDENTITY_REASON_WAITING, 60},
    {IDENTITY_PENDING, 300, "RRW", false, false, IDENTITY_PENDING, IDENTITY_REASON_WAITING, 60},
    {IDENTITY_PENDING, 6000, "RAA", false, false, IDENTITY_PENDING, IDENTITY_REASON_WAITING, 600},
    {IDENTITY_PENDING, HOURS_S(20), "RAA", false, false, IDENTITY_PENDING, IDENTITY_REASON_WAITING,
     3600},
    {IDENTITY_PENDING, 300, "RrR", false, false, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED, 300},
    {IDENTITY_PENDING, 300, "RRR", true, true, IDENTITY_PENDING, IDENTITY_REASON_TAKEN, 60},
    /* Too late. */
    {IDENTITY_PENDING, HOURS_S(72) - 1, "RAA", false, false, IDENTITY_PENDING,
     IDENTITY_REASON_WAITING, 3600},
    {IDENTITY_PENDING, HOURS_S(72), "RAA", false, false, IDENTITY_FAILED, IDENTITY_REASON_PATIENCE,
     60},
    {IDENTITY_PENDING, HOURS_S(72), "RRR", false, false, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED,
     HOURS_S(4)},
    {IDENTITY_FAILED, HOURS_S(90), "RAA", false, false, IDENTITY_FAILED, IDENTITY_REASON_WAITING,
     3600},
    {IDENTITY_FAILED, 60, "RRR", false, false, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED,
     HOURS_S(4)},
    {IDENTITY_FAILED, 60, "RRR", false, true, IDENTITY_FAILED, IDENTITY_REASON_TAKEN, 60},
    {IDENTITY_FAILED, 60, "RAA", true, false, IDENTITY_PENDING, IDENTITY_REASON_WAITING, 60},
    {IDENTITY_FAILED, 60, "RRR", true, false, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED,
     HOURS_S(4)},
    /* A fault of the net changes nothing. */
    {IDENTITY_SUCCESS, 60, "rrr", false, false, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED, 300},
    {IDENTITY_SUCCESS, 60, "Rrr", false, false, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED, 300},
    {IDENTITY_TEMPORARY_FAILURE, HOURS_S(100), "rra", false, false, IDENTITY_TEMPORARY_FAILURE,
     IDENTITY_REASON_BROKEN, 900},
    {IDENTITY_TEMPORARY_FAILURE, 60, "AAa", false, false, IDENTITY_TEMPORARY_FAILURE,
     IDENTITY_REASON_BROKEN, 900},
    /* Some records are gone: grace. */
    {IDENTITY_SUCCESS, HOURS_S(1000), "RRA", false, false, IDENTITY_TEMPORARY_FAILURE,
     IDENTITY_REASON_BROKEN, 900},
    {IDENTITY_SUCCESS, HOURS_S(1000), "AAr", false, false, IDENTITY_TEMPORARY_FAILURE,
     IDENTITY_REASON_BROKEN, 900},
    {IDENTITY_TEMPORARY_FAILURE, HOURS_S(72) - 1, "RAA", false, false, IDENTITY_TEMPORARY_FAILURE,
     IDENTITY_REASON_BROKEN, 900},
    {IDENTITY_TEMPORARY_FAILURE, HOURS_S(72), "RAA", false, false, IDENTITY_FAILED,
     IDENTITY_REASON_GRACE, 60},
    {IDENTITY_TEMPORARY_FAILURE, HOURS_S(71), "RRR", false, false, IDENTITY_SUCCESS,
     IDENTITY_REASON_VERIFIED, HOURS_S(4)},
    /* All are gone, but not by the word of the domain's own servers: grace. */
    {IDENTITY_SUCCESS, HOURS_S(1000), "AAA", false, false, IDENTITY_TEMPORARY_FAILURE,
     IDENTITY_REASON_BROKEN, 900},
    {IDENTITY_TEMPORARY_FAILURE, HOURS_S(72), "AWA", false, false, IDENTITY_FAILED,
     IDENTITY_REASON_GRACE, 60},
};

static void judges(void **state)
{
    const struct identity_times times = IDENTITY_TIMES_DEFAULT;
    const int64_t now_us = 1795467606000000;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct identity_look look = {.state = cases[i].before,
                                     .since_us = now_us - cases[i].age_s * 1000000,
                                     .now_us = now_us,
                                     .asked_for = cases[i].asked_for,
                                     .taken = cases[i].taken};
        struct identity_verdict verdict;

        read_word(cases[i].records, &look);
        verdict = identity_judge(&look, &times);
        if (verdict.state != cases[i].after || verdict.reason != cases[i].reason)
            fail_msg("case %zu: %s, reason %d", i, identity_state_name(verdict.state),
                     (int)verdict.reason);
        assert_true(verdict.since_us ==
                    (cases[i].before == cases[i].after ? look.since_us : now_us));
        assert_int_equal(verdict.next_check_us ? (verdict.next_check_us - now_us) / 1000000 : 0,
                         cases[i].next_s);
    }
}

/* A revocation, look by look: when, what the resolver and the servers say; what it comes to. */
static const struct {
    int64_t at_s;
    const char *records;
    enum identity_authority authority;
    bool other_owner, asked_for;
    enum identity_state after;
    enum identity_reason reason;
    int64_t next_s;
} revocations[][6] = {
#define GONE IDENTITY_AUTHORITY_GONE
#define UNPROVEN IDENTITY_AUTHORITY_UNPROVEN
#define THERE IDENTITY_AUTHORITY_THERE
    /* Twice, ten minutes apart; back by itself. */
    {{0, "AAA", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 600},
     {300, "AWA", GONE, 0, 1, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 300},
     {600, "AAA", GONE, 0, 0, IDENTITY_FAILED, IDENTITY_REASON_GONE, 60},
     {660, "RRA", THERE, 0, 0, IDENTITY_FAILED, IDENTITY_REASON_WAITING, 60},
     {720, "RRR", UNPROVEN, 0, 0, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED, HOURS_S(4)}},
    /* What proves nothing in between changes nothing. */
    {{0, "AAA", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 600},
     {600, "AAA", UNPROVEN, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 60},
     {700, "aaa", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 60},
     {760, "AAa", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 60},
     {820, "AAA", GONE, 0, 0, IDENTITY_FAILED, IDENTITY_REASON_GONE, 60}},
    /* A record at one server, or by the resolver, ends it: then it begins anew. */
    {{0, "AAA", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 600},
     {600, "AAA", THERE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_BROKEN, 900},
     {1500, "AAA", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 600},
     {1600, "RAA", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_BROKEN, 900},
     {2500, "AAA", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 600}},
    /* A clock that went back: counted from now. */
    {{0, "AAA", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 600},
     {-50, "AAA", GONE, 0, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 600},
     {550, "AAA", GONE, 0, 0, IDENTITY_FAILED, IDENTITY_REASON_GONE, 60}},
    /* Another owner may be there: only whoever asks gets it back. */
    {{0, "AAA", GONE, 1, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 600},
     {600, "AAA", GONE, 1, 0, IDENTITY_FAILED, IDENTITY_REASON_OWNER, 60},
     {700, "RRR", UNPROVEN, 0, 0, IDENTITY_FAILED, IDENTITY_REASON_OWNER, 60},
     {800, "RRR", UNPROVEN, 0, 1, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED, HOURS_S(4)}},
    {{0, "AAA", GONE, 1, 0, IDENTITY_TEMPORARY_FAILURE, IDENTITY_REASON_VANISHED, 600},
     {600, "AAA", GONE, 1, 0, IDENTITY_FAILED, IDENTITY_REASON_OWNER, 60},
     {700, "RAA", THERE, 0, 1, IDENTITY_PENDING, IDENTITY_REASON_WAITING, 60},
     {800, "RRR", UNPROVEN, 0, 0, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED, HOURS_S(4)}},
#undef GONE
#undef UNPROVEN
#undef THERE
};

static void revokes_what_is_proven_twice(void **state)
{
    const struct identity_times times = IDENTITY_TIMES_DEFAULT;
    const int64_t start_us = 1795467606000000;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(revocations); i++) {
        struct identity_verdict before = {.state = IDENTITY_SUCCESS, .since_us = 1};

        for (size_t k = 0; k < ARRAY_LEN(revocations[i]) && revocations[i][k].records; k++) {
            struct identity_look look = {
                .state = before.state,
                .since_us = before.since_us,
                .gone_since_us = before.gone_since_us,
                .must_ask = before.must_ask,
                .now_us = start_us + revocations[i][k].at_s * 1000000,
                .authority = revocations[i][k].authority,
                .other_owner = revocations[i][k].other_owner,
                .asked_for = revocations[i][k].asked_for,
            };
            struct identity_verdict verdict;

            read_word(revocations[i][k].records, &look);
            verdict = identity_judge(&look, &times);
            if (verdict.state != revocations[i][k].after ||
                verdict.reason != revocations[i][k].reason ||
                verdict.next_check_us - look.now_us != revocations[i][k].next_s * 1000000)
                fail_msg("story %zu, look %zu: %s, reason %d, next %lld", i, k,
                         identity_state_name(verdict.state), (int)verdict.reason,
                         (long long)(verdict.next_check_us - look.now_us) / 1000000);
            before = verdict;
        }
    }
}

static void without_grace_one_missing_record_stops_mail(void **state)
{
    const struct identity_times times = {.patience_s = 3600, .grace_s = 0};
    struct identity_look look = {.state = IDENTITY_SUCCESS, .since_us = 1, .now_us = 2};

    (void)state;
    read_word("RRA", &look);
    assert_int_equal(identity_judge(&look, &times).state, IDENTITY_FAILED);
    read_word("Rra", &look);
    assert_int_equal(identity_judge(&look, &times).state, IDENTITY_TEMPORARY_FAILURE);
}

static void names_go_both_ways(void **state)
{
    enum identity_state identity;
    enum record_state record;

    (void)state;
    for (int i = IDENTITY_NOT_STARTED; i <= IDENTITY_TEMPORARY_FAILURE; i++) {
        const char *name = identity_state_name((enum identity_state)i);

        assert_int_equal(identity_state_parse(slice_text(name), &identity), 0);
        assert_int_equal(identity, i);
        assert_int_equal(identity_sends((enum identity_state)i),
                         i == IDENTITY_SUCCESS || i == IDENTITY_TEMPORARY_FAILURE);
    }
    for (int i = RECORD_UNKNOWN; i <= RECORD_WRONG; i++) {
        assert_int_equal(
            record_state_parse(slice_text(record_state_name((enum record_state)i)), &record), 0);
        assert_int_equal(record, i);
    }
    assert_int_equal(identity_state_parse(SLICE("Success"), &identity), -EINVAL);
    assert_int_equal(record_state_parse(SLICE(""), &record), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(revokes_what_is_proven_twice),
        cmocka_unit_test(without_grace_one_missing_record_stops_mail),
        cmocka_unit_test(names_go_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
