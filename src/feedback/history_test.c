#include "feedback/history.h"

#include "base/log.h"
#include "feedback/days.h"
#include "runtime/loop_test.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPOOL = 77 };

static const int64_t DAY_US = 86400 * (int64_t)1000000;
static char directory[64];

/* The wall clock of the tests: the real one, moved. */
static int64_t clock_shift_us;
static const struct world_ops *linux_ops;

static int64_t shifted_wall_us(struct world *w)
{
    return linux_ops->wall_us(w) + clock_shift_us;
}

static struct message_id message(uint32_t number)
{
    uint8_t random[16] = {0};

    memcpy(random, &number, sizeof number);
    return message_id_make((uint64_t)(1795467606000 + number), random);
}

static void add_event(struct buffer *batch, uint64_t sequence, enum queue_event_type type,
                      uint64_t site_id, uint32_t number)
{
    CLEANUP(buffer_done) struct buffer addresses = BUFFER_NONE;
    struct queue_event event = {.sequence = sequence,
                                .time_us = 1000 + (int64_t)sequence,
                                .type = type,
                                .id = message(number),
                                .site_id = site_id};

    if (type == QUEUE_EVENT_ACCEPTED) {
        queue_event_address_write(&addresses, SLICE("reader@example.org"));
        event.accepted.credential_id = site_id + 100;
        event.accepted.addresses = buffer_slice(&addresses);
        event.accepted.recipient_count = event.accepted.address_count = 1;
    }
    queue_event_write(batch, &event);
}

static uint64_t apply(struct task *t, struct history *h, const struct buffer *batch)
{
    struct history_use uses[HISTORY_USES_MAX];
    uint64_t cursor;
    size_t count;

    assert_int_equal(history_apply(t, h, buffer_slice(batch), &cursor, uses, &count), 0);
    buffer_done((struct buffer *)(uintptr_t)batch);
    return cursor;
}

static struct buffer batch_of(uint64_t spool_id)
{
    struct buffer batch = BUFFER_NONE;

    queue_event_batch_begin(&batch, spool_id);
    return batch;
}

static struct history *open_history(uint32_t keep_days)
{
    const struct history_options options = {directory, keep_days};
    struct history *h = NULL;
    char *problem = NULL;

    if (history_open(&options, &h, &problem) < 0)
        fail_msg("%s", problem);
    return h;
}

static size_t event_count(struct task *t, struct history *h, uint32_t number)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct message_id id = message(number);
    struct timeline l;

    return history_message(t, h, &arena, &id, &l) == 0 ? l.event_count : 0;
}

static int stores_each_event_once(struct task *t, void *argument)
{
    struct history *h = open_history(90);
    struct buffer batch = batch_of(SPOOL);

    (void)argument;
    add_event(&batch, 3, QUEUE_EVENT_ACCEPTED, 1, 1);
    add_event(&batch, 4, QUEUE_EVENT_DEFERRED, 1, 1);
    assert_int_equal(apply(t, h, &batch), 4);
    batch = batch_of(SPOOL); /* sent again, with something new */
    add_event(&batch, 3, QUEUE_EVENT_ACCEPTED, 1, 1);
    add_event(&batch, 4, QUEUE_EVENT_DEFERRED, 1, 1);
    add_event(&batch, 9, QUEUE_EVENT_DELIVERED, 1, 1);
    assert_int_equal(apply(t, h, &batch), 9);
    assert_int_equal(event_count(t, h, 1), 3);
    history_close(h);

    h = open_history(90); /* restarted */
    batch = batch_of(SPOOL);
    add_event(&batch, 9, QUEUE_EVENT_DELIVERED, 1, 1);
    assert_int_equal(apply(t, h, &batch), 9);
    assert_int_equal(event_count(t, h, 1), 3);
    batch = batch_of(SPOOL + 1); /* another spool counts for itself */
    add_event(&batch, 1, QUEUE_EVENT_ACCEPTED, 1, 2);
    assert_int_equal(apply(t, h, &batch), 1);
    assert_int_equal(event_count(t, h, 2), 1);
    batch = batch_of(SPOOL); /* nothing new */
    assert_int_equal(apply(t, h, &batch), 9);
    history_close(h);
    return 0;
}

