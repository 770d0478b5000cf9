#include "deliver/shaping_remote.h"

#include "base/limits.h"

/* A text that came from elsewhere, cut so that the whole fits a frame. */
static void write_text(struct buffer *body, struct slice text)
{
    buffer_add_sized(body, slice_part(text, 0, LOG_LINE_BYTES_MAX));
}

void shaping_suspension_write(struct buffer *body, const struct shaping_suspension *one)
{
    buffer_add_u8(body, one->provider);
    write_text(body, one->name);
    write_text(body, one->why);
}

bool shaping_suspension_read(struct slice *rest, struct shaping_suspension *ret)
{
    struct cursor c = cursor_of(*rest);

    if (rest->size == 0)
        return false;
    ret->provider = cursor_u8(&c) != 0;
    ret->name = cursor_sized(&c);
    ret->why = cursor_sized(&c);
    if (c.failed || ret->name.size == 0)
        return false;
    *rest = c.rest;
    return true;
}

void shaping_sent_write(struct buffer *body, const struct shaping_sent *one)
{
    write_text(body, one->address);
    buffer_add_u64(body, one->day);
    buffer_add_u64(body, one->messages);
}

bool shaping_sent_read(struct slice *rest, struct shaping_sent *ret)
{
    struct cursor c = cursor_of(*rest);

    if (rest->size == 0)
        return false;
    ret->address = cursor_sized(&c);
    ret->day = cursor_u64(&c);
    ret->messages = cursor_u64(&c);
    if (c.failed || ret->address.size == 0)
        return false;
    *rest = c.rest;
    return true;
}

static void write_numbers(struct buffer *body, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buffer_add_u64(body, numbers[i]);
}

void shaping_state_write(struct buffer *body, const struct shaping_state *s)
{
    const uint64_t numbers[] = {s->limits.connections_max,
                                s->limits.messages_per_connection_max,
                                s->limits.connections_per_minute_max,
                                s->limits.messages_per_minute_max,
                                s->limits.back_off_min_s,
                                s->limits.back_off_max_s,
                                s->waiting,
                                s->connections,
                                s->connections_allowed,
                                s->delivered,
                                s->deferred,
                                s->back_off_age_s,
                                s->back_off_left_s};

    write_text(body, s->name);
    write_numbers(body, numbers, ARRAY_LEN(numbers));
    write_text(body, s->back_off_why);
    write_text(body, s->suspended_why);
    write_text(body, s->holding);
}

static void read_state(struct cursor *c, struct shaping_state *s)
{
    uint64_t *const numbers[] = {&s->limits.connections_max,
                                 &s->limits.messages_per_connection_max,
                                 &s->limits.connections_per_minute_max,
                                 &s->limits.messages_per_minute_max,
                                 &s->limits.back_off_min_s,
                                 &s->limits.back_off_max_s,
                                 &s->waiting,
                                 &s->connections,
                                 &s->connections_allowed,
                                 &s->delivered,
                                 &s->deferred,
                                 &s->back_off_age_s,
                                 &s->back_off_left_s};

    s->name = cursor_sized(c);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *numbers[i] = cursor_u64(c);
    s->back_off_why = cursor_sized(c);
    s->suspended_why = cursor_sized(c);
    s->holding = cursor_sized(c);
}

bool shaping_state_read(struct slice *rest, struct shaping_state *ret)
{
    struct cursor c = cursor_of(*rest);

    if (rest->size == 0)
        return false;
    read_state(&c, ret);
    if (c.failed)
        return false;
    *rest = c.rest;
    return true;
}

void shaping_show_write(struct buffer *body, const struct shaping_show *s)
{
    write_text(body, s->hosts);
    write_text(body, s->rule);
    write_text(body, s->failure);
    buffer_add_u64(body, s->rest_age_s);
    buffer_add_u64(body, s->rest_left_s);
    write_text(body, s->rest_why);
    write_text(body, s->suspended_why);
    write_text(body, s->holding);
    shaping_state_write(body, &s->state);
}

int shaping_show_read(struct slice body, struct shaping_show *ret)
{
    struct cursor c = cursor_of(body);
    struct shaping_show s = {.hosts = cursor_sized(&c)};

    s.rule = cursor_sized(&c);
    s.failure = cursor_sized(&c);
    s.rest_age_s = cursor_u64(&c);
    s.rest_left_s = cursor_u64(&c);
    s.rest_why = cursor_sized(&c);
    s.suspended_why = cursor_sized(&c);
    s.holding = cursor_sized(&c);
    read_state(&c, &s.state);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = s;
    return 0;
}
