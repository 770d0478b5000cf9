#include "wire/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* One more than the value of each character; 0 stands for all other bytes. */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static void encode_group(const unsigned char *in, char *out)
{
    uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

    out[0] = alphabet[group >> 18];
    out[1] = alphabet[group >> 12 & 63];
    out[2] = alphabet[group >> 6 & 63];
    out[3] = alphabet[group & 63];
}

/* The last one or two bytes, with padding. */
static void encode_rest(const unsigned char *in, size_t size, char *out)
{
    unsigned char group[3] = {in[0], size > 1 ? in[1] : 0, 0};

    encode_group(group, out);
    out[3] = '=';
    if (size == 1)
        out[2] = '=';
}

void wire_base64_encode(struct buffer *out, struct slice bytes)
{
    const unsigned char *in = (const unsigned char *)bytes.data;
    size_t whole = bytes.size / 3 * 3;
    size_t encoded = wire_base64_encoded_size(bytes.size);
    char *at = buffer_reserve(out, encoded);

    for (size_t i = 0; i < whole; i += 3, at += 4)
        encode_group(in + i, at);
    if (whole < bytes.size)
        encode_rest(in + whole, bytes.size - whole, at);
    out->size += encoded;
}

void wire_base64_encode_lines(struct buffer *out, struct slice bytes, size_t first, size_t others,
                              struct slice line_break)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct slice rest;

    assert(others > 0);
    wire_base64_encode(&text, bytes);
    rest = buffer_slice(&text);
    for (size_t room = first; rest.size > room; room = others) {
        buffer_add(out, slice_part(rest, 0, room));
        buffer_add(out, line_break);
        rest = slice_part(rest, room, rest.size);
    }
    buffer_add(out, rest);
}

/* Four characters without padding to 24 bits; above 24 bits if one is not of the alphabet. */
static uint32_t decode_group(const unsigned char *in)
{
    uint32_t a = values[in[0]] - 1u, b = values[in[1]] - 1u, c = values[in[2]] - 1u,
             d = values[in[3]] - 1u;

    return (a | b | c | d) > 63 ? UINT32_MAX : a << 18 | b << 12 | c << 6 | d;
}

/* The last four characters when they are padded: one or two bytes. */
static int decode_padded(const unsigned char *in, unsigned char *out, size_t size)
{
    unsigned char filled[4] = {in[0], in[1], size > 1 ? in[2] : 'A', 'A'};
    uint32_t group = decode_group(filled);

    if (group == UINT32_MAX || (group & (size > 1 ? 0xff : 0xffff)) != 0)
        return -EINVAL;
    out[0] = (unsigned char)(group >> 16);
    if (size > 1)
        out[1] = (unsigned char)(group >> 8);
    return 0;
}

static size_t padding_size(struct slice text)
{
    if (text.size == 0 || text.data[text.size - 1] != '=')
        return 0;
    return text.data[text.size - 2] == '=' ? 2 : 1;
}

int wire_base64_decode(struct slice text, void *out, size_t capacity, size_t *ret_size)
{
    const unsigned char *in = (const unsigned char *)text.data;
    unsigned char *at = out;
    size_t padding, whole, size;

    if (text.size % 4 != 0)
        return -EINVAL;
    padding = padding_size(text);
    size = text.size / 4 * 3 - padding;
    if (size > capacity)
        return -ENOSPC;

    whole = padding ? text.size - 4 : text.size;
    for (size_t i = 0; i < whole; i += 4) {
        uint32_t group = decode_group(in + i);

        if (group == UINT32_MAX)
            return -EINVAL;
        *at++ = (unsigned char)(group >> 16);
        *at++ = (unsigned char)(group >> 8);
        *at++ = (unsigned char)group;
    }
    if (padding && decode_padded(in + whole, at, 3 - padding) < 0)
        return -EINVAL;
    *ret_size = size;
    return 0;
}
