#include "queue/index.h"

#include "base/arena.h"
#include "base/crc32c.h"
#include "queue/envelope.h"

#include <stdlib.h>

#define INDEX_MAGIC 0x4c48535049310d0aull /* "LHSPI1\r\n" */

enum {
    SUM_AT = 8, /* behind the magic: the sum of all that follows it */
    HEAD_BYTES = SUM_AT + 4 + 11 * 8,
    NONE = 0xffffffff, /* no entry */
};

/* A message that the segment speaks of. */
struct about {
    struct table_item item;
    struct message_id id;
    bool here;        /* it begins in this segment */
    uint32_t attempt; /* the last line that says that one began */
    uint32_t open, recipient_count;
    bool finished[]; /* by recipient */
};

/* What may become an entry of the index. */
struct line {
    const struct about *about; /* NULL: of no message */
    size_t start, size;        /* in builder->bytes */
    uint32_t earlier;          /* attempt of the same message */
    uint32_t waiting;          /* an attempt's recipients whose end has not come */
    bool dropped;
};

struct queue_index_builder {
    struct arena arena;
    struct table abouts;
    struct buffer bytes;
    struct line *lines;
    uint32_t count, room;
    uint32_t cursor;        /* the line with the last one */
    uint32_t first_attempt; /* lines before this one belong to an earlier process */
};

struct queue_index_builder *queue_index_builder_new(void)
{
    struct queue_index_builder *b = base_allocate(sizeof(*b));

    b->cursor = NONE;
    return b;
}

void queue_index_builder_free(struct queue_index_builder *b)
{
    if (!b)
        return;
    arena_done(&b->arena);
    table_done(&b->abouts);
    buffer_done(&b->bytes);
    free(b->lines);
    free(b);
}

/* --- messages --- */

static uint64_t hash_of(const struct message_id *id)
{
    uint64_t hash;

    memcpy(&hash, id->uuid, sizeof(hash));
    return hash;
}

static struct about *find_about(const struct queue_index_builder *b, const struct message_id *id)
{
    struct table_item *item = table_find(&b->abouts, hash_of(id));

    for (; item; item = table_find_more(item)) {
        struct about *about = CONTAINER_OF(item, struct about, item);

        if (message_id_compare(&about->id, id) == 0)
            return about;
    }
    return NULL;
}

static struct about *add_about(struct queue_index_builder *b, const struct message_id *id,
                               uint32_t recipient_count)
{
    struct about *about =
        arena_allocate(&b->arena, sizeof(*about) + recipient_count * sizeof(about->finished[0]));

    about->id = *id;
    about->attempt = NONE;
    about->open = about->recipient_count = recipient_count;
    table_add(&b->abouts, &about->item, hash_of(id));
    return about;
}

static struct about *need_about(struct queue_index_builder *b, const struct message_id *id)
{
    static const struct message_id none;
    struct about *about = find_about(b, id);

    if (about || message_id_compare(id, &none) == 0)
        return about;
    return add_about(b, id, 0);
}

static void finish_recipient(struct about *about, uint32_t recipient)
{
    if (!about->here || recipient >= about->recipient_count || about->finished[recipient])
        return;
    about->finished[recipient] = true;
    about->open--;
}

static bool has_ended(const struct about *about)
{
    return about && about->here && about->open == 0;
}

/* --- lines --- */

static struct line *add_line(struct queue_index_builder *b, const struct about *about,
                             const struct queue_record *record, uint64_t offset, struct slice body)
{
    struct line *line;

    if (b->count == b->room) {
        b->room = b->room ? b->room * 2 : 256;
        b->lines = base_resize(b->lines, b->room * sizeof(*b->lines));
    }
    line = &b->lines[b->count++];
    *line = (struct line){.about = about, .start = b->bytes.size, .earlier = NONE};
    buffer_add_u8(&b->bytes, (uint8_t)record->type);
    buffer_add_u8(&b->bytes, record->flags);
    buffer_add_u64(&b->bytes, record->sequence);
    buffer_add_u64(&b->bytes, offset);
    buffer_add_u32(&b->bytes, (uint32_t)record->body.size);
    buffer_add_u32(&b->bytes, record->content_size);
    buffer_add_sized(&b->bytes, body);
    line->size = b->bytes.size - line->start;
    return line;
}

/* What a start needs to know of it: texts are left out, and of recipients all but the address. */
static void write_short(struct buffer *b, const struct queue_envelope *envelope)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE;
    struct queue_envelope brief = *envelope;
    struct slice rest = envelope->recipients;
    struct queue_envelope_recipient recipient;

    while (queue_envelope_recipient(&rest, &recipient)) {
        const struct queue_envelope_recipient address = {.address = recipient.address,
                                                         .suppressed = recipient.suppressed};

        queue_envelope_recipient_write(&recipients, &address);
    }
    brief.from_domain = brief.header_from = brief.envelope_from = SLICE_NONE;
    brief.subject = brief.envid = SLICE_NONE;
    brief.recipients = buffer_slice(&recipients);
    queue_envelope_write(b, &brief);
}

