/* CRC-32C (Castagnoli, as in RFC 3720 §12.1): recognises bytes that a disk lost, tore or changed.
 * Not for strangers: whoever can write the bytes can make the sum fit. Uses the processor's
 * instruction where there is one. */
#ifndef LETTERHEAD_BASE_CRC32C_H
#define LETTERHEAD_BASE_CRC32C_H

#include "base/slice.h"

/* Continues `crc`, the sum of what came before (0 at the start), over `bytes`. */
uint32_t crc32c_add(uint32_t crc, struct slice bytes);

/* The same without the instruction; for tests. */
uint32_t crc32c_add_by_table(uint32_t crc, struct slice bytes);

#endif
