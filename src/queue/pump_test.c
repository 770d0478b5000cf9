#include "queue/pump.h"

#include "base/log.h"
#include "queue/bed.h"
#include "wire/ipc.h"

#include <sys/socket.h>

/* A steward that keeps what it is sent, exactly once by its cursor. */
struct steward {
    struct bed *bed;
    uint64_t cursor, spool_id;
    unsigned batches, failures; /* the next `failures` batches are refused */
    bool stored_but_silent;     /* the next one is stored, and its answer is lost */
    struct condition more;
};

static int store(struct steward *s, struct slice body)
{
    struct cursor c = cursor_of(body);
    struct queue_event event;

    assert_int_equal(queue_event_batch_read(&c, &s->spool_id), 0);
    while (c.rest.size) {
        assert_int_equal(queue_event_read(&c, &event), 0);
        if (event.sequence <= s->cursor)
            continue;
        s->cursor = event.sequence;
        s->bed->events[s->bed->event_count++] =
            (struct bed_event){.sequence = event.sequence, .type = event.type, .id = event.id};
    }
    condition_broadcast(&s->more);
    return 0;
}

static int request(struct task *t, void *context, uint8_t type, struct slice body,
                   struct buffer *reply)
{
    struct steward *s = context;

    (void)t;
    assert_int_equal(type, IPC_EVENTS);
    s->batches++;
    if (s->failures) {
        s->failures--;
        return -EIO;
    }
    store(s, body);
    if (s->stored_but_silent) {
        s->stored_but_silent = false;
        return -ETIMEDOUT;
    }
    buffer_add_u64(reply, s->cursor);
    return 0;
}

struct line {
    struct scope scope;
    struct steward steward;
    struct peer *gateway_side, *steward_side;
    struct queue *queue;
};

static int run_pump(struct task *t, void *argument)
{
    struct line *l = argument;

    return queue_pump_run(t, l->queue, l->gateway_side);
}

static void begin(struct task *t, struct bed *b, struct line *l)
{
    const struct peer_handlers none = {0}, handlers = {.request = request, .context = &l->steward};
    int pair[2];

    *l = (struct line){.steward = {.bed = b}};
    assert_int_equal(bed_open(t, b), 0);
    l->queue = b->queue;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
                     0);
    scope_open(&l->scope, t);
    l->gateway_side = peer_new(&l->scope, "steward", pair[0], &none);
    l->steward_side = peer_new(&l->scope, "gateway", pair[1], &handlers);
    assert_int_equal(scope_spawn(&l->scope, "pump", run_pump, l), 0);
}

static void end(struct task *t, struct bed *b, struct line *l)
{
    scope_close(&l->scope);
    peer_free(l->gateway_side);
    peer_free(l->steward_side);
    bed_close(t, b);
}

static void wait_for(struct task *t, struct line *l, size_t events)
{
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 20 * SECOND_US);

    while (l->steward.bed->event_count < events)
        assert_int_equal(condition_wait(t, &l->steward.more), 0);
}

static int events_reach_the_steward_in_batches(struct task *t, struct bed *b)
{
    static struct line l;

    begin(t, b, &l);
    for (unsigned n = 1; n <= 300; n++)
        assert_int_equal(bed_submit_one(t, b, n, 5, "a@example.net"), 0);
    for (unsigned n = 1; n <= 300; n++)
        bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    wait_for(t, &l, 600);
    assert_true(l.steward.spool_id == queue_spool_id(b->queue));
    assert_true(l.steward.batches < 60);
    for (unsigned n = 1; n <= 300; n++)
        assert_int_equal(bed_count(b, n, 0), 2);
    assert_int_equal(task_sleep(t, 20000), 0);
    assert_int_equal(queue_events_waiting(b->queue), 0);
    end(t, b, &l);
    return 0;
}

/* A batch is refused, or its answer is lost: it comes again, and is stored once. */
static int what_fails_is_sent_again(struct task *t, struct bed *b)
{
    static struct line l;

    begin(t, b, &l);
    l.steward.failures = 1;
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    wait_for(t, &l, 1);
    l.steward.stored_but_silent = true;
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.net"), 0);
    wait_for(t, &l, 2);
    bed_pass_s(2);
    assert_int_equal(bed_submit_one(t, b, 3, 5, "a@example.net"), 0);
    wait_for(t, &l, 3);
    assert_int_equal(b->event_count, 3);
    end(t, b, &l);
    return 0;
}

BED_TEST(events_reach_the_steward_in_batches)
BED_TEST(what_fails_is_sent_again)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_reach_the_steward_in_batches),
        cmocka_unit_test(test_what_fails_is_sent_again),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
