#include "onboard/rotation.h"

static int64_t us(uint64_t seconds)
{
    return (int64_t)seconds * 1000000;
}

static bool is_in(const struct identity_key *key, const char *slot)
{
    return slice_equal(key->slot, slice_text(slot));
}

static const struct identity_key *find_slot(const struct identity *identity, const char *slot)
{
    for (size_t i = 0; i < identity->key_count; i++)
        if (is_in(&identity->keys[i], slot))
            return &identity->keys[i];
    return NULL;
}

static bool is_usable(const struct identity_key *key)
{
    return key->seen_us && !key->withdrawn_us && slice_equal(key->record_state, SLICE("right"));
}

bool rotation_is_fresh(const struct identity_key *key)
{
    return is_in(key, "retiring") && key->slot_since_us == key->created_us && !key->withdrawn_us;
}

static int64_t free_at_us(const struct identity_key *key, const struct rotation_times *times)
{
    if (rotation_is_fresh(key))
        return key->created_us;
    return key->withdrawn_us ? key->withdrawn_us + us(times->rest_s)
                             : key->slot_since_us + us(times->keep_s);
}

/* The retired key that is free first. */
static const struct identity_key *first_free(const struct identity *identity,
                                             const struct rotation_times *times)
{
    const struct identity_key *first = NULL;

    for (size_t i = 0; i < identity->key_count; i++) {
        const struct identity_key *key = &identity->keys[i];

        if (is_in(key, "retiring") && (!first || free_at_us(key, times) < free_at_us(first, times)))
            first = key;
    }
    return first;
}

const struct identity_key *rotation_free(const struct identity *identity,
                                         const struct rotation_times *times, int64_t now_us)
{
    const struct identity_key *key = first_free(identity, times);

    if (find_slot(identity, "next") || !key || free_at_us(key, times) > now_us)
        return NULL;
    return key;
}

struct rotation_verdict rotation_judge(const struct identity *identity,
                                       const struct rotation_times *times, int64_t now_us)
{
    const struct identity_key *next = find_slot(identity, "next"),
                              *resting = first_free(identity, times);
    struct rotation_verdict verdict = {.from = find_slot(identity, "active"), .to = next};

    if (!next) {
        verdict.answer = ROTATION_NO_NEXT;
        verdict.at_us = resting ? free_at_us(resting, times) : 0;
    } else if (!is_usable(next)) {
        verdict.answer = ROTATION_NOT_SEEN;
    } else if (next->seen_us + us(times->settle_s) > now_us) {
        verdict.answer = ROTATION_SETTLING;
        verdict.at_us = next->seen_us + us(times->settle_s);
    }
    return verdict;
}

static const struct identity_key *find_key(const struct identity *identity, struct slice selector)
{
    if (selector.size == 0)
        return find_slot(identity, "active");
    for (size_t i = 0; i < identity->key_count; i++)
        if (slice_equal(identity->keys[i].selector, selector))
            return &identity->keys[i];
    return NULL;
}

int rotation_judge_withdrawal(const struct identity *identity, struct slice selector,
                              struct rotation_verdict *ret)
{
    struct rotation_verdict verdict = {.from = find_key(identity, selector)};

    if (!verdict.from)
        return -ENOENT;
    if (verdict.from->withdrawn_us)
        verdict.answer = ROTATION_WITHDRAWN;
    for (size_t i = 0; i < identity->key_count && !verdict.to; i++)
        if (&identity->keys[i] != verdict.from && is_usable(&identity->keys[i]))
            verdict.to = &identity->keys[i];
    if (!is_in(verdict.from, "active"))
        verdict.to = NULL;
    *ret = verdict;
    return 0;
}
