#include "deliver/sts_row.h"

enum {
    PAUSE_FIRST_S = 300, /* RFC 8461 §3.3: five minutes or longer */
    PAUSE_MAX_S = 8 * 3600,
    REFRESH_MAX_S = 86400,
    REFRESH_MIN_S = 60,
};

static const int64_t S_US = 1000000;

bool sts_row_holds(const struct sts_row *row, int64_t now_us)
{
    return row->mode.size && row->expires_us > now_us;
}

int64_t sts_row_pause_s(int64_t failures)
{
    int64_t pause_s = PAUSE_FIRST_S;

    for (int64_t i = 1; i < failures && pause_s < PAUSE_MAX_S; i++)
        pause_s *= 2;
    return pause_s < PAUSE_MAX_S ? pause_s : PAUSE_MAX_S;
}

int64_t sts_row_refresh_s(uint32_t max_age_s)
{
    int64_t refresh_s = max_age_s / 2;

    if (refresh_s > REFRESH_MAX_S)
        return REFRESH_MAX_S;
    return refresh_s < REFRESH_MIN_S ? REFRESH_MIN_S : refresh_s;
}

static void clear_trouble(struct sts_row *row)
{
    row->trouble = SLICE_NONE;
    row->kind = WIRE_TLS_SUCCESS;
    row->trouble_since_us = 0;
    row->failures = 0;
}

void sts_row_renew(struct sts_row *row, struct arena *arena, struct slice id,
                   const struct wire_mta_sts_policy *policy, int64_t now_us)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    wire_mta_sts_policy_format(&text, policy);
    clear_trouble(row);
    row->record_id = id;
    row->mode = slice_text(wire_mta_sts_mode_name(policy->mode));
    row->policy = arena_copy(arena, buffer_slice(&text));
    row->fetched_us = now_us;
    row->tried_us = now_us;
    row->expires_us = now_us + policy->max_age_s * S_US;
    row->next_us = now_us + sts_row_refresh_s(policy->max_age_s) * S_US;
}

void sts_row_fail(struct sts_row *row, enum wire_tls_result kind, struct slice why, int64_t now_us)
{
    if (row->failures == 0)
        row->trouble_since_us = now_us;
    row->failures++;
    row->kind = kind;
    row->trouble = slice_part(why, 0, WIRE_TLS_REASON_BYTES);
    row->tried_us = now_us;
    row->next_us = now_us + sts_row_pause_s(row->failures) * S_US;
}

void sts_row_vanish(struct sts_row *row, int64_t now_us)
{
    const struct slice why = SLICE("the TXT record is gone");

    if (!slice_equal(row->trouble, why)) {
        clear_trouble(row);
        row->trouble_since_us = now_us;
    }
    row->trouble = why;
    row->next_us = now_us + REFRESH_MAX_S * S_US;
}

/* A pause that is longer than any was made by a clock that was wrong. */
static bool pauses(const struct sts_row *row, int64_t now_us)
{
    return row->failures && row->next_us > now_us &&
           row->next_us <= now_us + 2 * PAUSE_MAX_S * S_US;
}

static uint32_t seconds_until(int64_t then_us, int64_t now_us, uint32_t most_s)
{
    int64_t s = (then_us - now_us) / S_US;

    if (s < 1)
        return 1;
    return s < most_s ? (uint32_t)s : most_s;
}

static void tell_nothing(struct sts_answer *ret)
{
    *ret = (struct sts_answer){.state = STS_NO_POLICY, .lifetime_s = STS_NOTHING_LIFETIME_S};
}

/* The failure, if it matters: when it is another policy that could not be had. */
static void tell_trouble(const struct sts_row *row, struct sts_answer *ret)
{
    ret->failure = row->kind;
    ret->why = row->kind == WIRE_TLS_SUCCESS ? SLICE_NONE : row->trouble;
}

/* What is kept; with mode none it says that there is nothing to keep to. */
static void tell_kept(const struct sts_row *row, int64_t now_us, struct sts_answer *ret)
{
    struct wire_mta_sts_policy policy;
    struct wire_error error;

    if (wire_mta_sts_policy_parse(row->policy, &policy, &error) < 0 ||
        policy.mode == WIRE_MTA_STS_NONE) {
        tell_nothing(ret);
        return;
    }
    policy.max_age_s = seconds_until(row->expires_us, now_us, WIRE_MTA_STS_MAX_AGE_S);
    *ret = (struct sts_answer){
        .state = STS_POLICY,
        .lifetime_s = seconds_until(row->expires_us, now_us, STS_ANSWER_LIFETIME_S),
        .id = row->record_id,
        .policy = policy,
    };
}

static void tell_failure(const struct sts_row *row, int64_t now_us, struct sts_answer *ret)
{
    if (sts_row_holds(row, now_us))
        tell_kept(row, now_us, ret);
    else
        *ret = (struct sts_answer){.state = STS_FAILED};
    if (ret->state != STS_NO_POLICY)
        tell_trouble(row, ret);
    ret->lifetime_s = seconds_until(row->next_us, now_us, STS_ANSWER_LIFETIME_S);
}

bool sts_row_answer(const struct sts_row *row, const struct sts_question *question, int64_t now_us,
                    struct sts_answer *ret)
{
    bool holds = row && sts_row_holds(row, now_us);

    if (question->id.size == 0 && !holds)
        tell_nothing(ret);
    else if (question->id.size == 0 || (holds && slice_equal(row->record_id, question->id)))
        tell_kept(row, now_us, ret);
    else if (row && pauses(row, now_us))
        tell_failure(row, now_us, ret);
    else if (holds && row->tried_us <= now_us && row->tried_us > now_us - STS_CHANGE_S * S_US) {
        tell_kept(row, now_us, ret);
        ret->lifetime_s = STS_CHANGE_S;
    } else
        return false;
    return true;
}
