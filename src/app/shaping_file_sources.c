#include "app/shaping_file_sources.h"

#include "base/limits.h"
#include "runtime/endpoint.h"
#include "site/domain.h"
#include "wire/dns_text.h"

#include <time.h>

static const uint64_t DAY_S = 86400;

static int read_address(struct slice text, void *target)
{
    char usual[ENDPOINT_TEXT_BYTES];
    struct endpoint address;

    if (endpoint_parse_address(text, &address) < 0 ||
        !slice_equal(text, slice_text(endpoint_format_address(&address, usual))))
        return -EINVAL;
    *(struct slice *)target = text;
    return 0;
}

static int read_hostname(struct slice text, void *target)
{
    if (!wire_dns_host_valid(text) || slice_find(text, '.') < 0)
        return -EINVAL;
    *(struct slice *)target = text;
    return 0;
}

int shaping_file_read_name(struct slice text, void *target)
{
    if (text.size == 0 || text.size > LIMIT_LABEL_BYTES)
        return -EINVAL;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !(c == '-' && i > 0))
            return -EINVAL;
    }
    *(struct slice *)target = text;
    return 0;
}

/* "2026-11-01" as days since 1970. */
static int read_date(struct slice text, void *target)
{
    char date[16], again[16];
    struct tm parts = {0};
    time_t seconds;
    char *end;

    if (text.size != 10)
        return -EINVAL;
    memcpy(date, text.data, text.size);
    date[text.size] = 0;
    end = strptime(date, "%Y-%m-%d", &parts);
    if (!end || *end)
        return -EINVAL;
    seconds = timegm(&parts); /* makes March 2nd of February 30th */
    strftime(again, sizeof again, "%Y-%m-%d", &parts);
    if (strcmp(date, again) != 0 || seconds < (time_t)DAY_S)
        return -EINVAL;
    *(uint64_t *)target = (uint64_t)seconds / DAY_S;
    return 0;
}

static int read_site(struct slice text, void *target)
{
    if (!site_name_valid(text))
        return -EINVAL;
    *(struct slice *)target = text;
    return 0;
}

#define SOURCE(member) offsetof(struct file_source, member)
#define POOL(member) offsetof(struct file_pool, member)
#define PLAN(member) offsetof(struct file_plan, member)
#define ADDRESS                                                                                    \
    .type = SCHEMA_CUSTOM, .custom = read_address,                                                 \
    .expected = "an IP address as it is usually written, such as 192.0.2.10 or 2001:db8::10"
#define NAME                                                                                       \
    .type = SCHEMA_CUSTOM, .custom = shaping_file_read_name,                                       \
    .expected = "a name of small letters, digits and hyphens"

static const struct schema_field address_item = {.name = "address", ADDRESS};
static const struct schema_field site_item = {
    .name = "site", .type = SCHEMA_CUSTOM, .custom = read_site, .expected = "the name of a site"};
static const struct schema_field amount_item = {
    .name = "messages", .type = SCHEMA_NUMBER, .min = 1, .max = UINT32_MAX};

static const struct schema_field warm_up_fields[] = {
    {.name = "started",
     .type = SCHEMA_CUSTOM,
     .offset = SOURCE(source.started_day),
     .fallback = "",
     .custom = read_date,
     .expected = "a day, such as 2026-11-01"},
    {.name = "plan", .type = SCHEMA_TEXT, .offset = SOURCE(source.plan), .fallback = ""},
    {.name = NULL},
};

static const struct schema_field source_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = SOURCE(line)},
    {.name = "address", .offset = SOURCE(source.address), ADDRESS},
    {.name = "hostname",
     .type = SCHEMA_CUSTOM,
     .offset = SOURCE(source.hostname),
     .custom = read_hostname,
     .expected = "a host name with its domain, such as out1.example.net"},
    {.name = "warm_up", .type = SCHEMA_GROUP, .fields = warm_up_fields},
    {.name = NULL},
};

static const struct schema_field pool_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = POOL(line)},
    {.name = "name", .offset = POOL(name), NAME},
    {.name = "addresses",
     .type = SCHEMA_LIST,
     .offset = POOL(addresses),
     .fields = &address_item,
     .item_size = sizeof(struct slice),
     .min = 1,
     .max = SHAPING_SOURCES_MAX},
    {.name = "sites",
     .type = SCHEMA_LIST,
     .offset = POOL(sites),
     .fallback = "",
     .fields = &site_item,
     .item_size = sizeof(struct slice),
     .max = SHAPING_POOL_SITES_MAX},
    {.name = NULL},
};

static const struct schema_field plan_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = PLAN(line)},
    {.name = "name", .offset = PLAN(name), NAME},
    {.name = "messages_a_day",
     .type = SCHEMA_LIST,
     .offset = PLAN(messages),
     .fields = &amount_item,
     .item_size = sizeof(uint64_t),
     .min = 1,
     .max = SHAPING_PLAN_DAYS_MAX},
    {.name = NULL},
};

const struct schema_field shaping_source_item = {
    .name = "source", .type = SCHEMA_GROUP, .fields = source_fields};
const struct schema_field shaping_pool_item = {
    .name = "pool", .type = SCHEMA_GROUP, .fields = pool_fields};
const struct schema_field shaping_plan_item = {
    .name = "plan", .type = SCHEMA_GROUP, .fields = plan_fields};

void shaping_file_sources_of(struct arena *arena, const struct file_sources *file,
                             struct shaping *ret)
{
    const struct file_source *sources = file->sources.items;
    const struct file_pool *pools = file->pools.items;
    const struct file_plan *plans = file->plans.items;

