#include "queue/index.h"

#include "base/log.h"
#include "queue/bed.h"
#include "queue/envelope.h"
#include "queue/inside.h"
#include "queue/spool_inside.h"

#include <stdlib.h>

enum { MESSAGES = 150, STEPS = 900 };

/* What a start makes of one message. */
struct found {
    struct message_id id;
    uint64_t segment, offset;
    uint32_t body_size, content_size, open;
    bool copied, survivor;
    uint8_t crashes;
    uint8_t flags[2];
    uint16_t attempts[2], replies[2];
    int64_t due_us[2];
};

struct finding {
    struct found messages[MESSAGES + 10];
    size_t count;
    uint64_t next_event, acknowledged, indexed, last_events, message_bytes;
    bool was_closed, paused;
};

/* --- a life that leaves all kinds of traces --- */

static unsigned chance(unsigned *state, unsigned limit)
{
    *state = *state * 1103515245 + 12345;
    return (*state >> 16) % limit;
}

static void act(struct task *t, struct bed *b, unsigned number, enum queue_act what)
{
    const struct queue_act_request request = {.act = what,
                                              .id = bed_id(number),
                                              .recipient = QUEUE_EVENT_ALL_RECIPIENTS,
                                              .text = SLICE("test")};
    uint64_t touched;

    assert_int_equal(queue_act(t, b->queue, &request, &touched), 0);
}

static void step(struct task *t, struct bed *b, unsigned *random, unsigned *number)
{
    static const char *const destinations[] = {"example.net", "example.com"};
    const char *const one[] = {"a@example.net", NULL};
    const char *const two[] = {"a@example.net", "b@example.com", NULL};
    const char *const half[] = {"gone@example.net", "b@example.com", NULL};
    const char *const gone[] = {"gone@example.net", NULL};
    const char *const *const all[] = {one, two, one, two, half};
    const char *destination = destinations[chance(random, 2)];
    unsigned what = chance(random, 12);
    struct queue_job *job;

    if (what < 2 && *number < MESSAGES) {
        unsigned n = ++*number;

        assert_int_equal(bed_submit(t, b, n, n % 3 + 1, 500 + n * 60, all[n % ARRAY_LEN(all)]), 0);
        if (n % 10 == 0)
            assert_int_equal(bed_submit(t, b, MESSAGES + 100 + n, 1, 500, gone), 0);
        return;
    }
    if (what == 10) {
        act(t, b, chance(random, MESSAGES) + 1,
            chance(random, 2) ? QUEUE_ACT_HOLD : QUEUE_ACT_RELEASE);
        return;
    }
    if (what == 11)
        bed_pass_s(20);
    if (bed_nothing(t, b, destination))
        return;
    job = bed_take(t, b, destination);
    if (what == 9)
        queue_return(b->queue, job);
    else
        bed_settle(b, job, what < 6 ? QUEUE_DEFERRED : QUEUE_DELIVERED);
}

static void acknowledge(struct task *t, struct bed *b)
{
    CLEANUP(task_deadline_end) struct task_deadline at_once = task_deadline_after(t, 0);
    CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;
    uint64_t last;

    if (queue_events_next(t, b->queue, &batch, 20000, &last) == 0)
        queue_events_acknowledge(b->queue, last);
}

static void live(struct task *t, struct bed *b, unsigned *random, unsigned *number)
{
    for (unsigned i = 0; i < STEPS; i++) {
        step(t, b, random, number);
        if (i % 100 == 99)
            acknowledge(t, b);
    }
}

static bool all_have_one(const struct queue_spool *s)
{
    LIST_FOREACH (link, &s->segments) {
        const struct queue_segment *segment = LIST_ENTRY(link, struct queue_segment, link);

        if (segment != s->active && !segment->indexed)
            return false;
    }
    return true;
}

static void index_all(struct task *t, struct bed *b)
{
    struct queue_spool *s = b->queue->spool;

    assert_int_equal(queue_spool_flush(t, s), 0);
    bed_pass_s(6);
    for (int i = 0; i < 30000 && !all_have_one(s); i++) {
        condition_signal(&s->indexing);
        assert_int_equal(task_sleep(t, 2000), 0);
    }
    assert_true(all_have_one(s));
    assert_int_equal(task_sleep(t, 50000), 0); /* the last one may be under way */
}

