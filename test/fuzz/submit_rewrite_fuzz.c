/* Putting a header right: the body stays, what must go is gone, what must be there is there, and
 * doing it twice is doing it once. */
#include "fuzz.h"

#include "submit/rewrite.h"

#define TRACE "Received: by mail.test\r\n"

static const struct submit_rewrite REWRITE = {
    .host_name = {"mail.test", 9}, .id = {.ms = 1}, .trace_size = sizeof(TRACE) - 1};

/* Scans what stands behind the trace; false when that is no header. */
static bool scan(struct arena *a, const struct buffer *bytes, struct wire_header *ret)
{
    struct wire_error error;

    return wire_header_scan(a, slice_part(buffer_slice(bytes), REWRITE.trace_size, bytes->size),
                            ret, &error) == 0;
}

static void check_header(const struct wire_header *header, struct slice body)
{
    static const char *const gone[] = {"Bcc", "Resent-Bcc", "Return-Path", "X-SES-TENANT"};

    fuzz_check(slice_equal(header->body, body));
    fuzz_check(wire_header_count(header, SLICE("Date")) >= 1);
    fuzz_check(wire_header_count(header, SLICE("Message-ID")) >= 1);
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        fuzz_check(!wire_header_find(header, slice_text(gone[i]), NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    struct wire_header header;
    struct slice body, once;
    size_t header_size;

    buffer_add(&bytes, SLICE(TRACE));
    buffer_add(&bytes, slice_of(data, size));
    if (!scan(&a, &bytes, &header))
        return 0;
    body = arena_copy(&a, header.body);
    header_size = submit_rewrite_header(&REWRITE, &header, &bytes);
    fuzz_check(header_size + body.size == bytes.size);
    fuzz_check(slice_starts(buffer_slice(&bytes), SLICE(TRACE)));

    /* Added fields may go past the limit of the scan; then there is nothing more to compare. */
    if (!scan(&a, &bytes, &header))
        return 0;
    check_header(&header, body);
    once = arena_copy(&a, buffer_slice(&bytes));
    (void)!submit_rewrite_header(&REWRITE, &header, &bytes);
    fuzz_check(slice_equal(buffer_slice(&bytes), once));
    return 0;
}