    ret->source_count = file->sources.count;
    ret->sources = ARENA_ARRAY(arena, struct shaping_source, ret->source_count);
    for (size_t i = 0; i < ret->source_count; i++)
        ret->sources[i] = sources[i].source;
    ret->pool_count = file->pools.count;
    ret->pools = ARENA_ARRAY(arena, struct shaping_pool, ret->pool_count);
    for (size_t i = 0; i < ret->pool_count; i++)
        ret->pools[i] =
            (struct shaping_pool){pools[i].name, pools[i].addresses.items, pools[i].addresses.count,
                                  pools[i].sites.items, pools[i].sites.count};
    ret->plan_count = file->plans.count;
    ret->plans = ARENA_ARRAY(arena, struct shaping_plan, ret->plan_count);
    for (size_t i = 0; i < ret->plan_count; i++)
        ret->plans[i] =
            (struct shaping_plan){plans[i].name, plans[i].messages.items, plans[i].messages.count};
}

static bool is_in_a_pool(const struct shaping *s, struct slice address)
{
    for (size_t i = 0; i < s->pool_count; i++)
        for (size_t j = 0; j < s->pools[i].address_count; j++)
            if (slice_equal(s->pools[i].addresses[j], address))
                return true;
    return false;
}

static const char *source_mistake(const struct shaping *s, size_t i)
{
    const struct shaping_source *source = &s->sources[i];

    if (shaping_source_by_address(s, source->address) != source)
        return "is there already; put the two together";
    if (!is_in_a_pool(s, source->address))
        return "would never be used; add it to a source pool";
    if ((source->plan.size > 0) != (source->started_day > 0))
        return "has a warm_up without both its plan and the day it started; give both";
    if (source->plan.size && !shaping_plan_by_name(s, source->plan))
        return "names a plan that is not under warm_up_plans; correct the name";
    return NULL;
}

/* The first of the pool's sites that a pool names before; empty: none. */
static struct slice site_named_before(const struct shaping *s, size_t pool)
{
    const struct shaping_pool *p = &s->pools[pool];

    for (size_t i = 0; i < p->site_count; i++)
        for (size_t other = 0; other <= pool; other++)
            for (size_t j = 0; j < (other < pool ? s->pools[other].site_count : i); j++)
                if (slice_equal(s->pools[other].sites[j], p->sites[i]))
                    return p->sites[i];
    return SLICE_NONE;
}

static struct slice unknown_address(const struct shaping *s, const struct shaping_pool *p)
{
    for (size_t i = 0; i < p->address_count; i++)
        if (!shaping_source_by_address(s, p->addresses[i]))
            return p->addresses[i];
    return SLICE_NONE;
}

static void check_pool(const char *path, size_t line, const struct shaping *s, size_t i,
                       struct buffer *problems)
{
    const struct shaping_pool *p = &s->pools[i];
    struct slice site = site_named_before(s, i), address = unknown_address(s, p);
    bool others = slice_equal(p->name, SLICE("default"));

    if (shaping_pool_by_name(s, p->name) != p)
        buffer_printf(problems,
                      "%s:%zu: source_pools[%zu]: \"%.*s\" is there already under this name; put "
                      "the two together\n",
                      path, line, i, SLICE_ARG(p->name));
    if (address.size)
        buffer_printf(problems,
                      "%s:%zu: source_pools[%zu]: %.*s is not under sources; add it there, with "
                      "its hostname\n",
                      path, line, i, SLICE_ARG(address));
    if (site.size)
        buffer_printf(problems,
                      "%s:%zu: source_pools[%zu]: the site %.*s is named before; a site has one "
                      "pool, take it out of the other\n",
                      path, line, i, SLICE_ARG(site));
    if (others == (p->site_count > 0))
        buffer_printf(problems, "%s:%zu: source_pools[%zu]: \"%.*s\" %s\n", path, line, i,
                      SLICE_ARG(p->name),
                      others ? "is for all sites that no other pool names; take its sites out"
                             : "would never be used; give it sites");
}

static void check_plans(const char *path, const struct file_plan *plans, const struct shaping *s,
                        struct buffer *problems)
{
    for (size_t i = 0; i < s->plan_count; i++)
        if (shaping_plan_by_name(s, s->plans[i].name) != &s->plans[i])
            buffer_printf(problems,
                          "%s:%zu: warm_up_plans[%zu]: \"%.*s\" is there already; take one out\n",
                          path, plans[i].line, i, SLICE_ARG(s->plans[i].name));
}

void shaping_file_sources_check(const char *path, const struct file_sources *file,
                                const struct shaping *s, struct buffer *problems)
{
    const struct file_source *sources = file->sources.items;
    const struct file_pool *pools = file->pools.items;

    for (size_t i = 0; i < s->source_count; i++)
        if (source_mistake(s, i))
            buffer_printf(problems, "%s:%zu: sources[%zu]: %.*s %s\n", path, sources[i].line, i,
                          SLICE_ARG(s->sources[i].address), source_mistake(s, i));
    for (size_t i = 0; i < s->pool_count; i++)
        check_pool(path, pools[i].line, s, i, problems);
    check_plans(path, file->plans.items, s, problems);
    if (s->source_count && !shaping_pool_by_name(s, SLICE("default")))
        buffer_printf(problems,
                      "%s: has sources but no source pool named default; add one, for the sites "
                      "that no other pool names\n",
                      path);
}
