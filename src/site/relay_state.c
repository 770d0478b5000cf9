#include "site/relay_state.h"

static const int64_t SECOND = 1000000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

/* While mail waits for nothing but a test, it is tested often at first: somebody may be mending it
 * just now. Less often after a while, since servers lock out who fails again and again. */
enum { OFTEN_FAILURES = 10, NOW_AND_THEN_FAILURES = 25 };

static const char *const state_names[] = {
    [RELAY_UNTESTED] = "UNTESTED",
    [RELAY_READY] = "READY",
    [RELAY_DEGRADED] = "DEGRADED",
    [RELAY_REFUSED] = "REFUSED",
};

static const char *const finding_names[] = {
    [RELAY_FOUND_GOOD] = "good",       [RELAY_FOUND_WARNING] = "warning",
    [RELAY_FOUND_TROUBLE] = "trouble", [RELAY_FOUND_TEMPORARY] = "temporary",
    [RELAY_FOUND_OPEN] = "open",
};

static bool was_good(enum relay_state state)
{
    return state == RELAY_READY || state == RELAY_DEGRADED;
}

static enum relay_state next_state(const struct relay_look *look)
{
    switch (look->finding) {
    case RELAY_FOUND_GOOD:
        return RELAY_READY;
    case RELAY_FOUND_WARNING:
        return RELAY_DEGRADED;
    case RELAY_FOUND_TROUBLE:
        return was_good(look->state) ? RELAY_DEGRADED : RELAY_REFUSED;
    case RELAY_FOUND_TEMPORARY:
        return look->state == RELAY_READY && look->failures > 0 ? RELAY_DEGRADED : look->state;
    case RELAY_FOUND_OPEN:
        return RELAY_REFUSED;
    }
    return look->state;
}

/* One that gets mail shows by that whether it works again; tests only have to say why not. */
static int64_t pause_of(enum relay_state state, unsigned failures)
{
    if (failures == 0)
        return DAY;
    if (was_good(state))
        return failures < 4 ? (5 * MINUTE) << (failures - 1) : HOUR;
    if (failures <= OFTEN_FAILURES)
        return 40 * SECOND;
    return failures <= NOW_AND_THEN_FAILURES ? 5 * MINUTE : HOUR;
}

struct relay_verdict relay_judge(const struct relay_look *look)
{
    bool good = look->finding == RELAY_FOUND_GOOD || look->finding == RELAY_FOUND_WARNING;
    struct relay_verdict verdict = {
        .state = next_state(look),
        .since_us = look->since_us,
        .failures = good ? 0 : look->failures + 1,
    };

    if (verdict.state != look->state)
        verdict.since_us = look->now_us;
    verdict.next_probe_us = look->now_us + pause_of(verdict.state, verdict.failures);
    return verdict;
}

bool relay_state_sends(enum relay_state state)
{
    return was_good(state);
}

const char *relay_state_name(enum relay_state state)
{
    return state_names[state];
}

enum relay_state relay_state_parse(struct slice name)
{
    for (size_t i = RELAY_UNTESTED; i < ARRAY_LEN(state_names); i++)
        if (slice_equal(slice_text(state_names[i]), name))
            return (enum relay_state)i;
    return RELAY_UNTESTED;
}

const char *relay_finding_name(enum relay_finding finding)
{
    return finding_names[finding];
}

enum relay_finding relay_finding_parse(struct slice name)
{
    for (size_t i = RELAY_FOUND_GOOD; i < ARRAY_LEN(finding_names); i++)
        if (slice_equal(slice_text(finding_names[i]), name))
            return (enum relay_finding)i;
    return RELAY_FOUND_TEMPORARY;
}
