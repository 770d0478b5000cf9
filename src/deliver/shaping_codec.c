/* Shaping between processes: a format number, then providers, replies, sources, pools and plans,
 * each a count and as many entries; texts with their length, numbers of 32 bits. */
#include "deliver/shaping.h"

enum { SHAPING_FORMAT = 2 };

static void write_number(struct buffer *body, uint64_t number)
{
    buffer_add_u32(body, number > UINT32_MAX ? UINT32_MAX : (uint32_t)number);
}

static void write_texts(struct buffer *body, const struct slice *texts, size_t count)
{
    buffer_add_u16(body, (uint16_t)count);
    for (size_t i = 0; i < count; i++)
        buffer_add_sized(body, texts[i]);
}

static void write_provider(struct buffer *body, const struct shaping_provider *p)
{
    buffer_add_sized(body, p->name);
    write_texts(body, p->hosts, p->host_count);
    write_texts(body, p->domains, p->domain_count);
    write_number(body, p->limits.connections_max);
    write_number(body, p->limits.messages_per_connection_max);
    write_number(body, p->limits.connections_per_minute_max);
    write_number(body, p->limits.messages_per_minute_max);
    write_number(body, p->limits.back_off_min_s);
    write_number(body, p->limits.back_off_max_s);
}

static void write_reply(struct buffer *body, const struct shaping_reply *r)
{
    buffer_add_sized(body, r->provider);
    buffer_add_sized(body, r->code);
    buffer_add_sized(body, r->status);
    buffer_add_sized(body, r->text);
    buffer_add_u8(body, (uint8_t)r->means);
    buffer_add_u8(body, (uint8_t)r->action);
    write_number(body, r->pause_s);
}

static void write_sources(struct buffer *body, const struct shaping *s)
{
    buffer_add_u16(body, (uint16_t)s->source_count);
    for (size_t i = 0; i < s->source_count; i++) {
        buffer_add_sized(body, s->sources[i].address);
        buffer_add_sized(body, s->sources[i].hostname);
        buffer_add_sized(body, s->sources[i].plan);
        write_number(body, s->sources[i].started_day);
    }
}

static void write_pools(struct buffer *body, const struct shaping *s)
{
    buffer_add_u16(body, (uint16_t)s->pool_count);
    for (size_t i = 0; i < s->pool_count; i++) {
        buffer_add_sized(body, s->pools[i].name);
        write_texts(body, s->pools[i].addresses, s->pools[i].address_count);
        write_texts(body, s->pools[i].sites, s->pools[i].site_count);
    }
}

static void write_plans(struct buffer *body, const struct shaping *s)
{
    buffer_add_u16(body, (uint16_t)s->plan_count);
    for (size_t i = 0; i < s->plan_count; i++) {
        buffer_add_sized(body, s->plans[i].name);
        buffer_add_u16(body, (uint16_t)s->plans[i].day_count);
        for (size_t j = 0; j < s->plans[i].day_count; j++)
            write_number(body, s->plans[i].messages[j]);
    }
}

void shaping_write(struct buffer *body, const struct shaping *s)
{
    assert(s->provider_count <= SHAPING_PROVIDERS_MAX && s->reply_count <= SHAPING_REPLIES_MAX);
    buffer_add_u8(body, SHAPING_FORMAT);
    buffer_add_u16(body, (uint16_t)s->provider_count);
    for (size_t i = 0; i < s->provider_count; i++)
        write_provider(body, &s->providers[i]);
    buffer_add_u16(body, (uint16_t)s->reply_count);
    for (size_t i = 0; i < s->reply_count; i++)
        write_reply(body, &s->replies[i]);
    write_sources(body, s);
    write_pools(body, s);
    write_plans(body, s);
}

static struct slice read_text(struct cursor *c)
{
    struct slice text = cursor_sized(c);

    if (text.size > SHAPING_TEXT_BYTES_MAX)
        c->failed = true;
    return text;
}

/* A count that says more than can follow fails. */
static size_t read_count(struct cursor *c, size_t max)
{
    size_t count = cursor_u16(c);

    if (count > max)
        c->failed = true;
    return c->failed ? 0 : count;
}

static struct slice *read_texts(struct cursor *c, struct arena *arena, size_t max,
                                size_t *ret_count)
{
    size_t count = read_count(c, max);
    struct slice *texts = ARENA_ARRAY(arena, struct slice, count);

    for (size_t i = 0; i < count; i++)
        texts[i] = read_text(c);
    *ret_count = count;
    return texts;
}

