/* Return paths: nothing made up is taken; what has the right form is written again to the same
 * characters, and read then. */
#include "fuzz.h"

#include "wire/return_path.h"

static const struct return_path_keys keys = {
    .current = {2, {"0123456789abcdefghijklmnopqrstuv", RETURN_PATH_KEY_BYTES}},
    .previous = {1, {"another key, of the time before..", RETURN_PATH_KEY_BYTES}},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct slice input = slice_of(data, size);
    struct return_path path, back;

    if (return_path_parse(input, &path) < 0) {
        fuzz_check(return_path_read(input, &keys, 0, &back) == -EINVAL);
        return 0;
    }
    return_path_write(&b, &keys.current, &path);
    fuzz_check(return_path_read(buffer_slice(&b), &keys, 0, &back) == 0);
    fuzz_check(back.recipient == path.recipient && back.last_day == path.last_day);
    fuzz_check(message_id_compare(&back.id, &path.id) == 0);
    if (return_path_read(input, &keys, 0, &back) == 0) {
        const bool current =
            slice_equal_nocase(slice_part(input, 0, 2), slice_part(buffer_slice(&b), 0, 2));

        b.size = 0;
        return_path_write(&b, current ? &keys.current : &keys.previous, &back);
        fuzz_check(slice_equal_nocase(buffer_slice(&b), input));
    }
    return 0;
}
