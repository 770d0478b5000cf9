/* Shaping between processes: a format number, then providers and replies, each a count and as many
 * entries; texts with their length, numbers of 32 bits. */
#include "deliver/shaping.h"

enum { SHAPING_FORMAT = 1 };

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

static struct slice *read_texts(struct cursor *c, struct arena *arena, size_t *ret_count)
{
    size_t count = read_count(c, SHAPING_HOSTS_MAX);
    struct slice *texts = ARENA_ARRAY(arena, struct slice, count);

    for (size_t i = 0; i < count; i++)
        texts[i] = read_text(c);
    *ret_count = count;
    return texts;
}

static void read_provider(struct cursor *c, struct arena *arena, struct shaping_provider *p)
{
    p->name = read_text(c);
    p->hosts = read_texts(c, arena, &p->host_count);
    p->domains = read_texts(c, arena, &p->domain_count);
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
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = s;
    return 0;
}
