#include "feedback/reputation.h"

#include "feedback/digest.h"

enum { MILLION = 1000000, SLOW_PART = 4 };

static const char *const names[] = {
    [REPUTATION_HEALTHY] = "healthy",
    [REPUTATION_WARNED] = "warned",
    [REPUTATION_SLOWED] = "slowed",
    [REPUTATION_PAUSED] = "paused",
};

const char *reputation_state_name(enum reputation_state state)
{
    return names[state];
}

int reputation_state_parse(struct slice name, enum reputation_state *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_equal(slice_text(names[i]), name)) {
            *ret = (enum reputation_state)i;
            return 0;
        }
    return -EINVAL;
}

/* --- counting --- */

static bool is_hard(const struct outcome *outcome)
{
    return outcome->verdict.hard &&
           feedback_class_fault(outcome->verdict.class) == FEEDBACK_FAULT_RECIPIENT;
}

/* What a report says afterwards was not delivered had been counted as delivered. */
static void count_failure(const struct outcome *outcome, struct volume *volume)
{
    if (outcome->type == QUEUE_EVENT_RETURNED)
        volume->delivered = -1;
    if (is_hard(outcome))
        volume->bounced = 1;
    else
        volume->failed = 1;
}

static int mark(struct store *s, const struct outcome *outcome)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPUTATION_MARK);

    query_bind_int(&q, (int64_t)outcome->site_id);
    query_bind_int(&q, outcome->time_us);
    return query_run(&q);
}

int reputation_note(struct store *s, const struct outcome *outcome)
{
    struct volume volume = {.hour = volume_hour(outcome->time_us)};
    int r;

    switch (outcome->type) {
    case QUEUE_EVENT_ACCEPTED:
        volume.accepted = outcome->count;
        break;
    case QUEUE_EVENT_DELIVERED:
        volume.delivered = outcome->count;
        break;
    case QUEUE_EVENT_COMPLAINED:
        volume.complained = 1;
        break;
    default:
        count_failure(outcome, &volume);
        break;
    }
    r = volume_note(s, outcome->site_id, &volume);
    if (r == 0 && (volume.bounced || volume.failed))
        r = digest_note_failure(
            s, outcome->site_id, outcome->time_us,
            slice_text(feedback_fault_name(feedback_class_fault(outcome->verdict.class))));
    return r == 0 && (volume.bounced || volume.complained) ? mark(s, outcome) : r;
}

/* --- judging --- */

static void gather(const struct reputation_limits *limits, const struct volume *volumes,
                   size_t count, struct reputation_finding *f)
{
    for (size_t i = 0; i < count; i++) {
        if (f->delivered + f->bounced >= (int64_t)limits->representative_volume)
            return;
        f->delivered += volumes[i].delivered;
        f->bounced += volumes[i].bounced;
        f->complained += volumes[i].complained;
        f->from_hour = volumes[i].hour;
        f->hours++;
    }
}

static uint64_t rate(int64_t part, int64_t whole)
{
    if (part <= 0)
        return 0;
    return whole > part ? (uint64_t)part * MILLION / (uint64_t)whole : MILLION;
}

static enum reputation_state level(uint64_t rate, uint64_t warn, uint64_t slow, uint64_t pause)
{
    if (rate >= pause)
        return REPUTATION_PAUSED;
    if (rate >= slow)
        return REPUTATION_SLOWED;
    return rate >= warn ? REPUTATION_WARNED : REPUTATION_HEALTHY;
}

static enum reputation_state judge_complaints(const struct reputation_limits *limits,
                                              const struct reputation_finding *f)
{
    enum reputation_state state = level(f->complaints, limits->complaint_warn,
                                        limits->complaint_slow, limits->complaint_pause);

    if (state > REPUTATION_WARNED && f->complained < REPUTATION_COMPLAINTS_MIN)
        return REPUTATION_WARNED;
    return state;
}

void reputation_judge(const struct reputation_limits *limits, const struct volume *volumes,
                      size_t count, struct reputation_finding *ret)
{
    struct reputation_finding f = {.state = REPUTATION_HEALTHY};
    enum reputation_state complaints;
    int64_t sent, hourly;

    gather(limits, volumes, count, &f);
    sent = f.delivered + f.bounced;
    f.judged = sent > 0 && sent >= (int64_t)limits->minimum_volume;
    f.bounces = rate(f.bounced, sent);
    f.complaints = rate(f.complained, f.delivered);
    if (f.judged) {
        f.state = level(f.bounces, limits->bounce_warn, limits->bounce_slow, limits->bounce_pause);
        complaints = judge_complaints(limits, &f);
        f.state = complaints > f.state ? complaints : f.state;
        hourly = sent / f.hours / SLOW_PART;
        f.messages_per_hour =
            hourly > REPUTATION_HOURLY_MIN ? (uint32_t)hourly : REPUTATION_HOURLY_MIN;
    }
    *ret = f;
}
