#include "base/slice.h"

#include <stdlib.h>
#include <strings.h>

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool slice_same_folded(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (fold(a[i]) != fold(b[i]))
            return false;
    return true;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;

    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return slice_equal(slice_part(s, 0, prefix.size), prefix);
}

bool slice_starts_nocase(struct slice s, struct slice prefix)
{
    return slice_equal_nocase(slice_part(s, 0, prefix.size), prefix);
}

bool slice_ends_nocase(struct slice s, struct slice suffix)
{
    if (s.size < suffix.size)
        return false;
    return slice_equal_nocase(slice_part(s, s.size - suffix.size, suffix.size), suffix);
}

ssize_t slice_find_last(struct slice s, char c)
{
    const char *at = s.size ? memrchr(s.data, c, s.size) : NULL;

    return at ? at - s.data : -1;
}

ssize_t slice_find_slice(struct slice s, struct slice needle)
{
    const char *at;

    if (needle.size == 0)
        return 0;
    at = s.size ? memmem(s.data, s.size, needle.data, needle.size) : NULL;
    return at ? at - s.data : -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.size && is_blank(s.data[0]))
        s = slice_part(s, 1, s.size);
    while (s.size && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

bool slice_cut(struct slice *rest, char separator, struct slice *ret_part)
{
    ssize_t at = slice_find(*rest, separator);

    if (at < 0) {
        *ret_part = *rest;
        *rest = SLICE_NONE;
        return false;
    }
    *ret_part = slice_part(*rest, 0, (size_t)at);
    *rest = slice_part(*rest, (size_t)at + 1, rest->size);
    return true;
}

int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    bool overflow = false;

    if (s.size == 0)
        return -EINVAL;
    for (size_t i = 0; i < s.size; i++) {
        unsigned digit = (unsigned char)s.data[i] - (unsigned)'0';

        if (digit > 9)
            return -EINVAL;
        overflow |= value > (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    if (overflow || value > max)
        return -ERANGE;
    *ret = value;
    return 0;
}

/* Length of the well-formed sequence at the front of s, or 0. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if ((p[0] & 0xf0) == 0xe0) {
        if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
            return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
            return 0;
        return 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (left < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
            return 0;
        if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
            return 0;
        return 4;
    }
    return 0;
}

bool slice_is_utf8(struct slice s)
{
    size_t at = 0;

    while (at < s.size) {
        size_t length = utf8_sequence((const unsigned char *)s.data + at, s.size - at);

        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

/* By blocks, without a branch in the inner loop, so that it runs in vector registers: every message
 * passes through here. */
bool slice_is_ascii(struct slice s)
{
    enum { BLOCK = 256 };

    for (size_t start = 0; start < s.size; start += BLOCK) {
        size_t end = s.size - start < BLOCK ? s.size : start + BLOCK;
        unsigned char any = 0;

        for (size_t i = start; i < end; i++)
            any |= (unsigned char)s.data[i];
        if (any >= 0x80)
            return false;
    }
    return true;
}

char *slice_duplicate(struct slice s)
{
    char *copy = base_allocate(s.size + 1);

    if (s.size)
        memcpy(copy, s.data, s.size);
    return copy;
}

bool slice_equal_constant_time(struct slice a, struct slice b)
{
    volatile unsigned char difference = 0;

    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        difference |= (unsigned char)(a.data[i] ^ b.data[i]);
    return difference == 0;
}