static void finish_suppressed(struct about *about, struct slice recipients)
{
    struct queue_envelope_recipient recipient;

    for (uint32_t i = 0; queue_envelope_recipient(&recipients, &recipient); i++)
        if (recipient.suppressed)
            finish_recipient(about, i);
}

/* What was moved here may stand in an older segment too: a start must be told how it ended. */
static int add_message(struct queue_index_builder *b, const struct queue_record *record,
                       uint64_t offset)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    bool copy = (record->flags & QUEUE_RECORD_COPY) != 0;
    struct queue_envelope envelope;
    struct slice progresses;
    struct about *about;
    uint8_t crashes;
    int r = queue_envelope_read(record->body, copy, &envelope, &crashes, &progresses);

    if (r < 0)
        return r;
    write_short(&body, &envelope);
    about = find_about(b, &envelope.id);
    if (copy) {
        buffer_add_u8(&body, crashes);
        buffer_add(&body, progresses);
    } else if (!about) {
        about = add_about(b, &envelope.id, envelope.recipient_count);
        about->here = true;
        finish_suppressed(about, envelope.recipients);
    }
    add_line(b, about, record, offset, buffer_slice(&body));
    return 0;
}

/* --- attempts --- */

static void drop(struct queue_index_builder *b, uint32_t line)
{
    b->lines[line].dropped = true;
}

/* True if the line's attempt has this recipient. */
static bool includes(const struct queue_index_builder *b, const struct line *line,
                     uint32_t recipient)
{
    struct slice bytes = slice_part(buffer_slice(&b->bytes), line->start, line->size);
    struct queue_index_entry entry;
    struct queue_attempt attempt;
    struct cursor c;

    if (!queue_index_entry_read(&bytes, &entry) ||
        queue_attempt_read(entry.record.body, &attempt) < 0)
        return false;
    for (c = cursor_of(attempt.recipients); c.rest.size;)
        if (cursor_u32(&c) == recipient)
            return true;
    return false;
}

/* An attempt whose end is here says nothing any more; what an earlier process began stays, as its
 * end was a crash. False: it began elsewhere. */
static bool end_attempt(struct queue_index_builder *b, const struct about *about,
                        uint32_t recipient)
{
    uint32_t at = about->attempt;
    bool found = false;

    while (at != NONE && at >= b->first_attempt) {
        struct line *line = &b->lines[at];

        if (line->waiting && includes(b, line, recipient)) {
            found = true;
            if (--line->waiting == 0)
                drop(b, at);
        }
        at = line->earlier;
    }
    return found;
}

static int add_attempt(struct queue_index_builder *b, const struct queue_record *record,
                       uint64_t offset)
{
    struct queue_attempt attempt;
    struct about *about;
    struct line *line;

    if (queue_attempt_read(record->body, &attempt) < 0)
        return -EBADMSG;
    about = need_about(b, &attempt.id);
    line = add_line(b, about, record, offset, record->body);
    if (!about)
        return 0;
    line->earlier = about->attempt;
    line->waiting = (uint32_t)(attempt.recipients.size / sizeof(uint32_t));
    about->attempt = b->count - 1;
    return 0;
}

static int add_return(struct queue_index_builder *b, const struct queue_record *record,
                      uint64_t offset)
{
    struct queue_attempt attempt;
    struct about *about;
    bool here = true;
    struct cursor c;

    if (queue_attempt_read(record->body, &attempt) < 0)
        return -EBADMSG;
    about = need_about(b, &attempt.id);
    for (c = cursor_of(attempt.recipients); about && c.rest.size;)
        here &= end_attempt(b, about, cursor_u32(&c));
    if (!about || !here)
        add_line(b, about, record, offset, record->body);
    return 0;
}

/* --- events --- */

static void add_event(struct queue_index_builder *b, const struct queue_record *record,
                      uint64_t offset, struct queue_event *event)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct about *about = need_about(b, &event->id);
    bool final = queue_event_is_final(event->type);

    event->text = event->remote = event->tls = event->signed_by = SLICE_NONE;
    queue_event_write(&body, event);
    if (about && (final || event->type == QUEUE_EVENT_DEFERRED))
        end_attempt(b, about, event->recipient);
    if (about && final)
        finish_recipient(about, event->recipient);
    add_line(b, about, record, offset, buffer_slice(&body));
}

