#include "queue/record.h"

#include "base/crc32c.h"

#define SEGMENT_MAGIC 0x4c48535047310d0aull /* "LHSPG1\r\n" */
#define FRAME_MAGIC 0x4c48434du             /* "LHCM" */

enum {
    SUM_AT = QUEUE_RECORD_HEAD_BYTES - 4,
    BODY_SUM_AT = SUM_AT - 4,
    CONTENT_SUM_AT = BODY_SUM_AT - 4,
};

static void put_u32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (24 - 8 * i));
}

static uint32_t get_u32(const char *at)
{
    struct cursor c = cursor_of(slice_of(at, 4));

    return cursor_u32(&c);
}

void queue_segment_head_write(char out[static QUEUE_SEGMENT_HEAD_BYTES],
                              const struct queue_segment_head *head)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    buffer_add_u64(&b, SEGMENT_MAGIC);
    buffer_add_u32(&b, QUEUE_SEGMENT_VERSION);
    buffer_add_u32(&b, QUEUE_BLOCK_BYTES);
    buffer_add_u64(&b, head->spool_id);
    buffer_add_u64(&b, head->number);
    buffer_add_u64(&b, (uint64_t)head->created_us);
    buffer_add_u64(&b, 0);
    buffer_add_u32(&b, crc32c_add(0, buffer_slice(&b)));
    assert(b.size == QUEUE_SEGMENT_HEAD_BYTES);
    memcpy(out, b.data, b.size);
}

int queue_segment_head_read(struct slice bytes, struct queue_segment_head *ret)
{
    struct cursor c = cursor_of(bytes);
    struct queue_segment_head head;
    uint64_t magic = cursor_u64(&c);
    uint32_t version = cursor_u32(&c), block_bytes = cursor_u32(&c);

    head.spool_id = cursor_u64(&c);
    head.number = cursor_u64(&c);
    head.created_us = (int64_t)cursor_u64(&c);
    cursor_u64(&c); /* spare */
    if (magic != SEGMENT_MAGIC ||
        cursor_u32(&c) != crc32c_add(0, slice_part(bytes, 0, QUEUE_SEGMENT_HEAD_BYTES - 4)))
        return -EBADMSG;
    if (c.failed)
        return -EBADMSG;
    if (version != QUEUE_SEGMENT_VERSION || block_bytes != QUEUE_BLOCK_BYTES)
        return -EPROTONOSUPPORT;
    *ret = head;
    return 0;
}

uint32_t queue_record_seed(uint64_t spool_id, uint64_t segment_number)
{
    char bytes[16];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(spool_id >> (8 * i));
        bytes[8 + i] = (char)(segment_number >> (8 * i));
    }
    return crc32c_add(0, slice_of(bytes, sizeof(bytes)));
}

void queue_frame_write(char out[static QUEUE_FRAME_BYTES], uint32_t seed,
                       const struct queue_frame *frame)
{
    memset(out, 0, QUEUE_FRAME_BYTES);
    put_u32(out, FRAME_MAGIC);
    put_u32(out + 8, (uint32_t)(frame->number >> 32));
    put_u32(out + 12, (uint32_t)frame->number);
    put_u32(out + 16, (uint32_t)(frame->size >> 32));
    put_u32(out + 20, (uint32_t)frame->size);
    put_u32(out + 28, crc32c_add(seed, slice_of(out, 28)));
}

int queue_frame_read(struct slice bytes, uint32_t seed, struct queue_frame *ret)
{
    struct cursor c = cursor_of(bytes);

    if (bytes.size < QUEUE_FRAME_BYTES || cursor_u32(&c) != FRAME_MAGIC ||
        get_u32(bytes.data + 28) != crc32c_add(seed, slice_part(bytes, 0, 28)))
        return -EBADMSG;
    cursor_u32(&c); /* spare */
    ret->number = cursor_u64(&c);
    ret->size = cursor_u64(&c);
    return 0;
}

void queue_record_write(struct buffer *b, const struct queue_record *record)
{
    assert(record->body.size <= UINT32_MAX);
    buffer_reserve(b, QUEUE_RECORD_HEAD_BYTES + record->body.size);
    buffer_add_u8(b, (uint8_t)record->type);
    buffer_add_u8(b, record->flags);
    buffer_add_u16(b, record->event_count);
    buffer_add_u64(b, record->sequence);
    buffer_add_u32(b, (uint32_t)record->body.size);
    buffer_add_u32(b, record->content_size);
    buffer_add_u32(b, record->content_sum);
    buffer_add_u64(b, 0); /* the sums of body and head */
    buffer_add(b, record->body);
}