static int refuses_what_is_no_batch(struct task *t, void *argument)
{
    struct history *h = open_history(90);
    struct history_use uses[HISTORY_USES_MAX];
    CLEANUP(buffer_done) struct buffer batch = batch_of(SPOOL);
    uint64_t cursor;
    size_t count, head = batch.size;

    (void)argument;
    add_event(&batch, 1, QUEUE_EVENT_ACCEPTED, 1, 1);
    add_event(&batch, 2, QUEUE_EVENT_DELIVERED, 1, 1);
    for (size_t size = 0; size < batch.size; size += 7)
        if (size != head && history_apply(t, h, slice_part(buffer_slice(&batch), 0, size), &cursor,
                                          uses, &count) != -EBADMSG)
            fail_msg("%zu bytes were taken", size);
    assert_int_equal(event_count(t, h, 1), 0); /* all or nothing */
    assert_int_equal(history_apply(t, h, buffer_slice(&batch), &cursor, uses, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(uses[0].credential_id, 101);
    history_close(h);
    return 0;
}

static int goes_on_over_midnight(struct task *t, void *argument)
{
    struct history *h = open_history(90);
    struct buffer batch = batch_of(SPOOL);

    (void)argument;
    clock_shift_us = 0;
    add_event(&batch, 1, QUEUE_EVENT_ACCEPTED, 1, 1);
    apply(t, h, &batch);
    clock_shift_us = DAY_US;
    batch = batch_of(SPOOL);
    add_event(&batch, 1, QUEUE_EVENT_ACCEPTED, 1, 1);
    add_event(&batch, 2, QUEUE_EVENT_DEFERRED, 1, 1);
    apply(t, h, &batch);
    clock_shift_us = 0; /* the clock goes back; the day does not */
    batch = batch_of(SPOOL);
    add_event(&batch, 2, QUEUE_EVENT_DEFERRED, 1, 1);
    add_event(&batch, 3, QUEUE_EVENT_DELIVERED, 1, 1);
    add_event(&batch, 4, QUEUE_EVENT_ACCEPTED, 1, 2);
    apply(t, h, &batch);
    assert_int_equal(event_count(t, h, 1), 3);
    history_close(h);

    h = open_history(90); /* restarted on another day: what was stored before is known */
    clock_shift_us = 2 * DAY_US;
    batch = batch_of(SPOOL);
    add_event(&batch, 4, QUEUE_EVENT_ACCEPTED, 1, 2);
    assert_int_equal(apply(t, h, &batch), 4);
    assert_int_equal(event_count(t, h, 2), 1);
    history_close(h);
    clock_shift_us = 0;
    return 0;
}

static size_t count_days(void)
{
    struct day *days;
    size_t count;

    assert_int_equal(days_list(directory, &days, &count), 0);
    free(days);
    return count;
}

static int survives_a_clock_that_jumps(struct task *t, void *argument)
{
    static const int days[] = {0, 1, 2, 3, 700, 4, 5};
    struct history *h = open_history(90);

    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        struct buffer batch = batch_of(SPOOL);

        clock_shift_us = days[i] * DAY_US;
        add_event(&batch, i + 1, QUEUE_EVENT_ACCEPTED, 1, (uint32_t)i);
        assert_int_equal(apply(t, h, &batch), i + 1);
    }
    assert_int_equal(event_count(t, h, 0), 0); /* two days fell out, no more */
    assert_int_equal(event_count(t, h, 1), 0);
    for (uint32_t i = 2; i < ARRAY_LEN(days); i++)
        assert_int_equal(event_count(t, h, i), 1);
    assert_int_equal(count_days(), 5);
    history_close(h);
    clock_shift_us = 0;
    return 0;
}

/* Killed while a day's file was being made: what is left of it is no day, and in nobody's way. */
static int a_draft_is_made_anew(struct task *t, void *argument)
{
    struct history *h = open_history(90);
    struct buffer batch = batch_of(SPOOL);
    struct day today = day_of(task_wall_us(t));
    char draft[128];
    FILE *file;

    (void)argument;
    snprintf(draft, sizeof draft, "%s/%s.new", directory, today.name);
    file = fopen(draft, "w");
    assert_non_null(file);
    assert_true(fputs("half a database", file) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(count_days(), 0);
    assert_int_equal(event_count(t, h, 0), 0);
    add_event(&batch, 1, QUEUE_EVENT_ACCEPTED, 1, 0);
    apply(t, h, &batch);
    assert_int_equal(event_count(t, h, 0), 1);
    assert_int_equal(count_days(), 1);
    assert_int_equal(access(draft, F_OK), -1);
    history_close(h);
    return 0;
}

static int drops_whole_days(struct task *t, void *argument)
{
    struct history *h = open_history(2);

    (void)argument;
    for (int day = 0; day < 5; day++) {
        struct buffer batch = batch_of(SPOOL);

        clock_shift_us = day * DAY_US;
        add_event(&batch, (uint64_t)day + 1, QUEUE_EVENT_ACCEPTED, 1, (uint32_t)day);
        apply(t, h, &batch);
    }
    assert_int_equal(count_days(), 3);
    assert_int_equal(event_count(t, h, 0), 0);
    assert_int_equal(event_count(t, h, 4), 1);
    history_close(h);
    h = open_history(2); /* the place of the spool is in the last day */
    struct buffer batch = batch_of(SPOOL);
    add_event(&batch, 5, QUEUE_EVENT_ACCEPTED, 1, 4);
    assert_int_equal(apply(t, h, &batch), 5);
    assert_int_equal(event_count(t, h, 4), 1);
    history_close(h);
    clock_shift_us = 0;
    return 0;
}

static void assert_list(struct task *t, struct history *h, uint64_t site_id, size_t max,
                        const struct message_id *before, const char *expected)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct history_listing listing = {.site_id = site_id, .max = max};
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct message_id *ids;
    size_t count;

    if (before)
        listing.before = *before;
    assert_int_equal(history_list(t, h, &arena, &listing, &ids, &count), 0);
    for (size_t i = 0; i < count; i++)
        buffer_printf(&text, "%s%d", i ? " " : "", (int)(ids[i].ms - 1795467606000));
    assert_true(slice_equal(buffer_slice(&text), slice_text(expected)));
}

static int lists_the_newest_first(struct task *t, void *argument)
{
    struct history *h = open_history(90);
    struct message_id five = message(5);

    (void)argument;
    for (uint32_t i = 1; i <= 9; i++) { /* three days, three messages each, two sites in turn */
        struct buffer batch = batch_of(SPOOL);

        clock_shift_us = (i - 1) / 3 * DAY_US;
        add_event(&batch, i, QUEUE_EVENT_ACCEPTED, 1 + i % 2, i);
        apply(t, h, &batch);
    }
    assert_list(t, h, 0, 100, NULL, "9 8 7 6 5 4 3 2 1");
    assert_list(t, h, 0, 2, NULL, "9 8");
    assert_list(t, h, 0, 3, &five, "4 3 2");
    assert_list(t, h, 1, 100, NULL, "8 6 4 2");
    assert_list(t, h, 2, 2, &five, "3 1");
    assert_list(t, h, 3, 2, NULL, "");
    history_close(h);
    clock_shift_us = 0;
    return 0;
}

static void run_in_folder(void **state)
{
    const struct world_linux_options options = {0};
    struct world_ops ops;
    char *problem = NULL;
    struct day *days;
    struct world *w;
    size_t count;

    snprintf(directory, sizeof directory, "/tmp/letterhead-history-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(world_linux_new(&options, &w, &problem), 0);
    linux_ops = w->ops;
    ops = *w->ops;
    ops.wall_us = shifted_wall_us;
    w->ops = &ops;
    assert_int_equal(loop_run(w, (task_function *)*state, NULL), 0);
    w->ops = linux_ops;
    world_free(w);
    assert_int_equal(days_list(directory, &days, &count), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(day_remove(directory, &days[i]), 0);
    free(days);
    assert_int_equal(rmdir(directory), 0);
}

static void only_days_are_days(void **state)
{
    static const char *const others[] = {"events-2026-1-01.db", "events-2026-11-23.db-wal",
                                         "events-2026-11-23.txt", "xvents-2026-11-23.db"};
    char path[128];
    struct day *days;
    size_t count;

    (void)state;
    snprintf(directory, sizeof directory, "/tmp/letterhead-history-XXXXXX");
    assert_non_null(mkdtemp(directory));
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, others[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    assert_int_equal(days_list(directory, &days, &count), 0);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, others[i]);
        rmdir(path);
    }
    rmdir(directory);
}

#define FOLDER_TEST(function)                                                                      \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run_in_folder, .initial_state = (void *)(function)         \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(stores_each_event_once), FOLDER_TEST(refuses_what_is_no_batch),
        FOLDER_TEST(goes_on_over_midnight),  FOLDER_TEST(survives_a_clock_that_jumps),
        FOLDER_TEST(a_draft_is_made_anew),   FOLDER_TEST(drops_whole_days),
        FOLDER_TEST(lists_the_newest_first), cmocka_unit_test(only_days_are_days),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
