#include "onboard/spf_macro.h"

#include "base/buffer.h"

#include <ctype.h>

enum { NAME_BYTES_MAX = 253, PARTS_MAX = 128, KEEP_MAX = 128 /* labels of a name, at most */ };

/* "%{" letter [digits] ["r"] *delimiter "}". */
struct macro {
    char letter;
    bool escape; /* an upper-case letter */
    bool reverse;
    uint64_t keep; /* parts, from the right; 0: all */
    struct slice delimiters;
};

static const char delimiters_known[] = ".-+,/_=";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What stands between the braces. */
static int read_macro(struct slice inside, struct macro *ret)
{
    struct macro macro = {.letter = 0};
    size_t at = 1, digits = 1;

    if (inside.size == 0 || !memchr("slodiphv", tolower((unsigned char)inside.data[0]), 8))
        return -EBADMSG;
    macro.letter = (char)tolower((unsigned char)inside.data[0]);
    macro.escape = macro.letter != inside.data[0];
    while (at < inside.size && is_digit(inside.data[at]))
        at++;
    if (at > digits &&
        (slice_to_u64(slice_part(inside, digits, at - digits), KEEP_MAX, &macro.keep) < 0 ||
         macro.keep == 0))
        return -EBADMSG;
    macro.reverse = at < inside.size && tolower((unsigned char)inside.data[at]) == 'r';
    at += macro.reverse;
    macro.delimiters = slice_part(inside, at, inside.size);
    for (size_t i = 0; i < macro.delimiters.size; i++)
        if (!memchr(delimiters_known, macro.delimiters.data[i], sizeof delimiters_known - 1))
            return -EBADMSG;
    if (macro.delimiters.size == 0)
        macro.delimiters = SLICE(".");
    *ret = macro;
    return 0;
}

/* Cuts what is next off `rest`: a macro (1), or letters that stand for themselves or for others
 * (0), in *ret_plain. */
static int next_piece(struct slice *rest, struct macro *ret, struct slice *ret_plain)
{
    struct slice text = *rest;
    ssize_t end;

    *ret_plain = slice_part(text, 0, 1);
    *rest = slice_part(text, 1, text.size);
    if (text.data[0] != '%')
        return text.data[0] > ' ' && (unsigned char)text.data[0] < 127 ? 0 : -EBADMSG;
    *rest = slice_part(text, 2, text.size);
    switch (text.size > 1 ? text.data[1] : 0) {
    case '%':
        return 0;
    case '_':
        *ret_plain = SLICE(" ");
        return 0;
    case '-':
        *ret_plain = SLICE("%20");
        return 0;
    case '{':
        end = slice_find(*rest, '}');
        if (end < 0 || read_macro(slice_part(*rest, 0, (size_t)end), ret) < 0)
            return -EBADMSG;
        *rest = slice_part(*rest, (size_t)end + 1, rest->size);
        return 1;
    default:
        return -EBADMSG;
    }
}

bool spf_macro_valid(struct slice text, bool *ret_last)
{
    struct macro macro;
    struct slice plain;

    *ret_last = false;
    while (text.size) {
        *ret_last = text.data[0] == '%';
        if (next_piece(&text, &macro, &plain) < 0)
            return false;
    }
    return true;
}

bool spf_macro_wants_validated(struct slice text)
{
    struct macro macro;
    struct slice plain;
    int r = 0;

    while (text.size && r >= 0) {
        r = next_piece(&text, &macro, &plain);
        if (r == 1 && macro.letter == 'p')
            return true;
    }
    return false;
}

/* "192.0.2.1"; of IPv6 each half byte, "2.0.0.1.0.d…" (§7.3). */
static void add_address(struct buffer *out, const struct endpoint *address)
{
    for (size_t i = 0; i < (address->family == 4 ? 4 : 16); i++) {
        unsigned byte = address->address[i];

        if (address->family == 4)
            buffer_printf(out, "%s%u", i ? "." : "", byte);
        else
            buffer_printf(out, "%s%x.%x", i ? "." : "", byte >> 4, byte & 15);
    }
}

static void add_value(struct buffer *out, char letter, const struct spf_macro_values *values)
{
    switch (letter) {
    case 's':
        buffer_printf(out, "%.*s@%.*s", SLICE_ARG(values->local), SLICE_ARG(values->sender_domain));
        return;
    case 'l':
        buffer_add(out, values->local);
        return;
    case 'o':
        buffer_add(out, values->sender_domain);
        return;
    case 'd':
        buffer_add(out, values->domain);
        return;
    case 'h':
        buffer_add(out, values->helo);
        return;
    case 'p':
        buffer_add(out, values->validated);
        return;
    case 'v':
        buffer_add(out, values->address->family == 4 ? SLICE("in-addr") : SLICE("ip6"));
        return;
    default:
        add_address(out, values->address);
    }
}

/* Parts beyond PARTS_MAX stay together in the last: there is no such name. */
static size_t split(struct slice text, struct slice delimiters, struct slice parts[])
{
    size_t count = 0, start = 0;

    for (size_t i = 0; i < text.size && count < PARTS_MAX - 1; i++)
        if (memchr(delimiters.data, text.data[i], delimiters.size)) {
            parts[count++] = slice_part(text, start, i - start);
            start = i + 1;
        }
    parts[count++] = slice_part(text, start, text.size);
    return count;
}

static void add_escaped(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (isalnum(c) || memchr("-._~", c, 4)) /* RFC 3986 §2.3 */
            buffer_add_byte(out, (char)c);
        else
            buffer_printf(out, "%%%02X", c);
    }
}

static void add_macro(struct buffer *out, const struct macro *macro,
                      const struct spf_macro_values *values)
{
    CLEANUP(buffer_done) struct buffer value = BUFFER_NONE, joined = BUFFER_NONE;
    struct slice parts[PARTS_MAX];
    size_t count, first;

    add_value(&value, macro->letter, values);
    count = split(buffer_slice(&value), macro->delimiters, parts);
    first = macro->keep && macro->keep < count ? count - macro->keep : 0;
    for (size_t i = first; i < count; i++) {
        if (i > first)
            buffer_add_byte(&joined, '.');
        buffer_add(&joined, parts[macro->reverse ? count - 1 - i : i]);
    }
    if (macro->escape)
        add_escaped(out, buffer_slice(&joined));
    else
        buffer_add(out, buffer_slice(&joined));
}

static struct slice shorten(struct slice name)
{
    struct slice label;

    if (name.size && name.data[name.size - 1] == '.')
        name.size--;
    while (name.size > NAME_BYTES_MAX && slice_cut(&name, '.', &label))
        ;
    return name;
}

struct slice spf_macro_expand(struct arena *arena, struct slice text,
                              const struct spf_macro_values *values)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    struct macro macro;
    struct slice plain;
    int r = 0;

    while (text.size && r >= 0) {
        r = next_piece(&text, &macro, &plain);
        if (r == 0)
            buffer_add(&out, plain);
        if (r == 1)
            add_macro(&out, &macro, values);
    }
    return arena_copy(arena, shorten(buffer_slice(&out)));
}
