#include "feedback/reputation.h"

#include "site/volume.h"

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

int reputation_note(struct store *s, const struct outcome *outcome)
{
    struct volume volume = {.hour = volume_hour(outcome->time_us)};

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
    return volume_note(s, outcome->site_id, &volume);
}
