/* Comma-separated values: what was read can be written and read again as the same. */
#include "fuzz.h"

#include "wire/csv.h"

enum { FIELDS_MAX = 8 };

static void check_again(struct arena *arena, const struct slice *fields, size_t count)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct slice again[FIELDS_MAX], rest;
    size_t found;

    wire_csv_write(&text, fields, count);
    rest = buffer_slice(&text);
    fuzz_check(wire_csv_read(arena, &rest, again, FIELDS_MAX, &found) == 1);
    fuzz_check(found == count && rest.size == 0);
    for (size_t i = 0; i < count; i++)
        fuzz_check(slice_equal(again[i], fields[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct slice rest = slice_of(data, size), fields[FIELDS_MAX];
    size_t count, before = rest.size;

    while (wire_csv_read(&arena, &rest, fields, FIELDS_MAX, &count) == 1) {
        fuzz_check(rest.size < before);
        before = rest.size;
        check_again(&arena, fields, count < FIELDS_MAX ? count : FIELDS_MAX);
    }
    return 0;
}