/* The head, its sums left aside. */
static struct queue_record read_plain(struct slice bytes)
{
    struct cursor c = cursor_of(bytes);
    struct queue_record record = {0};

    record.type = (enum queue_record_type)cursor_u8(&c);
    record.flags = cursor_u8(&c);
    record.event_count = cursor_u16(&c);
    record.sequence = cursor_u64(&c);
    record.body = slice_of(NULL, cursor_u32(&c));
    record.content_size = cursor_u32(&c);
    record.content_sum = cursor_u32(&c);
    return record;
}

size_t queue_record_seal(char *bytes, uint32_t seed, struct slice content)
{
    struct queue_record record = read_plain(slice_of(bytes, QUEUE_RECORD_HEAD_BYTES));

    assert(record.content_size == content.size);
    put_u32(bytes + CONTENT_SUM_AT, crc32c_add(0, content));
    put_u32(bytes + BODY_SUM_AT,
            crc32c_add(0, slice_of(bytes + QUEUE_RECORD_HEAD_BYTES, record.body.size)));
    put_u32(bytes + SUM_AT, crc32c_add(seed, slice_of(bytes, SUM_AT)));
    return QUEUE_RECORD_HEAD_BYTES + record.body.size;
}

int queue_record_read_head(struct slice bytes, uint32_t seed, struct queue_record *ret)
{
    if (bytes.size < QUEUE_RECORD_HEAD_BYTES ||
        get_u32(bytes.data + SUM_AT) != crc32c_add(seed, slice_part(bytes, 0, SUM_AT)))
        return -EBADMSG;
    *ret = read_plain(bytes);
    return ret->type >= QUEUE_RECORD_STATE && ret->type <= QUEUE_RECORD_OPEN ? 0 : -EBADMSG;
}

struct queue_record queue_record_take(struct slice *rest)
{
    struct queue_record record = read_plain(*rest);
    size_t size = QUEUE_RECORD_HEAD_BYTES + record.body.size;

    assert(rest->size >= size);
    record.body.data = rest->data + QUEUE_RECORD_HEAD_BYTES;
    *rest = slice_part(*rest, size, rest->size);
    return record;
}

int queue_record_check_body(struct slice head, struct slice body)
{
    assert(head.size >= QUEUE_RECORD_HEAD_BYTES);
    return get_u32(head.data + BODY_SUM_AT) == crc32c_add(0, body) ? 0 : -EBADMSG;
}

void queue_state_write(struct buffer *b, const struct queue_state *state)
{
    buffer_add_u64(b, state->acknowledged);
    buffer_add_sized(b, state->voids);
    buffer_add_sized(b, state->paused);
}

int queue_state_read(struct slice body, struct queue_state *ret)
{
    struct cursor c = cursor_of(body);
    struct queue_state state;

    state.acknowledged = cursor_u64(&c);
    state.voids = cursor_sized(&c);
    state.paused = cursor_sized(&c);
    if (cursor_done(&c) < 0 || state.voids.size % sizeof(struct queue_void) != 0 ||
        state.paused.size % sizeof(uint64_t) != 0)
        return -EBADMSG;
    *ret = state;
    return 0;
}

void queue_void_write(struct buffer *b, const struct queue_void *v)
{
    buffer_add_u64(b, v->segment);
    buffer_add_u64(b, v->size);
}

bool queue_void_read(struct slice *voids, struct queue_void *ret)
{
    struct cursor c = cursor_of(*voids);
    struct queue_void v;

    v.segment = cursor_u64(&c);
    v.size = cursor_u64(&c);
    if (c.failed)
        return false;
    *ret = v;
    *voids = c.rest;
    return true;
}

void queue_attempt_write(struct buffer *b, const struct queue_attempt *attempt)
{
    buffer_add_u64(b, attempt->id.ms);
    buffer_add(b, slice_of(attempt->id.uuid, sizeof(attempt->id.uuid)));
    buffer_add_sized(b, attempt->recipients);
}

int queue_attempt_read(struct slice body, struct queue_attempt *ret)
{
    struct cursor c = cursor_of(body);
    struct queue_attempt attempt;
    struct slice uuid;

    attempt.id.ms = cursor_u64(&c);
    uuid = cursor_bytes(&c, sizeof(attempt.id.uuid));
    attempt.recipients = cursor_sized(&c);
    if (cursor_done(&c) < 0 || attempt.recipients.size % sizeof(uint32_t) != 0)
        return -EBADMSG;
    memcpy(attempt.id.uuid, uuid.data, uuid.size);
    *ret = attempt;
    return 0;
}
