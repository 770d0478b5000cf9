/* The spool's log: bodies of records, and whole segments as a damaged disk may give them back.
 * What is read can be written again and read as the same; a scan ends, and what it finds lies
 * inside. The first byte chooses. */
#include "fuzz.h"

#include "queue/envelope.h"
#include "queue/scan.h"
#include "queue/segment.h"

/* --- bodies --- */

static void check_events(struct slice bytes)
{
    struct cursor c = cursor_of(bytes);
    struct queue_event event, again;

    while (c.rest.size && queue_event_read(&c, &event) == 0) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct cursor written;

        if (event.text.size + event.remote.size + event.tls.size + event.signed_by.size +
                    event.tls_sessions.size >
                8000 ||
            event.accepted.addresses.size > 20000)
            continue; /* a later version's: longer than ours may be */
        if (event.type == QUEUE_EVENT_ACCEPTED &&
            event.accepted.from_domain.size + event.accepted.subject.size +
                    event.accepted.header_from.size + event.accepted.envelope_from.size +
                    event.accepted.envid.size >
                8000)
            continue;
        queue_event_write(&b, &event);
        written = cursor_of(buffer_slice(&b));
        fuzz_check(queue_event_read(&written, &again) == 0 && cursor_done(&written) == 0);
        fuzz_check(again.sequence == event.sequence && again.type == event.type);
        fuzz_check(slice_equal(again.text, event.text));
        fuzz_check(slice_equal(again.accepted.addresses, event.accepted.addresses));
    }
}

static void check_envelope(struct slice bytes, bool copy)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE, events = BUFFER_NONE;
    struct queue_envelope envelope, again;
    struct slice progress, progress_again;
    uint8_t crashes, crashes_again;
    uint16_t count;
    struct queue_event event;
    struct cursor c;

    if (queue_envelope_read(bytes, copy, &envelope, &crashes, &progress) < 0)
        return;
    queue_envelope_write_copy(&b, envelope.fixed, crashes);
    if (!copy)
        b.size--; /* a fresh one ends before the count of crashes */
    buffer_add(&b, progress);
    fuzz_check(
        queue_envelope_read(buffer_slice(&b), copy, &again, &crashes_again, &progress_again) == 0);
    fuzz_check(slice_equal(again.fixed, envelope.fixed) && slice_equal(progress_again, progress));
    count = queue_envelope_events(&envelope, 1, &events);
    for (c = cursor_of(buffer_slice(&events)); count; count--)
        fuzz_check(queue_event_read(&c, &event) == 0);
    fuzz_check(cursor_done(&c) == 0);
}

static void check_state(struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct queue_state state, again;
    struct queue_attempt attempt;
    struct queue_void v;

    if (queue_attempt_read(bytes, &attempt) == 0)
        fuzz_check(attempt.recipients.size % 4 == 0);
    if (queue_state_read(bytes, &state) < 0)
        return;
    queue_state_write(&b, &state);
    fuzz_check(queue_state_read(buffer_slice(&b), &again) == 0);
    fuzz_check(slice_equal(again.voids, state.voids) && slice_equal(again.paused, state.paused));
    while (queue_void_read(&state.voids, &v))
        continue;
    fuzz_check(state.voids.size == 0);
}

/* --- segments --- */

enum { SEGMENT_BYTES_MAX = 16 * QUEUE_BLOCK_BYTES };

/* A disk that holds nothing but the input. */
struct input_disk {
    struct disk disk;
    struct slice bytes;
};

static ssize_t input_read(struct disk *d, int file, uint64_t offset, void *memory, size_t size)
{
    struct slice all = CONTAINER_OF(d, struct input_disk, disk)->bytes;
    struct slice part = offset < all.size ? slice_part(all, (size_t)offset, size) : SLICE_NONE;

    (void)file;
    if (part.size)
        memcpy(memory, part.data, part.size);
    return (ssize_t)part.size;
}

static const struct disk_ops input_ops = {.read = input_read};

/* Lays the input's bytes out as a segment: frames and heads get right sums where the input says
 * so, or the fuzzer would never come past them. Each piece: kind, size, bytes. */
static void lay_out(struct slice input, uint32_t seed, struct buffer *segment)
{
    buffer_reserve(segment, QUEUE_BLOCK_BYTES);
    memset(segment->data, 0, QUEUE_BLOCK_BYTES);
    segment->size = QUEUE_BLOCK_BYTES;
    while (input.size && segment->size < SEGMENT_BYTES_MAX) {
        uint8_t kind = fuzz_byte(&input), size = fuzz_byte(&input), extra = fuzz_byte(&input);
        struct slice bytes = slice_part(input, 0, size);
        size_t at = segment->size;

        input = slice_part(input, size, input.size);
        if (kind % 4 == 0) { /* a commit */
            struct queue_frame frame = {kind / 4 + 1u, (uint64_t)size * extra};

            while (segment->size % QUEUE_BLOCK_BYTES)
                buffer_add_byte(segment, 0);
            queue_frame_write(buffer_reserve(segment, QUEUE_FRAME_BYTES), seed, &frame);
            segment->size += QUEUE_FRAME_BYTES;
        } else if (kind % 4 == 1) { /* a record without content */
            struct queue_record record = {
                .type = QUEUE_RECORD_EVENTS, .sequence = extra, .body = bytes};

            queue_record_write(segment, &record);
            queue_record_seal(segment->data + at, seed, SLICE_NONE);
        } else {
            buffer_add(segment, bytes);
        }
    }
}

static void check_segment(struct slice input)
{
    CLEANUP(buffer_done) struct buffer segment = BUFFER_NONE;
    CLEANUP(queue_scan_close) struct queue_scan scan;
    struct input_disk d = {.disk = {&input_ops}};
    uint32_t seed = queue_record_seed(1, 1);
    struct queue_scanned scanned;
    enum queue_scan_result result;
    uint64_t last = 0;
    size_t steps = 0;

    lay_out(input, seed, &segment);
    d.bytes = buffer_slice(&segment);
    queue_scan_open(&scan, &d.disk, 0, seed, segment.size);
    while ((result = queue_scan_next(&scan, &scanned)) != QUEUE_SCAN_END) {
        fuzz_check(++steps < segment.size);
        if (result == QUEUE_SCAN_COMMIT) {
            fuzz_check(scan.number > last);
            last = scan.number;
            continue;
        }
        fuzz_check(scanned.offset >= QUEUE_BLOCK_BYTES &&
                   scanned.size <= segment.size - scanned.offset);
        if (result == QUEUE_SCAN_RECORD)
            check_events(scanned.record.body);
    }
    for (uint64_t at = QUEUE_BLOCK_BYTES; at < segment.size; at += QUEUE_BLOCK_BYTES)
        queue_scan_is_whole(&scan, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct queue_segment_head head;
    uint8_t choice = fuzz_byte(&input);

    if (queue_segment_head_read(input, &head) == 0)
        fuzz_check(input.size >= QUEUE_SEGMENT_HEAD_BYTES);
    if (choice % 5 == 0)
        check_events(input);
    if (choice % 5 == 1)
        check_envelope(input, false);
    if (choice % 5 == 2)
        check_envelope(input, true);
    if (choice % 5 == 3)
        check_state(input);
    if (choice % 5 == 4)
        check_segment(input);
    return 0;
}
