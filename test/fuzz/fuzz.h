/* What all fuzz targets need: bytes of the input taken from its front, and a check that stays on.
 * A target calls codecs with what a stranger may send and checks what holds for every answer. */
#ifndef LETTERHEAD_TEST_FUZZ_H
#define LETTERHEAD_TEST_FUZZ_H

#include "base/buffer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, so that the fuzzer keeps the input. */
static inline void fuzz_check(bool holds)
{
    if (!holds)
        abort();
}

/* Takes one byte off the front; 0 when none is left. */
static inline uint8_t fuzz_byte(struct slice *input)
{
    uint8_t byte = input->size ? (uint8_t)input->data[0] : 0;

    *input = slice_part(*input, 1, input->size);
    return byte;
}

#endif
