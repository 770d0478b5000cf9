#include "site/refused_setup.h"

#include "site/notice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t DAY_US = 86400 * (int64_t)1000000;

static struct store *open_store(void)
{
    const struct store_options options = {.path = ":memory:", .schema = STORE_CONTROL};
    struct store *s = NULL;
    char *problem = NULL;

    if (store_open(&options, &s, &problem) < 0)
        fail_msg("%s", problem);
    return s;
}

static void note(struct store *s, int64_t time_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;

    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(refused_setup_note(s, 9, SLICE("reader.example"),
                                        SLICE("550 5.7.26 unauthenticated"), time_us),
                     0);
    assert_int_equal(store_transaction_commit(&all), 0);
}

static void mend(struct store *s, int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;

    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(refused_setup_mend(s, now_us), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
}

/* The next thing to be told, as if it were told now. 1: a trouble; 0: it is mended; -1: nothing. */
static int tell(struct store *s)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct notice_row row;

    if (notice_next(s, &arena, INT64_MAX, &row) < 0)
        return -1;
    assert_int_equal(row.site_id, 9);
    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(notice_told(s, row.id, 1), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
    return row.mended_subject.size == 0;
}

static void is_told_once_and_once_more(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();

    (void)state;
    note(s, DAY_US);
    note(s, DAY_US + 1);
    assert_int_equal(tell(s), 1);
    note(s, DAY_US + 2);
    mend(s, 2 * DAY_US + 1); /* the last one is not a day ago */
    assert_int_equal(tell(s), -1);
    mend(s, 2 * DAY_US + 2);
    assert_int_equal(tell(s), 0);
    mend(s, 3 * DAY_US);
    assert_int_equal(tell(s), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_told_once_and_once_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
