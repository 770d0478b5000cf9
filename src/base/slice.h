/* A borrowed run of bytes with its length. Bytes travel this way everywhere; nothing relies on a
 * NUL. A slice owns nothing: it is good as long as the memory it points to. The empty slice may
 * have a NULL pointer. Comparisons "without case" fold ASCII only, as SMTP and header names want
 * it. */
#ifndef LETTERHEAD_BASE_SLICE_H
#define LETTERHEAD_BASE_SLICE_H

#include "base/base.h"

#include <string.h>

struct slice {
    const char *data;
    size_t size;
};

#define SLICE_NONE ((struct slice){NULL, 0})
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
/* For printf("%.*s", SLICE_ARG(s)); slices that may be longer than INT_MAX must be cut first. */
#define SLICE_ARG(s) (int)(s).size, (s).data ? (s).data : ""

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){(const char *)data, size};
}

static inline struct slice slice_text(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

/* The part from `start` (at most `size` bytes of it); both are cut to what is there. */
static inline struct slice slice_part(struct slice s, size_t start, size_t size)
{
    if (start > s.size)
        start = s.size;
    if (size > s.size - start)
        size = s.size - start;
    return slice_of(s.data ? s.data + start : NULL, size);
}

bool slice_equal(struct slice a, struct slice b);
/* For slice_equal_nocase: `size` bytes at both. */
bool slice_same_folded(const char *a, const char *b, size_t size);
static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
    return a.size == b.size && slice_same_folded(a.data, b.data, a.size);
}

/* Orders bytewise, a shorter prefix first: < 0, 0, > 0. */
int slice_compare(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends_nocase(struct slice s, struct slice suffix);

/* Position of the first (last) byte c, or -1. */
static inline ssize_t slice_find(struct slice s, char c)
{
    const char *at = s.size ? (const char *)memchr(s.data, c, s.size) : NULL;

    return at ? at - s.data : -1;
}

ssize_t slice_find_last(struct slice s, char c);
/* Position of the first `needle`, or -1. */
ssize_t slice_find_slice(struct slice s, struct slice needle);

/* Without leading and trailing space, tab, CR, LF. */
struct slice slice_trim(struct slice s);

/* Takes the part before `separator` off the front of *rest; *rest loses it and the separator.
 * Returns false, with the last part in *ret, when there was no separator left (*rest is then
 * empty). */
bool slice_cut(struct slice *rest, char separator, struct slice *ret_part);

/* Decimal digits only, no sign, no space. -EINVAL for anything else or an empty slice, -ERANGE past
 * max. */
MUST_CHECK int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret);

/* True if well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool slice_is_utf8(struct slice s);
bool slice_is_ascii(struct slice s);

/* A copy ended by NUL, from malloc. */
char *slice_duplicate(struct slice s);

/* Equal without a difference in time that depends on the contents; lengths may show. */
bool slice_equal_constant_time(struct slice a, struct slice b);

#endif
