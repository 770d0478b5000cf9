#include "deliver/relay_protocol.h"

void relay_use_write(struct buffer *body, const struct relay_use_told *one)
{
    buffer_add_u64(body, one->site_id);
    buffer_add_u64(body, one->relay_id);
    buffer_add_u64(body, one->version);
    buffer_add_u64(body, (uint64_t)one->day_us);
    buffer_add_u64(body, one->recipients);
    buffer_add_u64(body, (uint64_t)one->closed_until_us);
    buffer_add_sized(body, one->closed_why);
    buffer_add_sized(body, one->trouble);
    buffer_add_u64(body, (uint64_t)one->trouble_since_us);
}

bool relay_use_read(struct slice *rest, struct relay_use_told *ret)
{
    struct cursor c = cursor_of(*rest);
    struct relay_use_told one;

    if (rest->size == 0)
        return false;
    one.site_id = cursor_u64(&c);
    one.relay_id = cursor_u64(&c);
    one.version = cursor_u64(&c);
    one.day_us = (int64_t)cursor_u64(&c);
    one.recipients = cursor_u64(&c);
    one.closed_until_us = (int64_t)cursor_u64(&c);
    one.closed_why = cursor_sized(&c);
    one.trouble = cursor_sized(&c);
    one.trouble_since_us = (int64_t)cursor_u64(&c);
    if (c.failed)
        return false;
    *rest = c.rest;
    *ret = one;
    return true;
}
