/* What gateways tell of relays: what is read can be written again, byte for byte. */
#include "fuzz.h"

#include "deliver/relay_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct slice body = slice_of(data, size), rest = body;
    struct relay_use_told one;

    while (relay_use_read(&rest, &one))
        relay_use_write(&again, &one);
    fuzz_check(slice_equal(buffer_slice(&again), slice_part(body, 0, size - rest.size)));
    return 0;
}
