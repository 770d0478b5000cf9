/* Headers: the fields of an accepted header are the header, byte for byte, and hold no line end but
 * CR LF; the judgement of From gives an address or a reason. */
#include "fuzz.h"

#include "wire/from.h"

static void check_lines(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        fuzz_check(text.data[i] != 0);
        if (text.data[i] == '\n')
            fuzz_check(i > 0 && text.data[i - 1] == '\r');
        if (text.data[i] == '\r')
            fuzz_check(i + 1 < text.size && text.data[i + 1] == '\n');
    }
}

static void check_fields(const struct wire_header *h)
{
    size_t at = 0;

    for (size_t i = 0; i < h->count; i++) {
        const struct wire_field *field = &h->fields[i];

        fuzz_check(field->whole.data == h->text.data + at);
        fuzz_check(field->name.data == field->whole.data && field->name.size > 0);
        fuzz_check(field->name.data[field->name.size] == ':');
        fuzz_check(field->value.data == field->name.data + field->name.size + 1);
        at += field->whole.size;
    }
    fuzz_check(at == h->text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct slice message = slice_of(data, size);
    struct wire_header h;
    struct wire_from from;
    struct wire_error error;

    if (wire_header_scan(&a, message, &h, &error) < 0) {
        fuzz_check(error.what && error.offset <= size);
        return 0;
    }
    check_lines(h.text);
    check_fields(&h);
    wire_from_judge(&a, &h, &from);
    fuzz_check(wire_from_sentence(from.verdict) != NULL);
    fuzz_check((from.verdict == WIRE_FROM_OK) <= (wire_header_count(&h, SLICE("from")) == 1));
    return 0;
}
