#include "wire/base32.h"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void wire_base32_encode(struct buffer *out, struct slice bytes)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < bytes.size; i++) {
        bits = bits << 8 | (unsigned char)bytes.data[i];
        for (held += 8; held >= 5; held -= 5)
            buffer_add_byte(out, alphabet[bits >> (held - 5) & 31]);
    }
    if (held)
        buffer_add_byte(out, alphabet[bits << (5 - held) & 31]);
}

/* 0 to 31, or -1. */
static int value_of(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= '2' && c <= '7')
        return c - '2' + 26;
    return -1;
}

int wire_base32_decode(struct slice text, void *out, size_t capacity, size_t *ret_size)
{
    size_t size = text.size * 5 / 8, written = 0;
    unsigned char *at = out;
    uint32_t bits = 0;
    unsigned held = 0;

    if (wire_base32_encoded_size(size) != text.size) /* 1, 3 or 6 characters end no byte */
        return -EINVAL;
    if (size > capacity)
        return -ENOSPC;
    for (size_t i = 0; i < text.size; i++) {
        int value = value_of(text.data[i]);

        if (value < 0)
            return -EINVAL;
        bits = bits << 5 | (uint32_t)value;
        held += 5;
        if (held >= 8) {
            held -= 8;
            at[written++] = (unsigned char)(bits >> held);
        }
    }
    if (bits & ((1u << held) - 1))
        return -EINVAL;
    *ret_size = written;
    return 0;
}
