#include "wire/xtext.h"

static bool is_plain(char c)
{
    return c >= '!' && c <= '~' && c != '+' && c != '=';
}

void wire_xtext_encode(struct buffer *b, struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (is_plain(bytes.data[i]))
            buffer_add_byte(b, bytes.data[i]);
        else
            buffer_printf(b, "+%02X", (unsigned char)bytes.data[i]);
    }
}

/* Upper case only, as RFC 3461 §4 has it. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that "+XX" at the front of `s` stands for, or -1. */
static int hex_byte(struct slice s)
{
    int high, low;

    if (s.size < 3)
        return -1;
    high = hex_digit(s.data[1]);
    low = hex_digit(s.data[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

int wire_xtext_decode(struct arena *a, struct slice text, struct slice *ret)
{
    char *out = arena_allocate(a, text.size + 1);
    size_t size = 0;

    for (size_t at = 0; at < text.size; at++) {
        int byte = text.data[at];

        if (byte == '+') {
            byte = hex_byte(slice_part(text, at, 3));
            at += 2;
        } else if (!is_plain((char)byte)) {
            byte = -1;
        }
        if (byte < 0)
            return -EBADMSG;
        out[size++] = (char)byte;
    }
    *ret = slice_of(out, size);
    return 0;
}

/* At most four bytes; 0 for what is no character. */
static size_t utf8_put(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* \x{2 to 6 digits} at the front: its size in the text, with the character; 0 if it is not one. */
static size_t unicode_escape(struct slice s, uint32_t *ret)
{
    uint32_t c = 0;
    size_t at = 3;

    if (!slice_starts(s, SLICE("\\x{")))
        return 0;
    for (; at < s.size && s.data[at] != '}'; at++) {
        int digit = hex_digit(s.data[at]);

        if (digit < 0 || at > 8)
            return 0;
        c = c << 4 | (uint32_t)digit;
    }
    if (at == s.size || at < 5)
        return 0;
    *ret = c;
    return at + 1;
}

/* One character of the text: bytes taken from it, or 0. */
static size_t decode_utf8_step(struct slice s, char *out, size_t *size)
{
    uint32_t c;
    size_t taken, put;

    if (s.data[0] != '\\') {
        if (!is_plain(s.data[0]) && (unsigned char)s.data[0] < 0x80)
            return 0;
        out[(*size)++] = s.data[0];
        return 1;
    }
    taken = unicode_escape(s, &c);
    put = taken ? utf8_put(c, out + *size) : 0;
    *size += put;
    return put ? taken : 0;
}

int wire_xtext_decode_utf8(struct arena *a, struct slice text, struct slice *ret)
{
    char *out = arena_allocate(a, text.size + 1); /* an escape is longer than its character */
    size_t size = 0;

    if (!slice_is_utf8(text))
        return -EBADMSG;
    while (text.size) {
        size_t taken = decode_utf8_step(text, out, &size);

        if (taken == 0)
            return -EBADMSG;
        text = slice_part(text, taken, text.size);
    }
    *ret = slice_of(out, size);
    return 0;
}
