#include "app/shaping_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static int read_text(struct arena *arena, const char *text, struct shaping *ret,
                     struct buffer *problems)
{
    return shaping_file_read(arena, "f", slice_text(text), ret, problems);
}

static void the_built_in_file_is_good(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct shaping s;
    struct slice rule;

    (void)state;
    if (shaping_file_load(&arena, "", &s, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(buffer_slice(&problems)));
    assert_true(slice_equal(shaping_by_host(&s, SLICE("aspmx.l.google.com"), &rule)->name,
                            SLICE("google")));
    assert_true(slice_equal(
        shaping_by_host(&s, SLICE("a-example.mail.protection.outlook.com"), &rule)->name,
        SLICE("microsoft")));
    assert_true(slice_equal(
        shaping_by_host(&s, SLICE("outlook-com.olc.protection.outlook.com"), &rule)->name,
        SLICE("outlook")));
}

/* Replies as receivers make them, each in words of its own. */
static const struct {
    const char *provider;
    uint16_t code;
    uint8_t status[3];
    const char *text;
    enum shaping_meaning means;
    enum shaping_action action;
} receivers[] = {
    {"google",
     421,
     {4, 7, 28},
     "421-4.7.28 an unusual rate of mail",
     SHAPING_SLOW_DOWN,
     SHAPING_BACK_OFF},
    {"google",
     450,
     {4, 2, 1},
     "450 4.2.1 The user is receiving mail at a rate that",
     SHAPING_MAILBOX,
     SHAPING_NONE},
    {"google", 452, {4, 2, 2}, "452 4.2.2 inbox is out of storage", SHAPING_MAILBOX, SHAPING_NONE},
    {"google",
     421,
     {4, 7, 0},
     "421 4.7.0 Try again later, closing connection.",
     SHAPING_SLOW_DOWN,
     SHAPING_BACK_OFF},
    {"microsoft",
     451,
     {4, 7, 255},
     "451 4.7.500 Server busy. Please try again later",
     SHAPING_SLOW_DOWN,
     SHAPING_BACK_OFF},
    {"microsoft",
     421,
     {4, 3, 2},
     "421 4.3.2 The maximum number of concurrent server connections",
     SHAPING_SLOW_DOWN,
     SHAPING_FEWER},
    {"outlook",
     421,
     {0},
     "421 RP-001 (X) Unfortunately, some messages",
     SHAPING_SLOW_DOWN,
     SHAPING_BACK_OFF},
    {"yahoo",
     421,
     {4, 7, 0},
     "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred",
     SHAPING_SLOW_DOWN,
     SHAPING_BACK_OFF},
    {"yahoo",
     421,
     {4, 7, 1},
     "421 4.7.1 [TS03] All messages from 192.0.2.1",
     SHAPING_BLOCKED,
     SHAPING_BACK_OFF},
    {"hoster.example",
     421,
     {0},
     "421 Too many concurrent SMTP connections from this IP",
     SHAPING_SLOW_DOWN,
     SHAPING_FEWER},
    {"hoster.example",
     450,
     {4, 2, 0},
     "450 4.2.0 Greylisted, see http://x",
     SHAPING_TRY_LATER,
     SHAPING_NONE},
    {"hoster.example", 451, {0}, "451 Rate limit reached", SHAPING_SLOW_DOWN, SHAPING_BACK_OFF},
    {"hoster.example",
     452,
     {4, 3, 1},
     "452 4.3.1 Insufficient system storage",
     SHAPING_TRY_LATER,
     SHAPING_FEWER},
    {"hoster.example",
     452,
     {4, 5, 3},
     "452 4.5.3 Too many recipients",
     SHAPING_TRY_LATER,
     SHAPING_NONE},
    {"hoster.example", 550, {5, 1, 1}, "550 5.1.1 no such user", SHAPING_MAILBOX, SHAPING_NONE},
    {"hoster.example",
     554,
     {5, 7, 1},
     "554 5.7.1 too many connections",
     SHAPING_TRY_LATER,
     SHAPING_NONE},
    {"hoster.example", 451, {4, 3, 0}, "451 4.3.0 try again", SHAPING_TRY_LATER, SHAPING_NONE},
};

static void the_built_in_rules_understand_receivers(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct shaping s;

    (void)state;
    assert_int_equal(shaping_file_load(&arena, "", &s, &problems), 0);
    for (size_t i = 0; i < ARRAY_LEN(receivers); i++) {
        struct shaping_verdict v =
            shaping_judge(&s, slice_text(receivers[i].provider), receivers[i].code,
                          receivers[i].status, slice_text(receivers[i].text));

        if (v.means != receivers[i].means || v.action != receivers[i].action)
            fail_msg("\"%s\": means %s, action %s", receivers[i].text,
                     shaping_meanings[v.means - 1], shaping_actions[v.action - 1]);
    }
}

static void reads_what_is_written(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct shaping s;

    (void)state;
    assert_int_equal(
        read_text(
            &arena,
            "providers:\n"
            "  - {name: a, hosts: [x.example, y.example], connections_max: 7, back_off_min: 3m}\n"
            "  - {name: b, domains: [z.example]}\n"
            "replies:\n"
            "  - {provider: a, code: 4xx, status: 4.7.x, text: slow, means: blocked, "
            "action: rest_destination, pause: 1h}\n",
            &s, &problems),
        0);
    assert_int_equal(s.provider_count, 2);
    assert_int_equal(s.providers[0].host_count, 2);
    assert_int_equal(s.providers[0].limits.connections_max, 7);
    assert_int_equal(s.providers[0].limits.back_off_min_s, 180);
    assert_int_equal(s.providers[1].limits.connections_max, 0);
    assert_int_equal(s.replies[0].means, SHAPING_BLOCKED);
    assert_int_equal(s.replies[0].action, SHAPING_REST_DESTINATION);
    assert_int_equal(s.replies[0].pause_s, 3600);
    assert_int_equal(read_text(&arena, "", &s, &problems), 0); /* nothing is known then */
    assert_int_equal(s.provider_count + s.reply_count, 0);
}

#define SOURCE "sources:\n  - {address: 192.0.2.10, hostname: out1.example.net"
#define POOL "source_pools:\n  - {name: default, addresses: [192.0.2.10]}\n"
#define PLANS "warm_up_plans:\n  - {name: gentle, messages_a_day: [50, 100]}\n"

static void reads_sources(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct shaping s;

    (void)state;
    if (read_text(&arena,
                  SOURCE
                  ", warm_up: {started: 2024-10-04, plan: gentle}}\n"
                  "  - {address: \"2001:db8::10\", hostname: out2.example.net}\n" POOL
                  "  - {name: quiet, addresses: [\"2001:db8::10\"], sites: [museum]}\n" PLANS,
                  &s, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(buffer_slice(&problems)));
    assert_int_equal(s.source_count, 2);
    assert_int_equal(s.sources[0].started_day, 20000);
    assert_true(slice_equal(s.sources[0].plan, SLICE("gentle")));
    assert_int_equal(s.sources[1].plan.size, 0);
    assert_int_equal(s.pool_count, 2);
    assert_true(slice_equal(s.pools[1].sites[0], SLICE("museum")));
    assert_int_equal(s.plans[0].messages[1], 100);
}

struct mistake {
    const char *text, *problem;
};

static void find_mistakes(const struct mistake *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
        struct shaping s;

        assert_int_equal(read_text(&arena, rows[i].text, &s, &problems), -EINVAL);
        if (slice_find_slice(buffer_slice(&problems), slice_text(rows[i].problem)) < 0)
            fail_msg("row %zu: %.*s", i, SLICE_ARG(buffer_slice(&problems)));
    }
}

static void names_mistakes_with_line_and_cure(void **state)
{
    static const struct mistake rows[] = {
        {"providers:\n  - {name: a, hosts: [x]}\n  - {name: a, hosts: [y]}\n",
         "f:3: providers[1]: \"a\" is there already"},
        {"providers:\n  - {name: a}\n",
         "f:2: providers[0]: \"a\" would never apply; give it hosts"},
        {"providers:\n  - {name: A, hosts: [x]}\n",
         "f:2: providers[0].name: \"A\" is not a name of small letters"},
        {"providers:\n  - {name: a, hosts: [X]}\n",
         "f:2: providers[0].hosts[0]: \"X\" is not a host"},
        {"providers:\n  - {name: a, hosts: [x], connections_max: 0}\n",
         "f:2: providers[0].connections_max: 0 is out of bounds"},
        {"providers:\n  - {name: a, hosts: [x], speed: 0}\n",
         "f:2: providers[0].speed: is not a known key"},
        {"providers:\n  - {name: a, hosts: [x], back_off_min: 2h, back_off_max: 1h}\n",
         "f:2: providers[0]: \"a\" has a back_off_min"},
        {"replies:\n  - {means: mailbox, action: none}\n",
         "f:2: replies[0]: would fit every reply"},
        {"replies:\n  - {code: 250, means: mailbox, action: none}\n",
         "f:2: replies[0].code: \"250\" is not a reply code"},
        {"replies:\n  - {status: 4.7, means: mailbox, action: none}\n",
         "f:2: replies[0].status: \"4.7\" is not an enhanced code"},
        {"replies:\n  - {status: 4.7.500, means: mailbox, action: none}\n",
         "f:2: replies[0].status: \"4.7.500\" is not an enhanced"},
        {"replies:\n  - {code: 421, means: run, action: none}\n",
         "f:2: replies[0].means: \"run\" is not known; use one of: slow_down"},
        {"replies:\n  - {code: 421, means: mailbox}\n", "f:2: replies[0].action: is missing"},
        {"replies:\n  - {provider: nobody, code: 421, means: mailbox, action: none}\n",
         "f:2: replies[0]: names a provider that is not in this file"},
        {"replies: [\n", "f:2: not valid YAML"},
    };

    (void)state;
    find_mistakes(rows, ARRAY_LEN(rows));
}

static void names_mistakes_about_sources(void **state)
{
    static const struct mistake rows[] = {
        {"sources:\n  - {address: 192.0.2.010, hostname: a.example}\n" POOL,
         "f:2: sources[0].address: \"192.0.2.010\" is not an IP address"},
        {"sources:\n  - {address: 192.0.2.10, hostname: a}\n" POOL,
         "f:2: sources[0].hostname: \"a\" is not a host name with its domain"},
        {"sources:\n  - {address: 192.0.2.10}\n" POOL, "f:2: sources[0].hostname: is missing"},
        {SOURCE "}\n", "f:2: sources[0]: 192.0.2.10 would never be used"},
        {SOURCE "}\n", "f: has sources but no source pool named default"},
        {SOURCE "}\n  - {address: 192.0.2.10, hostname: a.example}\n" POOL,
         "f:3: sources[1]: 192.0.2.10 is there already"},
        {SOURCE ", warm_up: {plan: gentle}}\n" POOL PLANS,
         "f:2: sources[0]: 192.0.2.10 has a warm_up without both"},
        {SOURCE ", warm_up: {plan: fast, started: 2026-11-01}}\n" POOL PLANS,
         "f:2: sources[0]: 192.0.2.10 names a plan that is not under warm_up_plans"},
        {SOURCE ", warm_up: {plan: gentle, started: 2026-02-30}}\n" POOL PLANS,
         "f:2: sources[0].warm_up.started: \"2026-02-30\" is not a day"},
        {POOL, "f:2: source_pools[0]: 192.0.2.10 is not under sources"},
        {SOURCE "}\n" POOL POOL, "source_pools: stands here a second time"},
        {SOURCE "}\n" POOL "  - {name: default, addresses: [192.0.2.10]}\n",
         "f:5: source_pools[1]: \"default\" is there already"},
        {SOURCE "}\nsource_pools:\n  - {name: default, addresses: [192.0.2.10], sites: [a]}\n",
         "f:4: source_pools[0]: \"default\" is for all sites that no other pool names"},
        {SOURCE "}\n" POOL "  - {name: quiet, addresses: [192.0.2.10]}\n",
         "f:5: source_pools[1]: \"quiet\" would never be used; give it sites"},
        {SOURCE "}\n" POOL "  - {name: quiet, addresses: [192.0.2.10], sites: [a, b, a]}\n",
         "f:5: source_pools[1]: the site a is named before"},
        {SOURCE "}\n" POOL "  - {name: quiet, addresses: [], sites: [a]}\n",
         "f:5: source_pools[1].addresses: has 0 items"},
        {PLANS "  - {name: gentle, messages_a_day: [1]}\n",
         "f:3: warm_up_plans[1]: \"gentle\" is there already"},
        {"warm_up_plans:\n  - {name: a, messages_a_day: [0]}\n",
         "f:2: warm_up_plans[0].messages_a_day[0]: 0 is out of bounds"},
    };

    (void)state;
    find_mistakes(rows, ARRAY_LEN(rows));
}

static void a_file_that_does_not_fit_a_frame_is_refused(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE, text = BUFFER_NONE;
    struct shaping s;

    (void)state;
    buffer_add(&text, SLICE("replies:\n"));
    for (int i = 0; i < 500; i++)
        buffer_printf(&text, "  - {text: \"%0200d\", means: mailbox, action: none}\n", i);
    assert_int_equal(shaping_file_read(&arena, "f", buffer_slice(&text), &s, &problems), -EINVAL);
    assert_true(slice_find_slice(buffer_slice(&problems), SLICE("f: is too long by")) >= 0);
}

static void a_missing_file_is_named(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct shaping s;

    (void)state;
    assert_int_equal(shaping_file_load(&arena, "/nowhere/at/all", &s, &problems), -ENOENT);
    assert_true(slice_starts(buffer_slice(&problems), SLICE("/nowhere/at/all: cannot be read")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_file_is_good),
        cmocka_unit_test(the_built_in_rules_understand_receivers),
        cmocka_unit_test(reads_what_is_written),
        cmocka_unit_test(reads_sources),
        cmocka_unit_test(names_mistakes_with_line_and_cure),
        cmocka_unit_test(names_mistakes_about_sources),
        cmocka_unit_test(a_file_that_does_not_fit_a_frame_is_refused),
        cmocka_unit_test(a_missing_file_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