static int add_events(struct queue_index_builder *b, const struct queue_record *record,
                      uint64_t offset)
{
    struct cursor c = cursor_of(record->body);
    struct queue_event event;

    while (c.rest.size) {
        if (queue_event_read(&c, &event) < 0)
            return -EBADMSG;
        add_event(b, record, offset, &event);
    }
    return 0;
}

/* --- all of it --- */

static void add_other(struct queue_index_builder *b, const struct queue_record *record,
                      uint64_t offset)
{
    add_line(b, NULL, record, offset, record->body);
    if (record->type == QUEUE_RECORD_OPEN)
        b->first_attempt = b->count;
    if (record->type != QUEUE_RECORD_CURSOR)
        return;
    if (b->cursor != NONE)
        drop(b, b->cursor);
    b->cursor = b->count - 1;
}

int queue_index_add(struct queue_index_builder *b, const struct queue_record *record,
                    uint64_t offset)
{
    if (record->type == QUEUE_RECORD_MESSAGE)
        return add_message(b, record, offset);
    if (record->type == QUEUE_RECORD_EVENTS)
        return add_events(b, record, offset);
    if (record->type == QUEUE_RECORD_ATTEMPT)
        return add_attempt(b, record, offset);
    if (record->type == QUEUE_RECORD_RETURN)
        return add_return(b, record, offset);
    add_other(b, record, offset);
    return 0;
}

static void write_head(struct buffer *file, const struct queue_index_head *head, uint64_t count)
{
    buffer_add_u64(file, INDEX_MAGIC);
    buffer_add_u32(file, 0); /* the sum */
    buffer_add_u64(file, head->spool_id);
    buffer_add_u64(file, head->number);
    buffer_add_u64(file, (uint64_t)head->created_us);
    buffer_add_u64(file, head->used);
    buffer_add_u64(file, head->first_commit);
    buffer_add_u64(file, head->last_commit);
    buffer_add_u64(file, head->last_event);
    buffer_add_u64(file, head->next_event);
    buffer_add_u64(file, head->message_bytes);
    buffer_add_u64(file, head->messages);
    buffer_add_u64(file, count);
}

static uint32_t sum_of(struct slice file)
{
    return crc32c_add(0, slice_part(file, SUM_AT + 4, file.size));
}

void queue_index_finish(struct queue_index_builder *b, struct queue_index_head *head,
                        struct buffer *file)
{
    uint64_t kept = 0;
    uint32_t sum;

    head->messages = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        struct line *line = &b->lines[i];

        line->dropped |= has_ended(line->about);
        kept += !line->dropped;
        head->messages +=
            !line->dropped && (uint8_t)b->bytes.data[line->start] == QUEUE_RECORD_MESSAGE;
    }
    file->size = 0;
    write_head(file, head, kept);
    for (uint32_t i = 0; i < b->count; i++)
        if (!b->lines[i].dropped)
            buffer_add(file,
                       slice_part(buffer_slice(&b->bytes), b->lines[i].start, b->lines[i].size));
    sum = sum_of(buffer_slice(file));
    for (int i = 0; i < 4; i++)
        file->data[SUM_AT + i] = (char)(sum >> (24 - 8 * i));
}

int queue_index_read(struct slice file, struct queue_index_head *ret, struct slice *ret_entries)
{
    struct cursor c = cursor_of(file);
    struct queue_index_head head;

    if (file.size < HEAD_BYTES || cursor_u64(&c) != INDEX_MAGIC || cursor_u32(&c) != sum_of(file))
        return -EBADMSG;
    head.spool_id = cursor_u64(&c);
    head.number = cursor_u64(&c);
    head.created_us = (int64_t)cursor_u64(&c);
    head.used = cursor_u64(&c);
    head.first_commit = cursor_u64(&c);
    head.last_commit = cursor_u64(&c);
    head.last_event = cursor_u64(&c);
    head.next_event = cursor_u64(&c);
    head.message_bytes = cursor_u64(&c);
    head.messages = cursor_u64(&c);
    cursor_u64(&c);
    *ret = head;
    *ret_entries = c.rest;
    return 0;
}

bool queue_index_entry_read(struct slice *entries, struct queue_index_entry *ret)
{
    struct cursor c = cursor_of(*entries);
    struct queue_index_entry entry = {0};

    entry.record.type = (enum queue_record_type)cursor_u8(&c);
    entry.record.flags = cursor_u8(&c);
    entry.record.sequence = cursor_u64(&c);
    entry.offset = cursor_u64(&c);
    entry.body_size = cursor_u32(&c);
    entry.record.content_size = cursor_u32(&c);
    entry.record.body = cursor_sized(&c);
    if (c.failed)
        return false;
    *ret = entry;
    *entries = c.rest;
    return true;
}