/* --- what a start finds --- */

static void find(const struct queue *q, struct finding *f)
{
    LIST_FOREACH (link, &q->order) {
        const struct queue_message *m = LIST_ENTRY(link, struct queue_message, link);
        struct found *found = &f->messages[f->count++];

        *found = (struct found){
            .id = m->id,
            .segment = m->place.segment->number,
            .offset = m->place.offset,
            .body_size = m->place.body_size,
            .content_size = m->place.content_size,
            .open = m->open,
            .copied = m->place.copied,
            .survivor = m->survivor,
            .crashes = m->crashes,
        };
        for (uint32_t i = 0; i < m->recipient_count; i++) {
            found->flags[i] = m->recipients[i].flags;
            found->attempts[i] = m->recipients[i].attempts;
            found->replies[i] = m->recipients[i].reply_code;
            found->due_us[i] = queue_stamp(q, m->recipients[i].due_us);
        }
    }
}

static void look(struct task *t, struct disk *disk, const struct bed *as, struct finding *f)
{
    static struct bed b;
    struct queue_spool_status status;

    memset(f, 0, sizeof(*f));
    bed_init(&b, disk);
    b.options.segment_bytes = as->options.segment_bytes;
    assert_int_equal(bed_open(t, &b), 0);
    find(b.queue, f);
    queue_spool_status(b.queue->spool, &status);
    f->next_event = status.next_event;
    f->acknowledged = status.acknowledged;
    f->was_closed = status.was_closed;
    f->paused = queue_schedule_is_paused(&b.queue->schedule, 2);
    LIST_FOREACH (link, &b.queue->spool->segments) {
        struct queue_segment *segment = LIST_ENTRY(link, struct queue_segment, link);

        f->indexed += segment->indexed;
        f->last_events = f->last_events * 31 + segment->last_event;
        f->message_bytes = f->message_bytes * 31 + segment->message_bytes;
    }
    bed_crash(t, &b);
}

static void compare(const struct finding *a, const struct finding *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        struct found x = a->messages[i], y = b->messages[i];

        for (int r = 0; r < 2; r++) { /* the clocks are read anew at each start */
            assert_true(llabs(x.due_us[r] - y.due_us[r]) < 2000000);
            x.due_us[r] = y.due_us[r] = 0;
        }
        assert_memory_equal(&x, &y, sizeof(x));
    }
    assert_int_equal(a->next_event, b->next_event);
    assert_int_equal(a->acknowledged, b->acknowledged);
    assert_int_equal(a->last_events, b->last_events);
    assert_int_equal(a->message_bytes, b->message_bytes);
    assert_true(a->was_closed == b->was_closed && a->paused == b->paused);
}

static void remove_indexes(struct disk *disk)
{
    for (uint64_t number = 1; number < 1000; number++)
        spool_index_remove(disk, number);
}

static struct disk *as_it_is(struct disk *disk)
{
    return fake_disk_after(disk, fake_disk_length(disk), FAKE_LOSE_NONE, 0);
}

/* Returns the disk as a crash leaves it, and compares what a start makes of it with and without
 * its indexes. */
static struct disk *crash_and_compare(struct task *t, struct bed *b, uint64_t *found_indexed)
{
    static struct finding with, without;
    struct disk *after, *plain;

    bed_crash(t, b);
    fake_disk_thaw(b->disk);
    after = as_it_is(b->disk);
    look(t, after, b, &with);
    disk_free(after);
    plain = as_it_is(b->disk);
    remove_indexes(plain);
    look(t, plain, b, &without);
    disk_free(plain);
    assert_int_equal(without.indexed, 0);
    *found_indexed += with.indexed && with.count >= 5;
    compare(&with, &without);
    return as_it_is(b->disk);
}

/* Three processes one after the other, so that there are attempts that a crash has ended, and
 * messages that have been moved. */
