#include "deliver/shaping.h"

const char *const shaping_meanings[] = {"slow_down", "try_later", "mailbox",
                                        "blocked",   "content",   NULL};
const char *const shaping_actions[] = {"none", "fewer", "back_off", "rest_destination", NULL};

/* The host itself, or below it. */
static bool is_under(struct slice host, struct slice name)
{
    if (!slice_ends_nocase(host, name))
        return false;
    return host.size == name.size || host.data[host.size - name.size - 1] == '.';
}

const struct shaping_provider *shaping_by_host(const struct shaping *s, struct slice host,
                                               struct slice *ret_rule)
{
    for (size_t i = 0; i < s->provider_count; i++)
        for (size_t j = 0; j < s->providers[i].host_count; j++)
            if (is_under(host, s->providers[i].hosts[j])) {
                *ret_rule = s->providers[i].hosts[j];
                return &s->providers[i];
            }
    return NULL;
}

const struct shaping_provider *shaping_by_domain(const struct shaping *s, struct slice domain)
{
    for (size_t i = 0; i < s->provider_count; i++)
        for (size_t j = 0; j < s->providers[i].domain_count; j++)
            if (slice_equal_nocase(domain, s->providers[i].domains[j]))
                return &s->providers[i];
    return NULL;
}

const struct shaping_provider *shaping_by_name(const struct shaping *s, struct slice name)
{
    for (size_t i = 0; i < s->provider_count; i++)
        if (slice_equal(s->providers[i].name, name))
            return &s->providers[i];
    return NULL;
}

const struct shaping_source *shaping_source_by_address(const struct shaping *s,
                                                       struct slice address)
{
    for (size_t i = 0; i < s->source_count; i++)
        if (slice_equal(s->sources[i].address, address))
            return &s->sources[i];
    return NULL;
}

const struct shaping_pool *shaping_pool_by_name(const struct shaping *s, struct slice name)
{
    for (size_t i = 0; i < s->pool_count; i++)
        if (slice_equal(s->pools[i].name, name))
            return &s->pools[i];
    return NULL;
}

const struct shaping_plan *shaping_plan_by_name(const struct shaping *s, struct slice name)
{
    for (size_t i = 0; i < s->plan_count; i++)
        if (slice_equal(s->plans[i].name, name))
            return &s->plans[i];
    return NULL;
}

static void fill(uint64_t *value, uint64_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

struct shaping_limits shaping_limits_of(const struct shaping_provider *p,
                                        const struct shaping_limits *otherwise)
{
    struct shaping_limits limits = p ? p->limits : *otherwise;

    fill(&limits.connections_max, otherwise->connections_max);
    fill(&limits.messages_per_connection_max, otherwise->messages_per_connection_max);
    fill(&limits.back_off_min_s, otherwise->back_off_min_s);
    fill(&limits.back_off_max_s, otherwise->back_off_max_s);
    if (limits.back_off_max_s < limits.back_off_min_s)
        limits.back_off_max_s = limits.back_off_min_s;
    return limits;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool starts_at(struct slice text, size_t at, struct slice part)
{
    if (text.size - at < part.size)
        return false;
    for (size_t i = 0; i < part.size; i++)
        if (lower(text.data[at + i]) != lower(part.data[i]))
            return false;
    return true;
}

/* Where `part` ends in the text at its first place from `at` on, or -1. */
static ssize_t find_part(struct slice text, size_t at, struct slice part)
{
    for (; at + part.size <= text.size; at++)
        if (starts_at(text, at, part))
            return (ssize_t)(at + part.size);
    return -1;
}

bool shaping_text_fits(struct slice pattern, struct slice text)
{
    struct slice part;
    ssize_t at = 0;
    bool more = true;

    while (more && at >= 0) {
        more = slice_cut(&pattern, '*', &part);
        at = find_part(text, (size_t)at, part);
    }
    return at >= 0;
}

/* "4xx" or "421": x is any digit. */
static bool code_fits(struct slice pattern, uint16_t code)
{
    const char digits[] = {(char)('0' + code / 100 % 10), (char)('0' + code / 10 % 10),
                           (char)('0' + code % 10)};

    for (size_t i = 0; i < pattern.size; i++)
        if (i >= sizeof digits || (pattern.data[i] != 'x' && pattern.data[i] != digits[i]))
            return false;
    return true;
}

/* "4.7.28" or "4.7.x". */
static bool status_fits(struct slice pattern, const uint8_t status[static 3])
{
    struct slice part;
    uint64_t number;

    if (pattern.size == 0)
        return true;
    for (size_t i = 0; i < 3; i++) {
        slice_cut(&pattern, '.', &part);
        if (slice_equal(part, SLICE("x")))
            continue;
        if (slice_to_u64(part, 255, &number) < 0 || number != status[i])
            return false;
    }
    return status[0] != 0;
}

static bool reply_fits(const struct shaping_reply *rule, struct slice provider, uint16_t code,
                       const uint8_t status[static 3], struct slice text)
{
    return (rule->provider.size == 0 || slice_equal(rule->provider, provider)) &&
           code_fits(rule->code, code) && status_fits(rule->status, status) &&
           shaping_text_fits(rule->text, text);
}

struct shaping_verdict shaping_judge(const struct shaping *s, struct slice provider, uint16_t code,
                                     const uint8_t status[static 3], struct slice text)
{
    for (size_t i = 0; i < s->reply_count; i++) {
        const struct shaping_reply *rule = &s->replies[i];

        if (reply_fits(rule, provider, code, status, text))
            return (struct shaping_verdict){(enum shaping_meaning)rule->means,
                                            (enum shaping_action)rule->action, rule->pause_s};
    }
    if (code == 421)
        return (struct shaping_verdict){SHAPING_SLOW_DOWN, SHAPING_FEWER, 0};
    return (struct shaping_verdict){SHAPING_TRY_LATER, SHAPING_NONE, 0};
}
