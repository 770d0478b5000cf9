#include "queue/promise.h"

#include "queue/inside.h"
#include "queue/spool_inside.h"

static const uint64_t FAR_US = 1000000000 * SECOND_US;

enum { MARK_ACCEPTED = 1, MARK_DELIVERED, MARK_EVENT, MARK_STORED };

static uint64_t mark_of(unsigned kind, uint64_t sequence, unsigned type, unsigned number)
{
    return (uint64_t)kind << 56 | sequence << 24 | (uint64_t)type << 16 | number;
}

static void note(void *context, uint64_t mark)
{
    struct promise_ledger *l = context;
    uint64_t sequence = mark >> 24 & 0xffffffff;
    unsigned number = mark & 0xffff, type = mark >> 16 & 0xff;

    if (mark >> 56 == MARK_ACCEPTED)
        l->accepted[number] = true;
    if (mark >> 56 == MARK_DELIVERED)
        l->delivered[number]++;
    if (mark >> 56 == MARK_EVENT)
        l->told[sequence] = (uint64_t)type << 16 | number;
    if (mark >> 56 == MARK_STORED)
        l->stored = sequence;
}

void promise_read(struct disk *disk, size_t length, struct promise_ledger *ret)
{
    memset(ret, 0, sizeof(*ret));
    fake_disk_marks(disk, length, note, ret);
}

/* --- a life --- */

unsigned promise_copies;

static unsigned number_of(const struct message_id *id)
{
    unsigned number;

    memcpy(&number, id->uuid, sizeof(number));
    return number;
}

static size_t size_of(unsigned number)
{
    return number % 5 == 0 ? 20000 : 300 + number * 40;
}

static unsigned recipients_of(unsigned number)
{
    return number % 3 == 0 ? 2 : 1;
}

void promise_init(struct bed *bed, struct disk *disk)
{
    bed_init(bed, disk);
    bed->options.segment_bytes = 96 << 10;
    bed->options.lifetime_s = 1000000000;
}

int promise_submit(struct task *t, struct bed *bed, unsigned number)
{
    const char *const recipients[] = {
        "a@example.net",
        recipients_of(number) == 2 ? "b@example.com" : NULL,
        NULL,
    };
    int r = bed_submit(t, bed, number, number % 2 + 1, size_of(number), recipients);

    if (r == 0)
        fake_disk_mark(bed->disk, mark_of(MARK_ACCEPTED, 0, 0, number));
    return r;
}

void promise_deliver(struct task *t, struct bed *bed, const char *destination,
                     enum queue_result result)
{
    struct queue_job *job = NULL;

    assert_int_equal(queue_take(t, bed->queue, slice_text(destination), SLICE_NONE, &job), 0);
    if (!job)
        return;
    if (result == QUEUE_DELIVERED)
        fake_disk_mark(bed->disk, mark_of(MARK_DELIVERED, 0, 0, number_of(&job->id)));
    bed_settle(bed, job, result);
}

void promise_store(struct task *t, struct bed *bed, size_t max_bytes)
{
    CLEANUP(task_deadline_end) struct task_deadline at_once = task_deadline_after(t, 0);
    CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;
    struct queue_event event;
    struct cursor c;
    uint64_t last;

    if (queue_events_next(t, bed->queue, &batch, max_bytes, &last) < 0)
        return;
    for (c = cursor_of(buffer_slice(&batch)); c.rest.size;) {
        assert_int_equal(queue_event_read(&c, &event), 0);
        fake_disk_mark(bed->disk,
                       mark_of(MARK_EVENT, event.sequence, event.type, number_of(&event.id)));
    }
    fake_disk_mark(bed->disk, mark_of(MARK_STORED, last, 0, 0));
    queue_events_acknowledge(bed->queue, last);
}

/* What rides along is committed, as far as the disk lets it, and the cleaner has its turns. */
static void settle_down(struct task *t, struct bed *b)
{
    int ignored = queue_spool_flush(t, b->queue->spool);

    (void)ignored;
    for (int i = 0; i < 10; i++)
        assert_int_equal(task_sleep(t, 1000), 0);
}

/* Several segments, all kinds of ends; the steward is away at first and slow later. */
static void live(struct task *t, struct bed *b, unsigned first, unsigned last)
{
    static const enum queue_result results[7] = {
        QUEUE_BOUNCED,   QUEUE_DELIVERED, QUEUE_DELIVERED, QUEUE_DEFERRED,
        QUEUE_DELIVERED, QUEUE_DELIVERED, QUEUE_DELIVERED,
    };

    for (unsigned n = first; n <= last; n++) {
        if (promise_submit(t, b, n) == -EINVAL)
            fail();
        if (n <= 8 || n % 2)
            promise_deliver(t, b, "example.net", results[n % 7]);
        if (n > 8 && n % 4 == 1)
            promise_deliver(t, b, "example.net", QUEUE_DEFERRED);
        if (n % 3 == 0 && n % 9 != 0)
            promise_deliver(t, b, "example.com", QUEUE_DELIVERED);
        if (n > 12 && n % 5 == 4)
            promise_store(t, b, 700);
    }
    bed_pass_s(100);
    settle_down(t, b);
    promise_deliver(t, b, "example.net", QUEUE_DELIVERED);
    promise_store(t, b, 100000);
    settle_down(t, b);
    LIST_FOREACH (link, &b->queue->order)
        promise_copies += LIST_ENTRY(link, struct queue_message, link)->place.copied;
}

