#include "deliver/shaping.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TEXT(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static struct shaping_reply replies[] = {
    {.provider = TEXT("google"),
     .status = TEXT("4.7.28"),
     .means = SHAPING_SLOW_DOWN,
     .action = SHAPING_BACK_OFF,
     .pause_s = 600},
    {.code = TEXT("4xx"),
     .text = TEXT("too many*connections"),
     .means = SHAPING_SLOW_DOWN,
     .action = SHAPING_FEWER},
    {.code = TEXT("450"),
     .text = TEXT("greylist"),
     .means = SHAPING_TRY_LATER,
     .action = SHAPING_NONE},
    {.status = TEXT("x.2.x"), .means = SHAPING_MAILBOX, .action = SHAPING_NONE},
};
static struct slice hosts[] = {TEXT("google.com")};
static struct slice domains[] = {TEXT("town.example"), TEXT("village.example")};
static struct shaping_provider providers[] = {
    {.name = TEXT("google"),
     .hosts = hosts,
     .host_count = 1,
     .limits = {.connections_max = 50, .messages_per_minute_max = 600, .back_off_min_s = 120}},
    {.name = TEXT("towns"), .domains = domains, .domain_count = 2},
};
static struct shaping_source sources[] = {
    {.address = TEXT("192.0.2.10"),
     .hostname = TEXT("out1.example.net"),
     .plan = TEXT("gentle"),
     .started_day = 20000},
    {.address = TEXT("2001:db8::10"), .hostname = TEXT("out2.example.net")},
};
static struct slice addresses[] = {TEXT("192.0.2.10"), TEXT("2001:db8::10")};
static struct slice sites[] = {TEXT("library"), TEXT("museum")};
static struct shaping_pool pools[] = {
    {TEXT("default"), addresses, 2, NULL, 0},
    {TEXT("quiet"), addresses, 1, sites, 2},
};
static uint64_t amounts[] = {50, 100};
static struct shaping_plan plans[] = {{TEXT("gentle"), amounts, 2}};
static const struct shaping shaping = {.providers = providers,
                                       .provider_count = 2,
                                       .replies = replies,
                                       .reply_count = ARRAY_LEN(replies),
                                       .sources = sources,
                                       .source_count = 2,
                                       .pools = pools,
                                       .pool_count = 2,
                                       .plans = plans,
                                       .plan_count = 1};

