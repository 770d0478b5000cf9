#include "feedback/intake_store.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t NOW_US = 1800000000000000;
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

static int add(struct store *s, uint8_t number, int64_t now_us, uint64_t *ret_sequence)
{
    const struct report_name name = {{.ms = 5, .uuid = {number}}, 0};
    struct queue_event event = {.type = QUEUE_EVENT_RETURNED, .site_id = number};
    int r = intake_store_add(s, &name, &event, now_us);

    *ret_sequence = event.sequence;
    return r;
}

/* Reads the batch: how many, and the last number. */
static size_t waiting(struct store *s, uint64_t *ret_last)
{
    CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;
    struct queue_event event;
    uint64_t spool_id;
    size_t count, read = 0;
    struct cursor c;

    assert_int_equal(intake_store_batch(s, 10, &batch, &count), 0);
    c = cursor_of(buffer_slice(&batch));
    assert_int_equal(queue_event_batch_read(&c, &spool_id), 0);
    assert_true(spool_id == INTAKE_SPOOL_ID);
    while (c.rest.size) {
        assert_int_equal(queue_event_read(&c, &event), 0);
        assert_true(read == 0 || event.sequence > *ret_last);
        *ret_last = event.sequence;
        read++;
    }
    assert_int_equal(read, count);
    return count;
}

static void a_report_is_stored_once(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    uint64_t one, two, last;

    (void)state;
    assert_int_equal(add(s, 1, NOW_US, &one), 0);
    assert_int_equal(add(s, 2, NOW_US, &two), 0);
    assert_true(two > one);
    assert_int_equal(add(s, 1, NOW_US + 1, &one), 1);
    assert_int_equal(waiting(s, &last), 2);
    assert_true(last == two);
    assert_int_equal(intake_store_acknowledge(s, last), 0);
    assert_int_equal(waiting(s, &last), 0);
    assert_int_equal(add(s, 1, NOW_US + 2, &one), 1); /* history has it */
    assert_int_equal(waiting(s, &last), 0);
}

/* What waits is not forgotten, however old; a name that is, may come again. */
static void old_names_are_forgotten(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    uint64_t sequence, last;

    (void)state;
    assert_int_equal(add(s, 1, NOW_US, &sequence), 0);
    assert_int_equal(intake_store_acknowledge(s, sequence), 0);
    assert_int_equal(add(s, 2, NOW_US, &sequence), 0);
    assert_int_equal(intake_store_forget(s, NOW_US + INTAKE_KEEP_DAYS * DAY_US), 0);
    assert_int_equal(add(s, 1, NOW_US, &sequence), 1);
    assert_int_equal(intake_store_forget(s, NOW_US + INTAKE_KEEP_DAYS * DAY_US + 1), 0);
    assert_int_equal(add(s, 1, NOW_US, &sequence), 0);
    assert_int_equal(waiting(s, &last), 2);
}

/* A clock that goes back, and a table that begins anew, give no number twice. */
static void numbers_rise(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    CLEANUP(store_close_pointer) struct store *restored = open_store();
    uint64_t before, after, later;

    (void)state;
    assert_int_equal(add(s, 1, NOW_US, &before), 0);
    assert_int_equal(add(s, 2, NOW_US - DAY_US, &after), 0);
    assert_true(after == before + 1 && before >> 62 == 1);
    assert_int_equal(add(restored, 3, NOW_US + DAY_US, &later), 0);
    assert_true(later > after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_stored_once),
        cmocka_unit_test(old_names_are_forgotten),
        cmocka_unit_test(numbers_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
