#include "feedback/intake.h"

#include "base/limits.h"
#include "base/log.h"
#include "feedback/intake_event.h"
#include "feedback/intake_store.h"
#include "wire/ipc.h"

#include <stdlib.h>

enum { TRIES_MAX = 2, BATCH_MAX = 100 };

static const uint64_t RETRY_US = 10 * SECOND_US;
static const uint64_t FORGET_US = 6 * 3600 * SECOND_US;
/* A report may overtake the events of its message, while a gateway's are not taken. */
static const int64_t OVERTAKES_US = 3600 * (int64_t)1000000;

/* A report while it comes in. */
struct assembly {
    struct report_name name;
    struct buffer address, content;
    uint32_t size;
    uint8_t tries;
    bool open;
};

struct intake {
    struct intake_options options;
    struct assembly assemblies[PEER_GROUP_MAX];
    struct intake_counters counters;
    bool fresh; /* something was stored since it was last looked for */
    struct condition more;
};

struct intake *intake_new(const struct intake_options *options)
{
    struct intake *in = base_allocate(sizeof *in);

    feedback_report_init();
    in->options = *options;
    return in;
}

static void assembly_done(struct assembly *a)
{
    buffer_done(&a->address);
    buffer_done(&a->content);
    *a = (struct assembly){.open = false};
}

void intake_free(struct intake *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < ARRAY_LEN(in->assemblies); i++)
        assembly_done(&in->assemblies[i]);
    feedback_rules_free(in->options.rules);
    free(in);
}

const struct intake_counters *intake_counters(const struct intake *in)
{
    return &in->counters;
}

/* --- one report --- */

struct reading {
    struct intake *in;
    struct assembly report;
    struct arena arena;
    struct feedback_report read;
    struct return_path path;
    struct timeline timeline;
    struct queue_event event;
    int64_t now_us;
};

static void reading_done(struct reading *r)
{
    assembly_done(&r->report);
    arena_done(&r->arena);
}

/* On the helper thread. */
static int parse(void *argument)
{
    struct reading *r = argument;

    feedback_report_read(&r->arena, buffer_slice(&r->report.content), r->in->options.rules,
                         &r->read);
    return 0;
}

static int read_report(struct task *t, struct reading *r)
{
    if (r->report.tries < TRIES_MAX)
        return task_offload(t, TASK_LANE_READ, parse, r);
    log_error("a report has ended the steward %u times, and is not read again", r->report.tries);
    r->in->counters.unread++;
    return 0;
}

bool intake_find_path(struct slice message, struct slice bounce_domain,
                      const struct return_path_keys *keys, int64_t now_us, struct return_path *ret)
{
    size_t from = RETURN_PATH_CHARACTERS;
    ssize_t at;

    while ((at = slice_find(slice_part(message, from, message.size), '@')) >= 0) {
        size_t place = from + (size_t)at;
        struct slice local =
            slice_part(message, place - RETURN_PATH_CHARACTERS, RETURN_PATH_CHARACTERS);
        struct slice domain = slice_part(message, place + 1, bounce_domain.size);

        if (slice_equal_nocase(domain, bounce_domain) &&
            return_path_read(local, keys, now_us, ret) == 0)
            return true;
        from = place + 1;
    }
    return false;
}

/* The gateway has checked the one that it was sent to. */
static bool find_path(struct reading *r)
{
    const struct intake_options *o = &r->in->options;
    struct slice rest = buffer_slice(&r->report.address), local;

    (void)slice_cut(&rest, '@', &local);
    if (slice_equal_nocase(rest, o->bounce_domain) && return_path_parse(local, &r->path) == 0)
        return true;
    return intake_find_path(buffer_slice(&r->report.content), o->bounce_domain, o->keys, r->now_us,
                            &r->path) ||
           intake_find_path(r->read.fields, o->bounce_domain, o->keys, r->now_us, &r->path);
}

static int drop(struct reading *r, uint64_t *counter, const char *why)
{
    char id[MESSAGE_ID_LENGTH + 1];

    ++*counter;
    message_id_format(&r->path.id, id);
    log_info("a report was dropped: %s (message %s, recipient %u)", why, id, r->path.recipient);
    return 0;
}

/* 0: it is known; 1: the report was dropped. */
static int find_message(struct task *t, struct reading *r)
{
    struct intake *in = r->in;
    int result;

    if (!find_path(r))
        return drop(r, &in->counters.unknown, "it has no return path of ours"), 1;
    result = history_message(t, in->options.history, &r->arena, &r->path.id, &r->timeline);
    if (result == -ENOENT && (int64_t)r->path.id.ms * 1000 + OVERTAKES_US > r->now_us)
        return -EAGAIN;
    if (result == -ENOENT)
        return drop(r, &in->counters.unknown, "its message is not in the history"), 1;
    if (result == 0 && r->path.recipient >= r->timeline.recipient_count)
        return drop(r, &in->counters.unknown, "its message has no such recipient"), 1;
    return result;
}

static size_t count_reports(const struct reading *r)
{
    size_t count = 0;

    for (size_t i = 0; i < r->timeline.event_count; i++) {
        const struct queue_event *event = r->timeline.events[i];

        count += queue_event_is_report(event->type) && event->recipient == r->path.recipient;
    }
    return count;
}

/* On the helper thread for commits. */
static int store(void *argument)
{
    struct reading *r = argument;

    return intake_store_add(r->in->options.store, &r->report.name, &r->event, r->now_us);
}

