/* Base64 and base32: what decodes encodes to the same text, and bytes come back. */
#include "fuzz.h"

#include "wire/base32.h"
#include "wire/base64.h"

static void decode_base64(struct slice text)
{
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    size_t room = wire_base64_decoded_size_max(text.size);

    if (wire_base64_decode(text, buffer_reserve(&bytes, room + 1), room, &bytes.size) < 0)
        return;
    wire_base64_encode(&again, buffer_slice(&bytes));
    fuzz_check(slice_equal(buffer_slice(&again), text));
}

static void decode_base32(struct slice text)
{
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;

    if (wire_base32_decode(text, buffer_reserve(&bytes, text.size + 1), text.size, &bytes.size) < 0)
        return;
    wire_base32_encode(&again, buffer_slice(&bytes));
    fuzz_check(slice_equal_nocase(buffer_slice(&again), text));
}

static void round_trip(struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer back = BUFFER_NONE;

    wire_base64_encode(&text, bytes);
    buffer_reserve(&back, bytes.size + 1);
    fuzz_check(wire_base64_decode(buffer_slice(&text), back.data, bytes.size, &back.size) == 0);
    fuzz_check(slice_equal(buffer_slice(&back), bytes));
    text.size = 0;
    wire_base32_encode(&text, bytes);
    fuzz_check(wire_base32_decode(buffer_slice(&text), back.data, bytes.size, &back.size) == 0);
    fuzz_check(slice_equal(buffer_slice(&back), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);

    decode_base64(input);
    decode_base32(input);
    round_trip(input);
    return 0;
}
