#include "wire/redact.h"

#include "base/buffer.h"

#include <stdlib.h>

enum { ALIGNMENTS = 3 };

struct forms {
    struct secret raw;
    struct secret hex;                /* lower case */
    struct secret base64[ALIGNMENTS]; /* what stands there whatever is before and behind it */
};

struct redactor {
    struct forms secrets[REDACT_SECRETS_MAX];
    size_t count;
    size_t oldest; /* once all places are taken */
};

static void forms_done(struct forms *f)
{
    secret_done(&f->raw);
    secret_done(&f->hex);
    for (size_t i = 0; i < ALIGNMENTS; i++)
        secret_done(&f->base64[i]);
}

struct redactor *redactor_new(void)
{
    return base_allocate(sizeof(struct redactor));
}

void redactor_free(struct redactor *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        forms_done(&r->secrets[i]);
    free(r);
}

void redactor_free_pointer(struct redactor **r)
{
    redactor_free(*r);
}

static void make_hex(struct slice secret, struct secret *ret)
{
    static const char digits[] = "0123456789abcdef";

    secret_init(ret, 2 * secret.size);
    for (size_t i = 0; i < secret.size; i++) {
        ret->data[2 * i] = digits[(unsigned char)secret.data[i] >> 4];
        ret->data[2 * i + 1] = digits[(unsigned char)secret.data[i] & 15];
    }
}

/* Six bits of the secret, from any bit on. */
static unsigned six_bits(struct slice secret, size_t bit)
{
    unsigned high = (unsigned char)secret.data[bit / 8];
    unsigned low = bit / 8 + 1 < secret.size ? (unsigned char)secret.data[bit / 8 + 1] : 0;

    return (high << 8 | low) >> (10 - bit % 8) & 63;
}

/* The secret's base64 where `before` bytes precede it: of its characters those that are made of its
 * own bits alone. */
static void make_base64(struct slice secret, size_t before, struct secret *ret)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t first_bit = (6 - before * 8 % 6) % 6;

    secret_init(ret, (secret.size * 8 - first_bit) / 6);
    for (size_t i = 0; i < ret->size; i++)
        ret->data[i] = alphabet[six_bits(secret, first_bit + 6 * i)];
}

static bool is_known(const struct redactor *r, struct slice secret)
{
    for (size_t i = 0; i < r->count; i++)
        if (slice_equal(secret_slice(&r->secrets[i].raw), secret))
            return true;
    return false;
}

static struct forms *take_place(struct redactor *r)
{
    struct forms *place;

    if (r->count < REDACT_SECRETS_MAX)
        return &r->secrets[r->count++];
    place = &r->secrets[r->oldest];
    r->oldest = (r->oldest + 1) % REDACT_SECRETS_MAX;
    forms_done(place);
    return place;
}

void redactor_add(struct redactor *r, struct slice secret)
{
    struct forms *f;

    if (secret.size < REDACT_BYTES_MIN || is_known(r, secret))
        return;
    f = take_place(r);
    secret_copy(&f->raw, secret);
    make_hex(secret, &f->hex);
    for (size_t i = 0; i < ALIGNMENTS; i++)
        make_base64(secret, i, &f->base64[i]);
}

void redactor_add_all(struct redactor *r, const struct redactor *from)
{
    for (size_t i = 0; from && i < from->count; i++)
        redactor_add(r, secret_slice(&from->secrets[i].raw));
}

/* Each says how many bytes at the front of the text are the form; 0: none. */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many bytes stand for this one: itself, %XX, or + for a space. */
static size_t match_byte(struct slice text, char wanted)
{
    if (text.size >= 3 && text.data[0] == '%' && hex_value(text.data[1]) >= 0 &&
        hex_value(text.data[1]) * 16 + hex_value(text.data[2]) == (unsigned char)wanted)
        return 3;
    return text.size > 0 && (text.data[0] == wanted || (wanted == ' ' && text.data[0] == '+'));
}

/* Each byte in any of its writings. A "%" of the secret before two digits reads as an encoded byte
 * here; that the secret stands there as it is, match_raw sees. */
static size_t match_encoded(struct slice text, struct slice form)
{
    size_t at = 0;

    for (size_t i = 0; i < form.size; i++) {
        size_t size = match_byte(slice_part(text, at, text.size), form.data[i]);

        if (size == 0)
            return 0;
        at += size;
    }
    return at;
}

static size_t match_raw(struct slice text, struct slice form)
{
    return slice_starts(text, form) ? form.size : match_encoded(text, form);
}

static size_t match_hex(struct slice text, struct slice form)
{
    return slice_starts_nocase(text, form) ? form.size : 0;
}

static char common_alphabet(char c)
{
    return c == '-' ? '+' : c == '_' ? '/' : c;
}

static size_t match_base64(struct slice text, struct slice form)
{
    if (text.size < form.size)
        return 0;
    for (size_t i = 0; i < form.size; i++)
        if (common_alphabet(text.data[i]) != form.data[i])
            return 0;
    return form.size;
}

static size_t match(const struct forms *f, struct slice text)
{
    size_t longest = match_raw(text, secret_slice(&f->raw));
    size_t size = match_hex(text, secret_slice(&f->hex));

    longest = size > longest ? size : longest;
    for (size_t i = 0; i < ALIGNMENTS; i++) {
        size = match_base64(text, secret_slice(&f->base64[i]));
        longest = size > longest ? size : longest;
    }
    return longest;
}

size_t redactor_hide(const struct redactor *r, char *text, size_t size)
{
    size_t found = 0, step;

    for (size_t at = 0; at < size; at += step) {
        size_t longest = 0;

        for (size_t i = 0; i < r->count; i++) {
            size_t matched = match(&r->secrets[i], slice_of(text + at, size - at));

            longest = matched > longest ? matched : longest;
        }
        if (longest)
            memset(text + at, '*', longest);
        found += longest > 0;
        step = longest ? longest : 1;
    }
    return found;
}