static int live_once(struct task *t, struct bed *b, unsigned first, unsigned last)
{
    int r = bed_open(t, b);

    if (r < 0) /* the disk refused; there is no queue, and nothing can be accepted */
        return 0;
    live(t, b, first, last);
    bed_close(t, b);
    return 0;
}

int promise_live_on(struct task *t, void *bed)
{
    return live_once(t, bed, PROMISE_MESSAGES / 2 + 1, PROMISE_MESSAGES);
}

int promise_live(struct task *t, void *bed)
{
    int r = live_once(t, bed, 1, PROMISE_MESSAGES / 2);

    return r < 0 ? r : promise_live_on(t, bed);
}

/* --- the judge --- */

static void read_events(struct task *t, struct bed *b, struct promise_ledger *l)
{
    uint64_t last_seen = 0, last;

    for (;;) {
        CLEANUP(task_deadline_end) struct task_deadline at_once = task_deadline_after(t, 0);
        CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;
        struct queue_event event;
        struct cursor c;

        if (queue_events_next(t, b->queue, &batch, 1 << 20, &last) < 0)
            return;
        for (c = cursor_of(buffer_slice(&batch)); c.rest.size;) {
            unsigned number;
            uint64_t told;

            assert_int_equal(queue_event_read(&c, &event), 0);
            number = number_of(&event.id);
            told = (uint64_t)event.type << 16 | number;
            assert_true(event.sequence > last_seen && number >= 1 && number <= PROMISE_MESSAGES);
            last_seen = event.sequence;
            if (l->told[event.sequence] && l->told[event.sequence] != told)
                fail_msg("event %u was told as %x and is %x now", (unsigned)event.sequence,
                         (unsigned)l->told[event.sequence], (unsigned)told);
            l->told[event.sequence] = told;
        }
        queue_events_acknowledge(b->queue, last);
    }
}

static void count_events(const struct promise_ledger *l, unsigned number, unsigned *ret_accepted,
                         unsigned *ret_final, unsigned *ret_all)
{
    *ret_accepted = *ret_final = *ret_all = 0;
    for (size_t i = 0; i < ARRAY_LEN(l->told); i++) {
        enum queue_event_type type = (enum queue_event_type)(l->told[i] >> 16);

        if (!l->told[i] || (l->told[i] & 0xffff) != number)
            continue;
        *ret_all += 1;
        *ret_accepted += type == QUEUE_EVENT_ACCEPTED;
        *ret_final += queue_event_is_final(type);
    }
}

/* Takes every job once, and counts recipients. */
static void take_all(struct task *t, struct bed *b, const char *destination, unsigned *open)
{
    struct queue_job *job;

    for (;;) {
        unsigned number;

        assert_int_equal(queue_take(t, b->queue, slice_text(destination), SLICE_NONE, &job), 0);
        if (!job)
            return;
        number = number_of(&job->id);
        assert_true(number >= 1 && number <= PROMISE_MESSAGES);
        assert_true(bed_is_intact(job, number, size_of(number)));
        open[number] += (unsigned)job->recipient_count;
        for (size_t i = 0; i < job->recipient_count; i++)
            queue_message_find(&b->queue->messages, &job->id)
                ->recipients[job->recipients[i].index]
                .due_us = FAR_US;
        queue_return(b->queue, job);
    }
}

static void count_open(struct task *t, struct bed *b, unsigned *open)
{
    /* Attempts need not be on disk before they begin: this is not what is looked at here. */
    LIST_FOREACH (link, &b->queue->order)
        LIST_ENTRY(link, struct queue_message, link)->survivor = false;
    bed_pass_s(1000);
    queue_schedule_advance(&b->queue->schedule, queue_now_us(b->queue));
    take_all(t, b, "example.net", open);
    take_all(t, b, "example.com", open);
}

static void compare(const struct promise_ledger *l, const unsigned *open)
{
    for (unsigned n = 1; n <= PROMISE_MESSAGES; n++) {
        unsigned accepted, final, all;

        count_events(l, n, &accepted, &final, &all);
        if (!l->accepted[n] && !open[n] && !all)
            continue;
        if (accepted != 1 || open[n] + final != recipients_of(n))
            fail_msg("message %u to %u: %s, told so %u times, %u open, %u ended", n,
                     recipients_of(n), l->accepted[n] ? "accepted" : "not acknowledged", accepted,
                     open[n], final);
    }
}

void promise_judge(struct task *t, struct disk *disk, const struct promise_ledger *ledger)
{
    static struct bed bed;
    static struct promise_ledger known;
    unsigned open[PROMISE_MESSAGES + 1] = {0};

    known = *ledger;
    promise_init(&bed, disk);
    assert_int_equal(bed_open(t, &bed), 0);
    LIST_FOREACH (link, &bed.queue->spool->segments) /* a power cut is no damage */
        assert_false(LIST_ENTRY(link, struct queue_segment, link)->damaged);
    read_events(t, &bed, &known);
    count_open(t, &bed, open);
    compare(&known, open);
    bed_crash(t, &bed);
}
