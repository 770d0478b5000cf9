#include "site/directory_quota.h"

enum { SLOWED = 1, HELD = 2 };

void directory_quota_write(struct buffer *body, const struct directory_quota *quota)
{
    assert(quota->used_count <= DIRECTORY_HOURS_MAX);
    buffer_add_u32(body, quota->messages_per_hour);
    buffer_add_u32(body, quota->recipients_per_day);
    buffer_add_u8(body, (uint8_t)((quota->slowed ? SLOWED : 0) | (quota->held ? HELD : 0)));
    buffer_add_u8(body, (uint8_t)quota->used_count);
    for (size_t i = 0; i < quota->used_count; i++) {
        buffer_add_u32(body, quota->used[i].hour);
        buffer_add_u32(body, quota->used[i].recipients);
    }
}

void directory_quota_read(struct cursor *c, struct arena *arena, struct directory_quota *ret)
{
    uint8_t flags;

    ret->messages_per_hour = cursor_u32(c);
    ret->recipients_per_day = cursor_u32(c);
    flags = cursor_u8(c);
    ret->slowed = flags & SLOWED;
    ret->held = flags & HELD;
    ret->used_count = cursor_u8(c);
    if (flags > (SLOWED | HELD) || ret->used_count > DIRECTORY_HOURS_MAX) {
        c->failed = true;
        ret->used_count = 0;
    }
    ret->used = ARENA_ARRAY(arena, struct directory_hour, ret->used_count);
    for (size_t i = 0; i < ret->used_count; i++) {
        ret->used[i].hour = cursor_u32(c);
        ret->used[i].recipients = cursor_u32(c);
    }
}