static void read_provider(struct cursor *c, struct arena *arena, struct shaping_provider *p)
{
    p->name = read_text(c);
    p->hosts = read_texts(c, arena, SHAPING_HOSTS_MAX, &p->host_count);
    p->domains = read_texts(c, arena, SHAPING_HOSTS_MAX, &p->domain_count);
    p->limits.connections_max = cursor_u32(c);
    p->limits.messages_per_connection_max = cursor_u32(c);
    p->limits.connections_per_minute_max = cursor_u32(c);
    p->limits.messages_per_minute_max = cursor_u32(c);
    p->limits.back_off_min_s = cursor_u32(c);
    p->limits.back_off_max_s = cursor_u32(c);
}

static void read_reply(struct cursor *c, struct shaping_reply *r)
{
    r->provider = read_text(c);
    r->code = read_text(c);
    r->status = read_text(c);
    r->text = read_text(c);
    r->means = cursor_u8(c);
    r->action = cursor_u8(c);
    r->pause_s = cursor_u32(c);
    if (r->means < SHAPING_SLOW_DOWN || r->means > SHAPING_CONTENT || r->action < SHAPING_NONE ||
        r->action > SHAPING_REST_DESTINATION)
        c->failed = true;
}

static void read_sources(struct cursor *c, struct arena *arena, struct shaping *s)
{
    s->source_count = read_count(c, SHAPING_SOURCES_MAX);
    s->sources = ARENA_ARRAY(arena, struct shaping_source, s->source_count);
    for (size_t i = 0; i < s->source_count && !c->failed; i++) {
        s->sources[i].address = read_text(c);
        s->sources[i].hostname = read_text(c);
        s->sources[i].plan = read_text(c);
        s->sources[i].started_day = cursor_u32(c);
    }
}

static void read_pools(struct cursor *c, struct arena *arena, struct shaping *s)
{
    s->pool_count = read_count(c, SHAPING_POOLS_MAX);
    s->pools = ARENA_ARRAY(arena, struct shaping_pool, s->pool_count);
    for (size_t i = 0; i < s->pool_count && !c->failed; i++) {
        struct shaping_pool *p = &s->pools[i];

        p->name = read_text(c);
        p->addresses = read_texts(c, arena, SHAPING_SOURCES_MAX, &p->address_count);
        p->sites = read_texts(c, arena, SHAPING_POOL_SITES_MAX, &p->site_count);
    }
}

static void read_plans(struct cursor *c, struct arena *arena, struct shaping *s)
{
    s->plan_count = read_count(c, SHAPING_PLANS_MAX);
    s->plans = ARENA_ARRAY(arena, struct shaping_plan, s->plan_count);
    for (size_t i = 0; i < s->plan_count && !c->failed; i++) {
        struct shaping_plan *p = &s->plans[i];

        p->name = read_text(c);
        p->day_count = read_count(c, SHAPING_PLAN_DAYS_MAX);
        p->messages = ARENA_ARRAY(arena, uint64_t, p->day_count);
        for (size_t j = 0; j < p->day_count; j++)
            p->messages[j] = cursor_u32(c);
    }
}

/* What is named must be there. */
static bool is_whole(const struct shaping *s)
{
    for (size_t i = 0; i < s->source_count; i++)
        if (s->sources[i].plan.size && !shaping_plan_by_name(s, s->sources[i].plan))
            return false;
    for (size_t i = 0; i < s->pool_count; i++)
        for (size_t j = 0; j < s->pools[i].address_count; j++)
            if (!shaping_source_by_address(s, s->pools[i].addresses[j]))
                return false;
    return s->source_count == 0 || shaping_pool_by_name(s, SLICE("default"));
}

int shaping_read(struct arena *arena, struct slice body, struct shaping *ret)
{
    struct cursor c = cursor_of(body);
    struct shaping s = {0};

    if (cursor_u8(&c) != SHAPING_FORMAT)
        c.failed = true;
    s.provider_count = read_count(&c, SHAPING_PROVIDERS_MAX);
    s.providers = ARENA_ARRAY(arena, struct shaping_provider, s.provider_count);
    for (size_t i = 0; i < s.provider_count && !c.failed; i++)
        read_provider(&c, arena, &s.providers[i]);
    s.reply_count = read_count(&c, SHAPING_REPLIES_MAX);
    s.replies = ARENA_ARRAY(arena, struct shaping_reply, s.reply_count);
    for (size_t i = 0; i < s.reply_count && !c.failed; i++)
        read_reply(&c, &s.replies[i]);
    read_sources(&c, arena, &s);
    read_pools(&c, arena, &s);
    read_plans(&c, arena, &s);
    if (cursor_done(&c) < 0 || !is_whole(&s))
        return -EBADMSG;
    *ret = s;
    return 0;
}