static int lives(struct task *t, struct bed *b)
{
    struct disk *first = b->disk;
    unsigned random = 7, number = 0;
    uint64_t indexed = 0;

    b->suppressed = "gone@example.net";
    b->options.segment_bytes = 64 << 10;
    for (unsigned process = 0; process < 3; process++) {
        struct queue_job *job;
        struct disk *next;

        assert_int_equal(bed_open(t, b), 0);
        live(t, b, &random, &number);
        assert_int_equal(bed_submit_one(t, b, MESSAGES + 1 + process, 1, "a@example.org"), 0);
        job = bed_take(t, b, "example.org");
        index_all(t, b);
        fake_disk_freeze(b->disk); /* the job is under way when the process dies */
        queue_return(b->queue, job);
        next = crash_and_compare(t, b, &indexed);
        if (b->disk != first)
            disk_free(b->disk);
        b->disk = b->options.disk = next;
    }
    assert_true(indexed >= 1); /* a process may have moved all into the last segment */
    disk_free(b->disk);
    b->disk = b->options.disk = first;
    return 0;
}
BED_TEST(lives)

/* --- what is left out --- */

static int short_lives(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer file = BUFFER_NONE;
    struct queue_index_head head;
    struct queue_index_entry entry;
    struct slice entries;
    unsigned events = 0;

    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 20; n++) {
        assert_int_equal(bed_submit_one(t, b, n, 1, "a@example.net"), 0);
        bed_settle(b, bed_take(t, b, "example.net"), n == 7 ? QUEUE_DEFERRED : QUEUE_DELIVERED);
    }
    assert_int_equal(queue_spool_flush(t, b->queue->spool), 0);
    b->queue->spool->roll = true;
    condition_signal(&b->queue->spool->work);
    while (b->queue->spool->active->number < 2)
        assert_int_equal(task_sleep(t, 2000), 0);
    index_all(t, b);
    assert_int_equal(spool_index_load(b->disk, 1, &file), 0);
    assert_int_equal(queue_index_read(buffer_slice(&file), &head, &entries), 0);
    assert_int_equal(head.messages, 1);
    while (queue_index_entry_read(&entries, &entry)) {
        assert_true(entry.record.type != QUEUE_RECORD_ATTEMPT);
        events += entry.record.type == QUEUE_RECORD_EVENTS;
    }
    assert_int_equal(entries.size, 0);
    assert_int_equal(events, 1);
    bed_close(t, b);
    return 0;
}
BED_TEST(short_lives)

/* --- an index that is wrong --- */

static int is_passed_over(struct task *t, struct bed *b)
{
    static struct finding before, after;
    CLEANUP(buffer_done) struct buffer file = BUFFER_NONE;
    unsigned random = 3, number = 0;
    struct disk *whole;

    b->options.segment_bytes = 64 << 10;
    assert_int_equal(bed_open(t, b), 0);
    live(t, b, &random, &number);
    index_all(t, b);
    bed_crash(t, b);
    fake_disk_thaw(b->disk);
    whole = as_it_is(b->disk);
    look(t, whole, b, &before);
    disk_free(whole);
    assert_int_equal(spool_index_load(b->disk, before.messages[0].segment, &file), 0);
    for (size_t at = 0; at < file.size; at += 97) {
        struct disk *damaged = as_it_is(b->disk);
        char name[QUEUE_SEGMENT_NAME_BYTES];

        queue_segment_name_index(before.messages[0].segment, name);
        assert_int_equal(damaged->ops->sync_directory(damaged, "."), 0);
        assert_int_equal(fake_disk_damage(damaged, name, at), 0);
        look(t, damaged, b, &after);
        assert_int_equal(after.indexed, before.indexed - 1);
        compare(&before, &after);
        disk_free(damaged);
    }
    return 0;
}
BED_TEST(is_passed_over)

/* --- record by record --- */

static struct message_id some_id(void)
{
    return bed_id(5);
}

static void add(struct queue_index_builder *b, enum queue_record_type type, uint8_t flags,
                const struct buffer *body)
{
    const struct queue_record record = {.type = type, .flags = flags, .body = buffer_slice(body)};

    assert_int_equal(queue_index_add(b, &record, 4128), 0);
}

