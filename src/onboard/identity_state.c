#include "onboard/identity_state.h"

enum {
    MINUTE_S = 60,
    HOUR_S = 3600,
    SUCCESS_CHECK_S = 4 * HOUR_S,
    BROKEN_CHECK_S = 15 * MINUTE_S,
    UNPROVEN_CHECK_S = 5 * MINUTE_S, /* of a verified identity: soon, its servers are in trouble */
};

static const char *const state_names[] = {
    [IDENTITY_NOT_STARTED] = "NOT_STARTED",
    [IDENTITY_PENDING] = "PENDING",
    [IDENTITY_SUCCESS] = "SUCCESS",
    [IDENTITY_FAILED] = "FAILED",
    [IDENTITY_TEMPORARY_FAILURE] = "TEMPORARY_FAILURE",
};

static const char *const record_names[] = {
    [RECORD_UNKNOWN] = "unknown",
    [RECORD_RIGHT] = "right",
    [RECORD_ABSENT] = "absent",
    [RECORD_WRONG] = "wrong",
};

static size_t count_records(const struct identity_look *look, enum record_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < IDENTITY_RECORDS; i++)
        count += look->records[i] == state;
    return count;
}

static size_t count_unproven(const struct identity_look *look)
{
    size_t count = 0;

    for (size_t i = 0; i < IDENTITY_RECORDS; i++)
        count += !look->proven[i];
    return count;
}

/* Records that this very look has shown to be absent or wrong: nothing is revoked for less. */
static size_t count_bad(const struct identity_look *look)
{
    size_t count = 0;

    for (size_t i = 0; i < IDENTITY_RECORDS; i++)
        count += look->proven[i] && look->records[i] != RECORD_RIGHT;
    return count;
}

/* Records that this very look has shown to be right. */
static size_t count_good(const struct identity_look *look)
{
    return IDENTITY_RECORDS - count_unproven(look) - count_bad(look);
}

static bool time_is_over(const struct identity_look *look, uint32_t after_s)
{
    return look->now_us - look->since_us >= (int64_t)after_s * 1000000;
}

static bool was_verified(enum identity_state state)
{
    return state == IDENTITY_SUCCESS || state == IDENTITY_TEMPORARY_FAILURE;
}

/* The new state, with the time kept when it is the old one. */
static struct identity_verdict become(const struct identity_look *look, enum identity_state state,
                                      enum identity_reason reason)
{
    return (struct identity_verdict){
        .state = state,
        .since_us = state == look->state ? look->since_us : look->now_us,
        .reason = reason,
    };
}

/* Not yet verified, or not any more. Patience counts from the first look; asking again after FAILED
 * starts it anew. Records that are all right lead out of FAILED by themselves. */
static struct identity_verdict judge_waiting(const struct identity_look *look,
                                             const struct identity_times *times)
{
    enum identity_reason reason =
        count_unproven(look) ? IDENTITY_REASON_UNPROVEN : IDENTITY_REASON_WAITING;

    if (look->must_ask && !look->asked_for)
        return become(look, IDENTITY_FAILED, IDENTITY_REASON_OWNER);
    if (count_records(look, RECORD_RIGHT) == IDENTITY_RECORDS && !look->taken)
        return become(look, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED);
    if (count_records(look, RECORD_RIGHT) == IDENTITY_RECORDS)
        reason = IDENTITY_REASON_TAKEN;
    if (look->state == IDENTITY_FAILED && !look->asked_for)
        return become(look, IDENTITY_FAILED, reason);
    if (look->state == IDENTITY_PENDING && time_is_over(look, times->patience_s) &&
        !look->asked_for)
        return become(look, IDENTITY_FAILED, IDENTITY_REASON_PATIENCE);
    return become(look, IDENTITY_PENDING, reason);
}

/* A first look that lies in the future is one of before the clock was set. */
static int64_t gone_since_us(const struct identity_look *look)
{
    if (look->authority == IDENTITY_AUTHORITY_THERE || count_good(look) > 0)
        return 0;
    if (look->authority == IDENTITY_AUTHORITY_GONE && count_bad(look) == IDENTITY_RECORDS &&
        (look->gone_since_us == 0 || look->gone_since_us > look->now_us))
        return look->now_us;
    return look->gone_since_us;
}

