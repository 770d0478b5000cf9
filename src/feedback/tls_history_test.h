/* A history in a folder of its own whose events tell TLS sessions, and a clock that can be set, for
 * the tests of TLS reports. */
#ifndef LETTERHEAD_FEEDBACK_TLS_HISTORY_TEST_H
#define LETTERHEAD_FEEDBACK_TLS_HISTORY_TEST_H

#include "deliver/fetch_dns_test.h"
#include "feedback/days.h"
#include "feedback/tls_tally.h"
#include "runtime/world.h"

#include <stdio.h>
#include <unistd.h>

#define DAY_US (86400 * (int64_t)1000000)

static struct {
    char directory[64];
    struct history *history;
    int64_t now_us; /* wall clock */
    uint64_t sequence;
    struct world_ops ops;
    const struct world_ops *before;
} past;

static inline int64_t past_wall_us(struct world *w)
{
    (void)w;
    return past.now_us;
}

static inline void past_open(void)
{
    const struct history_options options = {past.directory, 90};
    char *problem = NULL;

    if (history_open(&options, &past.history, &problem) < 0)
        fail_msg("%s", problem);
}

static inline void past_begin(struct task *t, const char *day)
{
    struct world *w = task_world(t);
    struct tls_day found;

    assert_int_equal(tls_day_parse(slice_text(day), &found), 0);
    past.now_us = found.from_us + DAY_US / 2;
    past.sequence = 0;
    past.before = w->ops;
    past.ops = *w->ops;
    past.ops.wall_us = past_wall_us;
    w->ops = &past.ops;
    snprintf(past.directory, sizeof past.directory, "/tmp/letterhead-tls-XXXXXX");
    assert_non_null(mkdtemp(past.directory));
    past_open();
}

static inline void past_end(struct task *t)
{
    struct day *days;
    size_t count;

    history_close(past.history);
    task_world(t)->ops = past.before;
    assert_int_equal(days_list(past.directory, &days, &count), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(day_remove(past.directory, &days[i]), 0);
    free(days);
    assert_int_equal(rmdir(past.directory), 0);
}

/* One event, of `time_us` and told now, with sessions as written. */
static inline void past_tell(struct task *t, uint64_t sequence, int64_t time_us,
                             const struct buffer *sessions)
{
    CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;
    struct queue_event event = {.sequence = sequence,
                                .time_us = time_us,
                                .type = QUEUE_EVENT_DELIVERED,
                                .id = message_id_make(1795392000000, (const uint8_t[16]){1}),
                                .site_id = 1,
                                .tls_sessions = buffer_slice(sessions)};
    struct history_use uses[HISTORY_USES_MAX];
    uint64_t cursor;
    size_t count;

    queue_event_batch_begin(&batch, 77);
    queue_event_write(&batch, &event);
    assert_int_equal(history_apply(t, past.history, buffer_slice(&batch), &cursor, uses, &count),
                     0);
}

static inline void past_add(struct task *t, const struct wire_tls_session *session, int64_t time_us)
{
    CLEANUP(buffer_done) struct buffer sessions = BUFFER_NONE;

    wire_tls_session_write(&sessions, session);
    past_tell(t, ++past.sequence, time_us, &sessions);
}

/* A session with mx.<domain>, now. */
static inline void past_session(struct task *t, const char *domain, enum wire_tls_policy policy,
                                enum wire_tls_result result)
{
    char host[300];

    snprintf(host, sizeof host, "mx.%s", domain);
    past_add(t,
             &(struct wire_tls_session){.policy = policy,
                                        .result = result,
                                        .domain = slice_text(domain),
                                        .mx_host = slice_text(host),
                                        .sending_ip = SLICE("192.0.2.1"),
                                        .receiving_ip = SLICE("192.0.2.9"),
                                        .reason = SLICE("a reason")},
             past.now_us);
}

#endif