static int store_event(struct task *t, struct reading *r)
{
    int result;

    r->event = (struct queue_event){.time_us = r->now_us,
                                    .id = r->path.id,
                                    .site_id = r->timeline.site_id,
                                    .recipient = r->path.recipient};
    intake_event(&r->arena, &r->read, r->timeline.recipients[r->path.recipient].address, &r->event);
    result = task_offload(t, TASK_LANE_COMMIT, store, r);
    if (result < 0)
        log_error("a report could not be stored (%s; the database says: %s); it comes again",
                  strerror(-result), store_error(r->in->options.store));
    r->in->fresh = true;
    condition_broadcast(&r->in->more);
    return result < 0 ? result : 0;
}

static int take_report(struct task *t, struct reading *r)
{
    int result;

    r->in->counters.reports++;
    result = read_report(t, r);
    if (result == 0)
        result = find_message(t, r);
    if (result != 0)
        return result < 0 ? result : 0;
    if (count_reports(r) >= LIMIT_REPORTS_KEPT)
        return drop(r, &r->in->counters.surplus, "there are many about this recipient already");
    return store_event(t, r);
}

/* --- frames --- */

static int begin(struct assembly *a, struct slice body)
{
    struct report_begin begin;
    int r = report_begin_read(body, &begin);

    if (r < 0)
        return r;
    assembly_done(a);
    a->name = begin.name;
    buffer_add(&a->address, begin.address);
    a->size = begin.size;
    a->tries = begin.tries;
    a->open = true;
    return 0;
}

/* One that is there already was sent again. */
static int add(struct assembly *a, struct slice body)
{
    struct report_piece piece;
    int r = report_piece_read(body, &piece);

    if (r < 0)
        return r;
    if (!a->open || !report_name_equal(&a->name, &piece.name) || piece.offset > a->content.size ||
        piece.offset + piece.bytes.size > a->size)
        return -ESTALE;
    if (piece.offset + piece.bytes.size <= a->content.size)
        return 0;
    a->content.size = piece.offset;
    buffer_add(&a->content, piece.bytes);
    return 0;
}

/* From here on the next report may come. */
static int finish(struct task *t, struct intake *in, struct assembly *a, struct slice body)
{
    CLEANUP(base_free_pointer) struct reading *r = NULL;
    struct report_name name;
    int result = report_end_read(body, &name);

    if (result < 0)
        return result;
    if (!a->open || !report_name_equal(&a->name, &name) || a->content.size != a->size)
        return -ESTALE;
    r = base_allocate(sizeof *r); /* too large for a fiber's stack */
    r->in = in;
    r->report = *a;
    r->now_us = task_wall_us(t);
    *a = (struct assembly){.open = false};
    result = take_report(t, r);
    reading_done(r);
    return result;
}

int intake_request(struct task *t, struct intake *in, size_t gateway, uint8_t type,
                   struct slice body)
{
    struct assembly *a = &in->assemblies[gateway];

    switch (type) {
    case IPC_REPORT_BEGIN:
        return begin(a, body);
    case IPC_REPORT_CONTENT:
        return add(a, body);
    default:
        return finish(t, in, a, body);
    }
}

/* --- into history --- */

struct round {
    struct intake *in;
    struct buffer batch;
    size_t count;
    uint64_t cursor;
    int64_t now_us;
};

static int gather(void *argument)
{
    struct round *r = argument;

    return intake_store_batch(r->in->options.store, BATCH_MAX, &r->batch, &r->count);
}

static int acknowledge(void *argument)
{
    struct round *r = argument;

    return intake_store_acknowledge(r->in->options.store, r->cursor);
}

static int forget(void *argument)
{
    struct round *r = argument;

    return intake_store_forget(r->in->options.store, r->now_us);
}

/* 0 with *ret_some: whether there was anything. */
static int carry(struct task *t, struct intake *in, bool *ret_some)
{
    struct round round = {.in = in};
    int r;

    in->fresh = false;
    r = task_offload(t, TASK_LANE_COMMIT, gather, &round);

    if (r == 0 && round.count) {
        r = in->options.apply(t, in->options.context, buffer_slice(&round.batch), &round.cursor);
        if (r == 0)
            r = task_offload(t, TASK_LANE_COMMIT, acknowledge, &round);
    }
    *ret_some = round.count > 0;
    buffer_done(&round.batch);
    return r;
}

static int forget_old(struct task *t, struct intake *in)
{
    struct round round = {.in = in, .now_us = task_wall_us(t)};

    return task_offload(t, TASK_LANE_COMMIT, forget, &round);
}

/* Everything that waits, and then what comes, for a while. */
static int carry_on(struct task *t, struct intake *in)
{
    uint64_t until_us = task_now_us(t) + FORGET_US;
    int r = 0;

    while (r == 0 && task_now_us(t) < until_us) {
        bool some;

        r = carry(t, in, &some);
        if (r == 0 && !some && !in->fresh)
            r = condition_wait_for(t, &in->more, FORGET_US);
    }
    return r;
}

int intake_run(struct task *t, struct intake *in)
{
    int r = 0;

    while (r == 0) {
        r = forget_old(t, in);
        if (r == 0)
            r = carry_on(t, in);
        if (r < 0 && task_check(t) == 0) {
            log_error("events of reports could not be stored (%s); it is tried again",
                      strerror(-r));
            r = task_sleep(t, RETRY_US);
        }
    }
    return r;
}