/* Proven to be gone by this look and by one long enough before. */
static bool is_revoked(const struct identity_look *look, const struct identity_times *times)
{
    return look->authority == IDENTITY_AUTHORITY_GONE && count_bad(look) == IDENTITY_RECORDS &&
           look->gone_since_us &&
           look->now_us - look->gone_since_us >= (int64_t)times->revoke_s * 1000000;
}

static struct identity_verdict judge_verified(const struct identity_look *look,
                                              const struct identity_times *times)
{
    int64_t broken_since_us =
        look->state == IDENTITY_TEMPORARY_FAILURE ? look->since_us : look->now_us;
    int64_t grace_ends_us = broken_since_us + (int64_t)times->grace_s * 1000000;

    if (count_records(look, RECORD_RIGHT) == IDENTITY_RECORDS)
        return become(look, IDENTITY_SUCCESS, IDENTITY_REASON_VERIFIED);
    if (is_revoked(look, times))
        return become(look, IDENTITY_FAILED,
                      look->other_owner ? IDENTITY_REASON_OWNER : IDENTITY_REASON_GONE);
    if (count_bad(look) > 0 && look->now_us >= grace_ends_us)
        return become(look, IDENTITY_FAILED, IDENTITY_REASON_GRACE);
    return become(look, IDENTITY_TEMPORARY_FAILURE,
                  gone_since_us(look) ? IDENTITY_REASON_VANISHED : IDENTITY_REASON_BROKEN);
}

int64_t identity_waiting_interval_s(int64_t age_s)
{
    int64_t interval = age_s / 10;

    if (interval < MINUTE_S)
        return MINUTE_S;
    return interval > HOUR_S ? HOUR_S : interval;
}

/* The second look of a revocation comes as soon as it counts. */
static int64_t vanished_interval_s(const struct identity_verdict *verdict, int64_t now_us,
                                   const struct identity_times *times)
{
    int64_t due_us = verdict->gone_since_us + (int64_t)times->revoke_s * 1000000;

    return due_us > now_us ? (due_us - now_us + 999999) / 1000000 : MINUTE_S;
}

static int64_t interval_s(const struct identity_look *look, const struct identity_verdict *verdict,
                          const struct identity_times *times)
{
    switch (verdict->state) {
    case IDENTITY_SUCCESS:
        return count_unproven(look) ? UNPROVEN_CHECK_S : SUCCESS_CHECK_S;
    case IDENTITY_TEMPORARY_FAILURE:
        return verdict->reason == IDENTITY_REASON_VANISHED
                   ? vanished_interval_s(verdict, look->now_us, times)
                   : BROKEN_CHECK_S;
    default:
        return identity_waiting_interval_s((look->now_us - verdict->since_us) / 1000000);
    }
}

struct identity_verdict identity_judge(const struct identity_look *look,
                                       const struct identity_times *times)
{
    struct identity_verdict verdict =
        was_verified(look->state) ? judge_verified(look, times) : judge_waiting(look, times);

    verdict.must_ask = verdict.reason == IDENTITY_REASON_OWNER;
    if (verdict.state == IDENTITY_TEMPORARY_FAILURE)
        verdict.gone_since_us = gone_since_us(look);
    verdict.next_check_us = look->now_us + interval_s(look, &verdict, times) * 1000000;
    return verdict;
}

bool identity_sends(enum identity_state state)
{
    return was_verified(state);
}

const char *identity_state_name(enum identity_state state)
{
    return state_names[state];
}

const char *record_state_name(enum record_state state)
{
    return record_names[state];
}

static int find_name(const char *const *names, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(slice_text(names[i]), name))
            return (int)i;
    return -EINVAL;
}

int identity_state_parse(struct slice name, enum identity_state *ret)
{
    int i = find_name(state_names, ARRAY_LEN(state_names), name);

    if (i < 0)
        return i;
    *ret = (enum identity_state)i;
    return 0;
}

int record_state_parse(struct slice name, enum record_state *ret)
{
    int i = find_name(record_names, ARRAY_LEN(record_names), name);

    if (i < 0)
        return i;
    *ret = (enum record_state)i;
    return 0;
}
