/* Frames between processes: what is read can be written again, byte for byte. */
#include "fuzz.h"

#include "base/limits.h"
#include "wire/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct slice datagram = slice_of(data, size);
    struct ipc_frame frame;

    if (ipc_frame_read(datagram, &frame) < 0)
        return 0;
    fuzz_check(frame.body.size == size - IPC_HEADER_BYTES && size <= LIMIT_FRAME_BYTES);
    fuzz_check(frame.status == 0 || (frame.status < 0 && frame.kind == IPC_REPLY));
    ipc_frame_write(&again, &frame);
    fuzz_check(slice_equal(buffer_slice(&again), datagram));
    return 0;
}