static void judges_replies(void **state)
{
    static const struct {
        const char *provider, *text;
        uint16_t code;
        uint8_t status[3];
        enum shaping_meaning means;
        enum shaping_action action;
    } rows[] = {
        {"google", "unusual rate", 421, {4, 7, 28}, SHAPING_SLOW_DOWN, SHAPING_BACK_OFF},
        {"other", "unusual rate", 421, {4, 7, 28}, SHAPING_SLOW_DOWN, SHAPING_FEWER},
        {"other", "TOO MANY open CONNECTIONS from you", 450, {0}, SHAPING_SLOW_DOWN, SHAPING_FEWER},
        {"other", "too many connections", 550, {0}, SHAPING_TRY_LATER, SHAPING_NONE},
        {"other", "connections: too many", 450, {0}, SHAPING_TRY_LATER, SHAPING_NONE},
        {"other", "450 Greylisted, come back", 450, {4, 2, 0}, SHAPING_TRY_LATER, SHAPING_NONE},
        {"other", "mailbox full", 452, {4, 2, 2}, SHAPING_MAILBOX, SHAPING_NONE},
        {"other", "mailbox full", 552, {5, 2, 2}, SHAPING_MAILBOX, SHAPING_NONE},
        {"other", "hm", 421, {0}, SHAPING_SLOW_DOWN, SHAPING_FEWER},
        {"other", "hm", 451, {0}, SHAPING_TRY_LATER, SHAPING_NONE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct shaping_verdict v =
            shaping_judge(&shaping, slice_text(rows[i].provider), rows[i].code, rows[i].status,
                          slice_text(rows[i].text));

        if (v.means != rows[i].means || v.action != rows[i].action)
            fail_msg("row %zu: means %d, action %d", i, (int)v.means, (int)v.action);
    }
}

static void texts_fit_without_case_and_with_gaps(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } rows[] = {
        {"", "", true},        {"", "abc", true},       {"abc", "", false},
        {"b", "aBc", true},    {"a*c", "xaybcz", true}, {"c*a", "abc", false},
        {"a*a", "a", false},   {"a*a", "aa", true},     {"*", "", true},
        {"a**c", "abc", true}, {"ab*bc", "abc", false}, {"slow*down", "Slow\ndown", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (shaping_text_fits(slice_text(rows[i].pattern), slice_text(rows[i].text)) !=
            rows[i].fits)
            fail_msg("row %zu", i);
}

static void finds_entries(void **state)
{
    struct slice rule;

    (void)state;
    assert_ptr_equal(shaping_by_host(&shaping, SLICE("aspmx.l.google.com"), &rule), &providers[0]);
    assert_true(slice_equal(rule, SLICE("google.com")));
    assert_ptr_equal(shaping_by_host(&shaping, SLICE("Google.COM"), &rule), &providers[0]);
    assert_null(shaping_by_host(&shaping, SLICE("agoogle.com"), &rule));
    assert_null(shaping_by_host(&shaping, SLICE("com"), &rule));
    assert_ptr_equal(shaping_by_domain(&shaping, SLICE("village.example")), &providers[1]);
    assert_null(shaping_by_domain(&shaping, SLICE("mx.village.example")));
    assert_ptr_equal(shaping_by_name(&shaping, SLICE("towns")), &providers[1]);
    assert_null(shaping_by_name(&shaping, SLICE("Towns")));
}

static void limits_fall_back(void **state)
{
    const struct shaping_limits otherwise = {.connections_max = 20,
                                             .messages_per_connection_max = 100,
                                             .messages_per_minute_max = 5,
                                             .back_off_min_s = 60,
                                             .back_off_max_s = 100};
    struct shaping_limits limits = shaping_limits_of(&providers[0], &otherwise);

    (void)state;
    assert_int_equal(limits.connections_max, 50);
    assert_int_equal(limits.messages_per_connection_max, 100);
    assert_int_equal(limits.messages_per_minute_max, 600);
    assert_int_equal(limits.back_off_min_s, 120);
    assert_int_equal(limits.back_off_max_s, 120); /* never less than the least */
    limits = shaping_limits_of(NULL, &otherwise);
    assert_int_equal(limits.connections_max, 20);
    assert_int_equal(shaping_limits_of(&providers[1], &otherwise).messages_per_minute_max, 0);
}

static void goes_round(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, again = BUFFER_NONE;
    struct shaping read;

    (void)state;
    shaping_write(&body, &shaping);
    assert_int_equal(shaping_read(&arena, buffer_slice(&body), &read), 0);
    assert_int_equal(read.provider_count, 2);
    assert_int_equal(read.reply_count, ARRAY_LEN(replies));
    assert_int_equal(read.providers[0].limits.connections_max, 50);
    assert_true(slice_equal(read.providers[1].domains[1], SLICE("village.example")));
    assert_int_equal(read.replies[0].pause_s, 600);
    assert_int_equal(read.sources[0].started_day, 20000);
    assert_true(slice_equal(read.pools[1].sites[1], SLICE("museum")));
    assert_int_equal(read.plans[0].messages[1], 100);
    shaping_write(&again, &read);
    assert_true(slice_equal(buffer_slice(&body), buffer_slice(&again)));
}

static void refuses_what_is_cut_or_bent(void **state)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct shaping read;

    (void)state;
    shaping_write(&body, &shaping);
    for (size_t i = 0; i < body.size; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;

        assert_int_equal(shaping_read(&arena, slice_of(body.data, i), &read), -EBADMSG);
    }
    for (size_t i = 0; i < body.size; i++) { /* never reads past its end (ASan) */
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;

        body.data[i] ^= (char)0xff;
        (void)!shaping_read(&arena, buffer_slice(&body), &read);
        body.data[i] ^= (char)0xff;
    }
}

/* What names another must find it. */
static void refuses_what_is_not_whole(void **state)
{
    struct shaping broken[] = {shaping, shaping, shaping};

    (void)state;
    broken[0].plan_count = 0;
    broken[1].source_count = 1;
    broken[2].pools = &pools[1];
    broken[2].pool_count = 1;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
        struct shaping read;

        shaping_write(&body, &broken[i]);
        assert_int_equal(shaping_read(&arena, buffer_slice(&body), &read), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_replies),
        cmocka_unit_test(texts_fit_without_case_and_with_gaps),
        cmocka_unit_test(finds_entries),
        cmocka_unit_test(limits_fall_back),
        cmocka_unit_test(goes_round),
        cmocka_unit_test(refuses_what_is_cut_or_bent),
        cmocka_unit_test(refuses_what_is_not_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
