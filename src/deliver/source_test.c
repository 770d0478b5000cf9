#include "deliver/inside.h"
#include "runtime/world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TEXT(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

enum { SITE = 1, TODAY = 20000 };

static uint64_t now_us;
static uint64_t day;

static uint64_t read_now(struct world *w)
{
    (void)w;
    return now_us;
}

static int64_t read_wall(struct world *w)
{
    (void)w;
    return (int64_t)(day * 86400 * SECOND_US);
}

static const struct world_ops ops = {.monotonic_us = read_now, .wall_us = read_wall};
static struct world world = {.ops = &ops};

static uint64_t amounts[] = {2, 4};
static struct shaping_plan plans[] = {{TEXT("gentle"), amounts, 2}};
static struct shaping_source entries[] = {
    {.address = TEXT("192.0.2.1"), .hostname = TEXT("a.example")},
    {.address = TEXT("192.0.2.2"), .hostname = TEXT("b.example")},
    {.address = TEXT("2001:db8::1"), .hostname = TEXT("c.example")},
    {.address = TEXT("192.0.2.9"),
     .hostname = TEXT("new.example"),
     .plan = TEXT("gentle"),
     .started_day = TODAY},
};

/* Delivery with one pool of these addresses. */
static struct deliver *deliver_from(struct slice *addresses, size_t count)
{
    static struct deliver_options options;
    static struct shaping_pool pool;
    struct deliver *d = deliver_new(&options);

    day = TODAY;
    now_us = SECOND_US;
    pool = (struct shaping_pool){SLICE("default"), addresses, count, NULL, 0};
    d->world = &world;
    d->shaping = (struct shaping){.sources = entries,
                                  .source_count = ARRAY_LEN(entries),
                                  .pools = &pool,
                                  .pool_count = 1,
                                  .plans = plans,
                                  .plan_count = 1};
    sources_reload(d);
    return d;
}

/* The address that is chosen; "": none. */
static const char *choose(struct deliver *d, uint8_t family, struct source_part *ret)
{
    return sources_choose(d, SITE, family, ret) ? ret->source->text : "";
}

static void addresses_of_the_family_take_turns(void **state)
{
    static const struct {
        uint8_t family;
        const char *address;
    } rows[] = {{4, "192.0.2.1"},   {4, "192.0.2.2"}, {4, "192.0.2.1"}, {6, "2001:db8::1"},
                {6, "2001:db8::1"}, {4, "192.0.2.1"}, {4, "192.0.2.2"}};
    struct slice addresses[] = {SLICE("192.0.2.1"), SLICE("192.0.2.2"), SLICE("2001:db8::1")};
    struct deliver *d = deliver_from(addresses, 3);
    struct source_part part;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(choose(d, rows[i].family, &part), rows[i].address) != 0)
            fail_msg("row %zu", i);
    deliver_free(d);
}

static void a_family_that_is_missing_is_said(void **state)
{
    struct slice addresses[] = {SLICE("192.0.2.1")};
    struct deliver *d = deliver_from(addresses, 1);
    CLEANUP(buffer_done) struct buffer why = BUFFER_NONE;
    struct source_part part;

    (void)state;
    assert_string_equal(choose(d, 6, &part), "");
    assert_true(sources_ready(d, SITE));
    sources_why_not(d, SITE, 6, &why);
    assert_true(
        slice_equal(buffer_slice(&why), SLICE("the source pool default has no IPv6 address")));
    deliver_free(d);
}

static void without_sources_the_system_chooses(void **state)
{
    struct deliver *d = deliver_from(NULL, 0);
    struct source_part part;

    (void)state;
    d->shaping = (struct shaping){0};
    sources_reload(d);
    assert_true(sources_choose(d, SITE, 4, &part));
    assert_null(part.source);
    assert_true(sources_take(d, SITE, NULL, &part) && sources_ready(d, SITE));
    sources_keep(d, &part);
    deliver_free(d);
}

