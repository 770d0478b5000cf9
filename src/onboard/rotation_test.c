#include "onboard/rotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAY_S ((int64_t)86400)
#define DAYS_US(days) ((int64_t)((days)*86400.0) * 1000000)

static const struct rotation_times times = {180 * 86400, 12 * 86400, 600, 86400};
static const int64_t now_us = 1795467606000000;

/* A key as a word: slot (a n r), how it stands (s seen, u unseen, w withdrawn, b its record is
 * broken), and how many days ago it came into its slot; 'f' in front: it never left it. */
static struct identity_key key_of(const char *word, const char *selector)
{
    static const char *const slots[] = {['a'] = "active", ['n'] = "next", ['r'] = "retiring"};
    bool fresh = word[0] == 'f';
    const char *w = word + fresh;
    int64_t since_us = now_us - DAYS_US(atof(w + 2));

    return (struct identity_key){
        .slot = slice_text(slots[(int)w[0]]),
        .slot_since_us = since_us,
        .selector = slice_text(selector),
        .created_us = fresh ? since_us : since_us - DAYS_US(100),
        .seen_us = w[1] == 'u' ? 0 : since_us,
        .withdrawn_us = w[1] == 'w' ? since_us : 0,
        .record_state = w[1] == 'b' ? SLICE("absent") : SLICE("right"),
    };
}

static struct identity identity_of(const char *const keys[3])
{
    struct identity identity = {.key_count = 3};

    for (size_t i = 0; i < 3; i++)
        identity.keys[i] = key_of(keys[i], (const char *[]){"one", "two", "three"}[i]);
    return identity;
}

static const struct {
    const char *keys[3];
    enum rotation_answer answer;
    double at_days; /* from now; 0: none is told */
    const char *free;
} cases[] = {
    {{"fas1", "fns1", "frs1"}, ROTATION_NOW, 0, NULL},            /* as they were made */
    {{"fas1", "fnu0", "frs1"}, ROTATION_NOT_SEEN, 0, NULL},       /* not in the DNS yet */
    {{"fas1", "fnb9", "frs1"}, ROTATION_NOT_SEEN, 0, NULL},       /* the client broke its record */
    {{"fas1", "fns0", "frs1"}, ROTATION_SETTLING, 0.00695, NULL}, /* caches may have another */
    {{"as0", "rs0", "frs1"}, ROTATION_NO_NEXT, -1, "three"}, /* one was never used: it is free */
    {{"as0", "rs5", "rs0"}, ROTATION_NO_NEXT, 7, NULL},      /* both have signed */
    {{"as0", "rs12", "rs0"}, ROTATION_NO_NEXT, 0, "two"},    /* the first has rested long enough */
    {{"as0", "rw0.5", "rs0"}, ROTATION_NO_NEXT, 0.5, NULL},  /* withdrawn: a day */
    {{"as0", "rw1", "rs0"}, ROTATION_NO_NEXT, 0, "two"},
};

static void keys_take_turns(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct identity identity = identity_of(cases[i].keys);
        struct rotation_verdict verdict = rotation_judge(&identity, &times, now_us);
        const struct identity_key *key = rotation_free(&identity, &times, now_us);

        if (verdict.answer != cases[i].answer)
            fail_msg("case %zu: answer %d", i, (int)verdict.answer);
        if (cases[i].at_days > 0)
            assert_true(llabs(verdict.at_us - now_us - DAYS_US(cases[i].at_days)) < 1000000);
        if (verdict.answer == ROTATION_NOW)
            assert_true(verdict.from == &identity.keys[0] && verdict.to == &identity.keys[1]);
        if (!cases[i].free)
            assert_null(key);
        else if (!key || !slice_equal(key->selector, slice_text(cases[i].free)))
            fail_msg("case %zu: %s is not free", i, cases[i].free);
    }
}

static const struct {
    const char *keys[3], *selector;
    int result;
    enum rotation_answer answer;
    const char *to;
} withdrawals[] = {
    {{"as9", "ns9", "rs9"}, "", 0, ROTATION_NOW, "two"},
    {{"as9", "ns9", "rs9"}, "one", 0, ROTATION_NOW, "two"},
    {{"as9", "ns0", "rs9"}, "", 0, ROTATION_NOW, "two"}, /* no waiting now */
    {{"as9", "nu0", "rs9"}, "", 0, ROTATION_NOW, "three"},
    {{"as9", "nu0", "rw0"}, "", 0, ROTATION_NOW, NULL},      /* nothing is left to sign with */
    {{"as9", "ns9", "rs9"}, "three", 0, ROTATION_NOW, NULL}, /* the active one stays */
    {{"as9", "ns9", "rw9"}, "three", 0, ROTATION_WITHDRAWN, NULL},
    {{"as9", "ns9", "rs9"}, "four", -ENOENT, 0, NULL},
};

static void a_compromised_key_gives_way_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(withdrawals); i++) {
        struct identity identity = identity_of(withdrawals[i].keys);
        struct rotation_verdict verdict = {.answer = ROTATION_NOW};
        int r = rotation_judge_withdrawal(&identity, slice_text(withdrawals[i].selector), &verdict);

        assert_int_equal(r, withdrawals[i].result);
        if (r < 0)
            continue;
        assert_int_equal(verdict.answer, withdrawals[i].answer);
        if (!withdrawals[i].to
                ? verdict.to != NULL
                : !verdict.to || !slice_equal(verdict.to->selector, slice_text(withdrawals[i].to)))
            fail_msg("case %zu: another key takes its place", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_take_turns),
        cmocka_unit_test(a_compromised_key_gives_way_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
