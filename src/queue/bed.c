#include "queue/bed.h"

#include "runtime/world_linux.h"

#include <stdio.h>
#include <stdlib.h>

/* --- a clock that can be moved --- */

static struct world_ops moved_ops;
static const struct world_ops *linux_ops;
static _Atomic uint64_t passed_us;
static _Atomic int64_t jumped_us;

static uint64_t moved_monotonic(struct world *w)
{
    return linux_ops->monotonic_us(w) + passed_us;
}

static int64_t moved_wall(struct world *w)
{
    return linux_ops->wall_us(w) + (int64_t)passed_us + jumped_us;
}

static void moved_wait(struct world *w, uint64_t until_us, struct world_news *ret_news)
{
    if (until_us != WORLD_NEVER)
        until_us = until_us > passed_us ? until_us - passed_us : 0;
    linux_ops->wait(w, until_us, ret_news);
}

void bed_pass_s(uint64_t seconds)
{
    passed_us += seconds * SECOND_US;
}

void bed_jump_s(int64_t seconds)
{
    jumped_us += seconds * (int64_t)SECOND_US;
}

void bed_run(task_function *main_function, void *argument)
{
    const struct world_linux_options options = {0};
    struct world *w;
    char *problem = NULL;

    assert_int_equal(world_linux_new(&options, &w, &problem), 0);
    linux_ops = w->ops;
    moved_ops = *w->ops;
    moved_ops.monotonic_us = moved_monotonic;
    moved_ops.wall_us = moved_wall;
    moved_ops.wait = moved_wait;
    w->ops = &moved_ops;
    assert_int_equal(loop_run(w, main_function, argument), 0);
    world_free(w);
}

/* --- the queue --- */

static void by_domain(void *context, uint64_t site_id, struct slice domain, struct buffer *ret_key)
{
    (void)context;
    (void)site_id;
    buffer_add(ret_key, domain);
}

static void note_due(void *context, struct slice pool, size_t ready)
{
    struct bed *bed = context;

    (void)pool;
    bed->due_calls++;
    bed->ready = ready;
}

static void say_holding(void *context, struct slice pool, uint64_t site_id, struct buffer *ret)
{
    struct bed *bed = context;

    bed->asked++;
    if (bed->held)
        buffer_printf(ret, "%s (%.*s, site %llu)", bed->held, SLICE_ARG(pool),
                      (unsigned long long)site_id);
}

static bool is_suppressed(void *context, uint64_t site_id, struct slice address)
{
    const struct bed *bed = context;

    (void)site_id;
    return bed->suppressed && slice_equal(address, slice_text(bed->suppressed));
}

void bed_init(struct bed *bed, struct disk *disk)
{
    static const uint32_t delays_s[] = {60, 120, 240};

    memset(bed, 0, sizeof(*bed));
    bed->disk = disk;
    bed->options = (struct queue_options){
        .disk = disk,
        .lifetime_s = 86400,
        .retry_delays_s = delays_s,
        .retry_delay_count = ARRAY_LEN(delays_s),
        .memory_max_bytes = 64 << 20,
        .segment_bytes = 256 << 10,
        .destination = by_domain,
        .due = note_due,
        .holding = say_holding,
        .suppressed = is_suppressed,
        .context = bed,
    };
}

int bed_open(struct task *t, struct bed *bed)
{
    int r;

    scope_open(&bed->scope, t);
    r = queue_open(t, &bed->scope, &bed->options, &bed->queue);
    if (r < 0)
        scope_close(&bed->scope);
    return r;
}

void bed_close(struct task *t, struct bed *bed)
{
    queue_close(t, bed->queue);
    bed->queue = NULL;
    scope_close(&bed->scope);
}

/* The queue may say what it likes while it ends: the disk does not hear it. */
void bed_crash(struct task *t, struct bed *bed)
{
    fake_disk_freeze(bed->disk);
    bed_close(t, bed);
}

/* --- messages --- */

struct message_id bed_id(unsigned number)
{
    uint8_t random[16] = {0};

    memcpy(random, &number, sizeof(number));
    return message_id_make(1000000 + number, random);
}

static void fill(struct buffer *b, unsigned number, size_t size)
{
    buffer_printf(b, "Subject: %u\r\n\r\n", number);
    while (b->size < size)
        buffer_add_byte(b, (char)('a' + (b->size * 7 + number) % 26));
}