/* What is under way counts, what did not go out does not. */
static void a_plan_is_never_exceeded(void **state)
{
    struct slice addresses[] = {SLICE("192.0.2.9")};
    struct deliver *d = deliver_from(addresses, 1);
    struct source_part first, second, third;

    (void)state;
    assert_string_equal(choose(d, 4, &first), "192.0.2.9");
    assert_true(sources_take(d, SITE, first.source, &second));
    assert_false(sources_take(d, SITE, first.source, &third));
    assert_string_equal(choose(d, 4, &third), "");
    assert_false(sources_ready(d, SITE));
    sources_give_back(d, &second);
    assert_string_equal(choose(d, 4, &third), "192.0.2.9");
    sources_keep(d, &first);
    sources_keep(d, &third);
    assert_false(sources_ready(d, SITE));
    deliver_free(d);
}

static void what_a_plan_leaves_goes_by_another_address(void **state)
{
    struct slice addresses[] = {SLICE("192.0.2.9"), SLICE("192.0.2.1")};
    struct deliver *d = deliver_from(addresses, 2);
    struct source_part part;
    unsigned by_plan = 0;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        by_plan += strcmp(choose(d, 4, &part), "192.0.2.9") == 0;
        sources_keep(d, &part);
    }
    assert_int_equal(by_plan, 2);
    deliver_free(d);
}

/* Each day has its number; a clock that is set back finds what its day had. */
static void days_are_counted_apart(void **state)
{
    static const struct {
        uint64_t day;
        unsigned more;
    } rows[] = {{TODAY - 1, 0}, {TODAY, 2},     {TODAY + 1, 4},
                {TODAY, 0},     {TODAY + 1, 0}, {TODAY + 2, 50}};
    struct slice addresses[] = {SLICE("192.0.2.9")};
    struct deliver *d = deliver_from(addresses, 1);
    struct source_part part;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned more = 0;

        day = rows[i].day;
        while (more < 50 && sources_choose(d, SITE, 4, &part)) {
            sources_keep(d, &part);
            more++;
        }
        if (more != rows[i].more)
            fail_msg("row %zu: %u", i, more);
    }
    deliver_free(d);
}

static void what_was_sent_before_the_start_counts(void **state)
{
    struct slice addresses[] = {SLICE("192.0.2.9")};
    struct deliver *d = deliver_from(addresses, 1);
    CLEANUP(buffer_done) struct buffer why = BUFFER_NONE;
    struct source_part part;

    (void)state;
    sources_learn(d, SLICE("192.0.2.9"), TODAY, 2);
    sources_learn(d, SLICE("no address"), TODAY, 2);
    assert_string_equal(choose(d, 4, &part), "");
    sources_why_not(d, SITE, 0, &why);
    assert_true(slice_equal(buffer_slice(&why),
                            SLICE("192.0.2.9 has sent the 2 messages that day 1 of its plan gentle "
                                  "allows; more on 2024-10-05 UTC")));
    sources_reload(d); /* the file alone does not make it forget */
    assert_false(sources_ready(d, SITE));
    entries[3].plan = SLICE_NONE;
    sources_reload(d);
    assert_true(sources_ready(d, SITE));
    entries[3].plan = SLICE("gentle");
    deliver_free(d);
}

static void an_address_that_is_not_there_is_passed_over_for_a_while(void **state)
{
    struct slice addresses[] = {SLICE("192.0.2.1"), SLICE("192.0.2.2")};
    struct deliver *d = deliver_from(addresses, 2);
    struct source_part part;

    (void)state;
    assert_string_equal(choose(d, 4, &part), "192.0.2.1");
    sources_broken(d, part.source);
    for (unsigned i = 0; i < 3; i++)
        assert_string_equal(choose(d, 4, &part), "192.0.2.2");
    now_us += 61 * SECOND_US;
    assert_string_equal(choose(d, 4, &part), "192.0.2.1");
    deliver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_family_take_turns),
        cmocka_unit_test(a_family_that_is_missing_is_said),
        cmocka_unit_test(without_sources_the_system_chooses),
        cmocka_unit_test(a_plan_is_never_exceeded),
        cmocka_unit_test(what_a_plan_leaves_goes_by_another_address),
        cmocka_unit_test(days_are_counted_apart),
        cmocka_unit_test(what_was_sent_before_the_start_counts),
        cmocka_unit_test(an_address_that_is_not_there_is_passed_over_for_a_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
