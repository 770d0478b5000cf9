#include "site/notice.h"

#include "base/limits.h"
#include "site/world_test.h"

static int64_t now_us = 1000;

static int raise_in_transaction(struct store *s, const struct notice *n)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = notice_raise(s, n, now_us);
    return r < 0 ? r : store_transaction_commit(&all);
}

static int raise_one(struct store *s, const char *topic, bool trouble, const char *subject)
{
    const struct notice n = {.site_id = 7,
                             .topic = slice_text(topic),
                             .trouble = trouble,
                             .subject = slice_text(subject),
                             .text = SLICE("Two lines\nof text")};

    return raise_in_transaction(s, &n);
}

/* Tells the next; what it was about, or "" when there is nothing. */
static struct slice tell(struct store *s, struct arena *arena)
{
    struct notice_row row;
    int r = notice_next(s, arena, now_us, &row);

    if (r == -ENOENT)
        return SLICE("");
    assert_int_equal(r, 0);
    assert_int_equal(notice_told(s, row.id, now_us), 0);
    return row.mended_us ? row.mended_subject : row.subject;
}

#define ASSERT_TOLD(expected)                                                                      \
    do {                                                                                           \
        struct slice told_ = tell(s, &arena);                                                      \
        if (!slice_equal(told_, SLICE(expected)))                                                  \
            fail_msg("told \"%.*s\" instead of \"%s\"", SLICE_ARG(told_), expected);               \
    } while (0)

static void tells_once_and_once_more_when_mended(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct store *s = site_world_store();

    (void)state;
    assert_int_equal(raise_one(s, "identity:1", true, "gone"), 0);
    assert_int_equal(raise_one(s, "relay:1", true, "refused"), 0);
    ASSERT_TOLD("gone");
    ASSERT_TOLD("refused");
    assert_int_equal(raise_one(s, "identity:1", true, "gone"), 0);
    ASSERT_TOLD("");
    assert_int_equal(raise_one(s, "identity:1", false, "back"), 0);
    ASSERT_TOLD("back");
    assert_int_equal(raise_one(s, "identity:1", false, "back"), 0);
    ASSERT_TOLD("");
    now_us += NOTICE_GAP_S * 1000000LL;
    assert_int_equal(raise_one(s, "identity:1", true, "gone"), 0); /* another time */
    ASSERT_TOLD("gone");
    ASSERT_TOLD("");
    store_close(s);
}

/* Every minute it is gone, and back. */
static void tells_seldom_of_what_comes_and_goes(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct store *s = site_world_store();

    (void)state;
    assert_int_equal(raise_one(s, "identity:1", true, "gone"), 0);
    ASSERT_TOLD("gone");
    assert_int_equal(raise_one(s, "identity:1", false, "back"), 0);
    ASSERT_TOLD("back");
    for (int minute = 1; minute < 60; minute++) {
        now_us += 30 * 1000000LL;
        assert_int_equal(raise_one(s, "identity:1", true, "gone"), 0);
        ASSERT_TOLD("");
        now_us += 30 * 1000000LL;
        assert_int_equal(raise_one(s, "identity:1", false, "back"), 0);
        ASSERT_TOLD("");
    }
    assert_int_equal(raise_one(s, "identity:2", true, "another one"), 0);
    ASSERT_TOLD("another one");
    assert_int_equal(raise_one(s, "identity:1", true, "gone for good"), 0);
    ASSERT_TOLD("");
    now_us += 60 * 1000000LL; /* an hour since it was told */
    ASSERT_TOLD("gone for good");
    now_us = 1000; /* the clock goes back: no notice waits longer than the gap */
    assert_int_equal(raise_one(s, "identity:1", false, "back"), 0);
    ASSERT_TOLD("back");
    assert_int_equal(raise_one(s, "identity:1", true, "gone"), 0);
    ASSERT_TOLD("");
    now_us += NOTICE_GAP_S * 1000000LL;
    ASSERT_TOLD("gone");
    store_close(s);
}