int bed_submit(struct task *t, struct bed *bed, unsigned number, uint64_t site_id, size_t size,
               const char *const *recipients)
{
    static struct queue_recipient all[1000];
    struct queue_submission submission = {
        .id = bed_id(number),
        .site_id = site_id,
        .credential_id = 7,
        .from_domain = SLICE("example.org"),
        .header_from = SLICE("info@example.org"),
        .envelope_from = SLICE("bounces@example.org"),
        .subject = SLICE("A notice"),
        .recipients = all,
    };

    fill(&submission.content, number, size);
    for (size_t i = 0; recipients[i]; i++) {
        struct slice address = slice_text(recipients[i]);

        all[submission.recipient_count++] = (struct queue_recipient){
            .address = address,
            .domain = slice_part(address, (size_t)slice_find_last(address, '@') + 1, address.size),
        };
    }
    return queue_accept(t, bed->queue, &submission);
}

int bed_submit_one(struct task *t, struct bed *bed, unsigned number, uint64_t site_id,
                   const char *recipient)
{
    const char *const recipients[] = {recipient, NULL};

    return bed_submit(t, bed, number, site_id, 300, recipients);
}

bool bed_is_intact(const struct queue_job *job, unsigned number, size_t size)
{
    CLEANUP(buffer_done) struct buffer expected = BUFFER_NONE;
    struct message_id id = bed_id(number);

    fill(&expected, number, size);
    return message_id_compare(&job->id, &id) == 0 &&
           slice_equal(job->content, buffer_slice(&expected)) &&
           slice_equal(job->from_domain, SLICE("example.org")) &&
           slice_equal(job->envelope_from, SLICE("bounces@example.org"));
}

struct queue_job *bed_take(struct task *t, struct bed *bed, const char *destination)
{
    struct queue_job *job = NULL;

    assert_int_equal(queue_take(t, bed->queue, slice_text(destination), SLICE_NONE, &job), 0);
    assert_non_null(job);
    return job;
}

bool bed_nothing(struct task *t, struct bed *bed, const char *destination)
{
    struct queue_job *job = NULL;

    assert_int_equal(queue_take(t, bed->queue, slice_text(destination), SLICE_NONE, &job), 0);
    if (job)
        queue_return(bed->queue, job);
    return !job;
}

void bed_settle(struct bed *bed, struct queue_job *job, enum queue_result result)
{
    struct queue_outcome outcomes[QUEUE_JOB_RECIPIENTS_MAX];

    for (size_t i = 0; i < job->recipient_count; i++)
        outcomes[i] = (struct queue_outcome){
            .result = result,
            .reply_code = result == QUEUE_DELIVERED  ? 250
                          : result == QUEUE_DEFERRED ? 450
                                                     : 550,
            .text = SLICE("as told"),
            .remote = SLICE("mx.example.net [192.0.2.1]:25"),
        };
    queue_settle(bed->queue, job, outcomes);
}

/* --- events --- */

static void keep_event(struct bed *bed, const struct queue_event *event)
{
    assert_true(bed->event_count < BED_EVENTS_MAX);
    assert_true(event->sequence > bed->last_sequence);
    bed->last_sequence = event->sequence;
    bed->events[bed->event_count++] = (struct bed_event){
        .sequence = event->sequence,
        .type = event->type,
        .id = event->id,
        .site_id = event->site_id,
        .recipient = event->recipient,
        .reason = event->reason,
        .attempts = event->attempts,
        .ambiguous = event->ambiguous,
    };
}

void bed_read_events(struct task *t, struct bed *bed, size_t count, bool acknowledge)
{
    while (bed->event_count < count) {
        CLEANUP(task_deadline_end)
        struct task_deadline limit = task_deadline_after(t, 5 * SECOND_US);
        CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;
        struct queue_event event;
        uint64_t last = 0;
        struct cursor c;

        assert_int_equal(queue_events_next(t, bed->queue, &batch, 1 << 20, &last), 0);
        for (c = cursor_of(buffer_slice(&batch)); c.rest.size;) {
            assert_int_equal(queue_event_read(&c, &event), 0);
            if (event.sequence > bed->last_sequence)
                keep_event(bed, &event);
        }
        assert_true(last == bed->last_sequence);
        if (acknowledge)
            queue_events_acknowledge(bed->queue, last);
        else if (bed->event_count < count)
            assert_int_equal(task_sleep(t, 20000), 0);
    }
}

size_t bed_count(const struct bed *bed, unsigned number, enum queue_event_type type)
{
    struct message_id id = bed_id(number);
    size_t count = 0;

    for (size_t i = 0; i < bed->event_count; i++)
        count += message_id_compare(&bed->events[i].id, &id) == 0 &&
                 (type == 0 || bed->events[i].type == type);
    return count;
}

/* --- whole tests --- */

static bed_test *tried;

static int try_body(struct task *t, void *bed)
{
    return tried(t, bed);
}

void bed_try(bed_test *body)
{
    static struct bed bed;

    bed_init(&bed, fake_disk_new());
    tried = body;
    bed_run(try_body, &bed);
    disk_free(bed.disk);
}