static void add_copy(struct queue_index_builder *b)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, recipients = BUFFER_NONE;
    const struct queue_envelope_recipient recipient = {.address = SLICE("a@example.net")};
    const struct queue_progress progress = {.state = QUEUE_PROGRESS_OPEN};
    struct queue_envelope envelope = {.id = some_id(), .recipient_count = 1};

    queue_envelope_recipient_write(&recipients, &recipient);
    envelope.recipients = buffer_slice(&recipients);
    queue_envelope_write(&body, &envelope);
    buffer_add_u8(&body, 0);
    queue_progress_write(&body, &progress);
    add(b, QUEUE_RECORD_MESSAGE, QUEUE_RECORD_COPY, &body);
}

static void add_attempt(struct queue_index_builder *b)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    const struct queue_attempt attempt = {.id = some_id(), .recipients = {"\0\0\0\0", 4}};

    queue_attempt_write(&body, &attempt);
    add(b, QUEUE_RECORD_ATTEMPT, 0, &body);
}

static void add_event(struct queue_index_builder *b, enum queue_event_type type)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    const struct queue_event event = {.sequence = 1, .type = type, .id = some_id()};

    queue_event_write(&body, &event);
    add(b, QUEUE_RECORD_EVENTS, 0, &body);
}

/* Ends the builder; the types of the entries as letters. */
static void assert_entries(struct queue_index_builder *b, const char *expected)
{
    CLEANUP(buffer_done) struct buffer file = BUFFER_NONE;
    struct queue_index_head head = {.number = 1};
    struct queue_index_entry entry;
    struct slice entries;
    char found[16] = "";

    queue_index_finish(b, &head, &file);
    queue_index_builder_free(b);
    assert_int_equal(queue_index_read(buffer_slice(&file), &head, &entries), 0);
    for (size_t i = 0; queue_index_entry_read(&entries, &entry) && i < sizeof(found) - 1; i++)
        found[i] = "?SMEARC<>"[entry.record.type];
    assert_string_equal(found, expected);
}

/* An older segment may hold the message open: its end must be told. */
static void the_end_of_what_was_moved_stays(void **state)
{
    struct queue_index_builder *b = queue_index_builder_new();

    (void)state;
    add_copy(b);
    add_event(b, QUEUE_EVENT_DELIVERED);
    assert_entries(b, "ME");
}

static void an_attempt_that_ended_goes(void **state)
{
    struct queue_index_builder *b = queue_index_builder_new();

    (void)state;
    add_attempt(b);
    add_event(b, QUEUE_EVENT_DEFERRED);
    assert_entries(b, "E");
}

/* A crash ended it: that counts, whatever came of the next one. */
static void an_attempt_before_a_start_stays(void **state)
{
    struct queue_index_builder *b = queue_index_builder_new();
    const struct buffer none = BUFFER_NONE;

    (void)state;
    add_attempt(b);
    add(b, QUEUE_RECORD_OPEN, 0, &none);
    add_event(b, QUEUE_EVENT_DEFERRED);
    assert_entries(b, "A>E");
}

/* --- the codec --- */

static void torn_files_are_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer file = BUFFER_NONE;
    struct queue_index_builder *b = queue_index_builder_new();
    const struct queue_record record = {.type = QUEUE_RECORD_CURSOR, .body = SLICE("12345678")};
    struct queue_index_head head = {.number = 4, .used = 8192, .first_commit = 1}, back;
    struct slice entries;

    (void)state;
    assert_int_equal(queue_index_add(b, &record, 4128), 0);
    queue_index_finish(b, &head, &file);
    queue_index_builder_free(b);
    assert_int_equal(queue_index_read(buffer_slice(&file), &back, &entries), 0);
    assert_int_equal(back.number, 4);
    assert_int_equal(back.used, 8192);
    for (size_t size = 0; size < file.size; size++)
        assert_int_equal(queue_index_read(slice_of(file.data, size), &back, &entries), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torn_files_are_refused),
        cmocka_unit_test(the_end_of_what_was_moved_stays),
        cmocka_unit_test(an_attempt_that_ended_goes),
        cmocka_unit_test(an_attempt_before_a_start_stays),
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_short_lives),
        cmocka_unit_test(test_is_passed_over),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