static void tells_nothing_of_what_was_mended_before(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct store *s = site_world_store();

    (void)state;
    assert_int_equal(raise_one(s, "identity:1", true, "gone"), 0);
    assert_int_equal(raise_one(s, "identity:1", false, "back"), 0);
    assert_int_equal(raise_one(s, "identity:2", false, "never gone"), 0);
    ASSERT_TOLD("");
    store_close(s);
}

/* A warning that becomes a pause, which is mended before the pause was told. */
static void tells_of_a_new_stage(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct store *s = site_world_store();

    (void)state;
    assert_int_equal(raise_one(s, "reputation:1", true, "warned"), 0);
    ASSERT_TOLD("warned");
    assert_int_equal(raise_one(s, "reputation:1", true, "paused"), 0);
    assert_int_equal(raise_one(s, "reputation:1", true, "paused"), 0);
    ASSERT_TOLD("paused");
    ASSERT_TOLD("");
    assert_int_equal(raise_one(s, "reputation:1", true, "warned"), 0);
    assert_int_equal(raise_one(s, "reputation:1", false, "healthy"), 0);
    ASSERT_TOLD("healthy");
    ASSERT_TOLD("");
    store_close(s);
}

static void keeps_only_what_a_mail_can_carry(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    static char much[LIMIT_NOTICE_TEXT_BYTES * 2];
    const struct notice n = {.topic = SLICE("x"),
                             .trouble = true,
                             .subject = SLICE("a\r\nBcc: b\x1b[2J \xff"),
                             .text = {much, sizeof much}};
    struct store *s = site_world_store();
    struct notice_row row;

    (void)state;
    memset(much, 'x', sizeof much);
    much[0] = '\r', much[10] = '\n', much[20] = '\0';
    assert_int_equal(raise_in_transaction(s, &n), 0);
    assert_int_equal(notice_next(s, &arena, now_us, &row), 0);
    assert_true(slice_equal(row.subject, SLICE("a\\x0d\\x0aBcc: b\\x1b[2J \\xff")));
    assert_true(slice_starts(row.text, SLICE("\\x0dxxxxxxxxx\nxxxxxxxxx\\x00xx")));
    assert_true(row.text.size <= LIMIT_NOTICE_TEXT_BYTES);
    store_close(s);
}

static void lists_what_stands_first(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct store *s = site_world_store();
    struct notice_row *rows;
    size_t count;

    (void)state;
    now_us = 2000;
    assert_int_equal(raise_one(s, "a", true, "first"), 0);
    assert_int_equal(raise_one(s, "b", true, "second"), 0);
    ASSERT_TOLD("first");
    ASSERT_TOLD("second");
    assert_int_equal(raise_one(s, "b", false, "second mended"), 0);
    assert_int_equal(
        notice_list(s, &arena, &(struct notice_listing){.site_id = 7, .max = 10}, &rows, &count),
        0);
    assert_int_equal(count, 1);
    assert_int_equal(
        notice_list(s, &arena, &(struct notice_listing){.mended = true, .max = 10}, &rows, &count),
        0);
    assert_int_equal(count, 2);
    assert_true(slice_equal(rows[0].subject, SLICE("first")));
    assert_int_equal(
        notice_list(s, &arena, &(struct notice_listing){.site_id = 8, .max = 10}, &rows, &count),
        0);
    assert_int_equal(count, 0);
    assert_int_equal(notice_forget(s, 5000), 0); /* not before its end was told */
    ASSERT_TOLD("second mended");
    assert_int_equal(notice_forget(s, 5000), 0);
    assert_int_equal(
        notice_list(s, &arena, &(struct notice_listing){.mended = true, .max = 10}, &rows, &count),
        0);
    assert_int_equal(count, 1);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_once_and_once_more_when_mended),
        cmocka_unit_test(tells_seldom_of_what_comes_and_goes),
        cmocka_unit_test(tells_nothing_of_what_was_mended_before),
        cmocka_unit_test(tells_of_a_new_stage),
        cmocka_unit_test(keeps_only_what_a_mail_can_carry),
        cmocka_unit_test(lists_what_stands_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
