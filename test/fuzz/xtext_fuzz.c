/* xtext: what decodes encodes and decodes to the same bytes; any bytes can be carried. */
#include "fuzz.h"

#include "wire/message_id.h"
#include "wire/xtext.h"

static void check_carries(struct arena *a, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct slice decoded;

    wire_xtext_encode(&b, bytes);
    fuzz_check(wire_xtext_decode(a, buffer_slice(&b), &decoded) == 0);
    fuzz_check(slice_equal(decoded, bytes));
}

static void check_message_id(struct slice text)
{
    char again[MESSAGE_ID_LENGTH + 1];
    struct message_id id;

    if (message_id_parse(text, &id) < 0)
        return;
    message_id_format(&id, again);
    fuzz_check(slice_equal(slice_text(again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct slice input = slice_of(data, size), decoded;

    check_carries(&a, input);
    if (wire_xtext_decode(&a, input, &decoded) == 0)
        check_carries(&a, decoded);
    if (wire_xtext_decode_utf8(&a, input, &decoded) == 0)
        fuzz_check(slice_is_utf8(decoded) && decoded.size <= input.size);
    check_message_id(input);
    return 0;
}
