#include "base/crc32c.h"

#include <pthread.h>

#define POLYNOMIAL 0x82f63b78u /* reflected */

/* table[0] is the usual byte table; table[k] advances a byte by k further zero bytes, so that eight
 * bytes go in one step. */
static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_fill(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int byte = 0; byte < 256; byte++)
            table[k][byte] = table[k - 1][byte] >> 8 ^ table[0][table[k - 1][byte] & 0xff];
}

static uint32_t load_32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t crc32c_add_by_table(uint32_t crc, struct slice bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.data;
    size_t left = bytes.size;

    pthread_once(&table_once, table_fill);
    crc = ~crc;
    for (; left >= 8; left -= 8, p += 8) {
        uint32_t low = crc ^ load_32(p), high = load_32(p + 4);

        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
              table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
    }
    for (; left; left--, p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t add_by_instruction(uint32_t crc,
                                                                     struct slice bytes)
{
    const char *p = bytes.data;
    size_t left = bytes.size;
    uint64_t sum = (uint32_t)~crc;

    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word;

        memcpy(&word, p, sizeof(word));
        sum = _mm_crc32_u64(sum, word);
    }
    for (; left; left--, p++)
        sum = _mm_crc32_u8((uint32_t)sum, (unsigned char)*p);
    return ~(uint32_t)sum;
}

uint32_t crc32c_add(uint32_t crc, struct slice bytes)
{
    if (__builtin_cpu_supports("sse4.2"))
        return add_by_instruction(crc, bytes);
    return crc32c_add_by_table(crc, bytes);
}
#else
uint32_t crc32c_add(uint32_t crc, struct slice bytes)
{
    return crc32c_add_by_table(crc, bytes);
}
#endif
