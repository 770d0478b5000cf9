#include "wire/address.h"

#include "base/limits.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>

enum { ADDRESS_BYTES_MAX = LIMIT_PATH_BYTES - 2 }; /* the path without its brackets */

static int fail(struct wire_error *ret_error, int error, const char *what, size_t offset)
{
    *ret_error = (struct wire_error){what, offset};
    return error;
}

/* atext of RFC 5322 §3.2.3; every byte of UTF-8 too (RFC 6531 §3.3), which was checked before. */
static bool is_atext(char c)
{
    if (c >= '0' && c <= '9')
        return true;
    if ((c | 32) >= 'a' && (c | 32) <= 'z')
        return true;
    return (unsigned char)c >= 0x80 || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_dot_string(struct slice s)
{
    bool atom = false;

    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] == '.' ? !atom : !is_atext(s.data[i]))
            return false;
        atom = s.data[i] != '.';
    }
    return atom;
}

/* Characters that break a line, turn text round or cannot be seen: nobody's name, but good for
 * deceiving whoever reads a log or the console. */
static bool is_deceptive(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200b}, {0x200e, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfdd0, 0xfdef}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return (c & 0xfffe) == 0xfffe; /* noncharacters at the end of each plane */
}

/* The character at the front of well-formed UTF-8. */
static uint32_t utf8_character(const char *at, size_t *ret_size)
{
    unsigned char lead = (unsigned char)*at;
    size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t c = size == 1 ? lead : lead & (0x7fu >> size);

    for (size_t i = 1; i < size; i++)
        c = c << 6 | ((unsigned char)at[i] & 0x3f);
    *ret_size = size;
    return c;
}

static bool has_deceptive(struct slice s)
{
    for (size_t i = 0, size; i < s.size; i += size)
        if (is_deceptive(utf8_character(s.data + i, &size)))
            return true;
    return false;
}

/* =?charset?B or Q?text?= : RFC 2047 §5 forbids it in an address, and servers that decode it all
 * the same would see another one. */
static bool has_encoded_word(struct slice local)
{
    ssize_t start = slice_find_slice(local, SLICE("=?"));
    struct slice rest, part;

    if (start < 0)
        return false;
    rest = slice_part(local, (size_t)start + 2, local.size);
    if (!slice_cut(&rest, '?', &part) || part.size == 0)
        return false;
    if (!slice_cut(&rest, '?', &part) || part.size != 1 || !strchr("bBqQ", part.data[0]))
        return false;
    return slice_find_slice(rest, SLICE("?=")) >= 0;
}

/* Bytes of the dot-string at the front; what follows is the caller's to judge. */
static int local_dot_string(struct slice text, struct slice *ret_local,
                            struct wire_error *ret_error)
{
    size_t size = 0;

    while (size < text.size && (is_atext(text.data[size]) || text.data[size] == '.'))
        size++;
    if (size == 0)
        return fail(ret_error, -EBADMSG, "has no local part before the @", 0);
    *ret_local = slice_part(text, 0, size);
    if (!is_dot_string(*ret_local))
        return fail(ret_error, -EBADMSG,
                    "has a dot at the start or end of the local part, or two in a row", 0);
    return 0;
}

/* The next character of a quoted string (RFC 5321 §4.1.2), without its backslash. */
static int quoted_character(struct slice text, size_t *at, char *ret, struct wire_error *ret_error)
{
    size_t start = *at;
    bool escaped = text.data[start] == '\\';
    char c;

    if (escaped && ++*at == text.size)
        return fail(ret_error, -EBADMSG, "ends in a backslash", start);
    c = text.data[(*at)++];
    if ((c >= 0 && c < ' ') || c == 0x7f)
        return fail(ret_error, -EBADMSG, "has a control character in the quoted local part", start);
    if (escaped && (unsigned char)c >= 0x80)
        return fail(ret_error, -EBADMSG, "has a backslash before a character outside ASCII", start);
    *ret = c;
    return 0;
}

/* Reads "..." at the front into the bytes that it means. */
static int local_quoted_string(struct arena *a, struct slice text, struct slice *ret_local,
                               size_t *ret_size, struct wire_error *ret_error)
{
    char *bytes = arena_allocate(a, text.size);
    size_t size = 0, at = 1;
    int r;

    while (at < text.size && text.data[at] != '"') {
        r = quoted_character(text, &at, bytes + size, ret_error);
        if (r < 0)
            return r;
        size++;
    }
    if (at >= text.size)
        return fail(ret_error, -EBADMSG, "has a quoted local part that is not closed", 0);
    *ret_local = slice_of(bytes, size);
    *ret_size = at + 1;
    return 0;
}

static int local_limits(const struct address *address, size_t written, struct wire_error *ret_error)
{
    if (written > LIMIT_LOCAL_PART_BYTES)
        return fail(ret_error, -E2BIG, "has a local part of more than 64 bytes",
                    LIMIT_LOCAL_PART_BYTES);
    if (has_encoded_word(address->local))
        return fail(ret_error, -EBADMSG, "has an encoded word in the local part (RFC 2047)", 0);
    if (address->needs_smtputf8 && has_deceptive(address->local))
        return fail(ret_error, -EBADMSG, "has an invisible or control character in the local part",
                    0);
    return 0;
}

static int parse_local(struct arena *a, struct slice text, struct address *address,
                       size_t *ret_size, struct wire_error *ret_error)
{
    int r;

    if (text.data[0] == '"') {
        r = local_quoted_string(a, text, &address->local, ret_size, ret_error);
        address->local_quoted = r == 0 && !is_dot_string(address->local);
    } else {
        r = local_dot_string(text, &address->local, ret_error);
        if (r == 0) {
            *ret_size = address->local.size;
            address->local = arena_copy(a, address->local);
        }
    }
    if (r < 0)
        return r;
    address->needs_smtputf8 = !slice_is_ascii(address->local);
    return local_limits(address, *ret_size, ret_error);
}

static int check_label(struct slice label, size_t offset, struct wire_error *ret_error)
{
    if (label.size == 0)
        return fail(ret_error, -EBADMSG,
                    "has a dot at the start or end of the domain, or two in a row", offset);
    if (label.size > LIMIT_LABEL_BYTES)
        return fail(ret_error, -E2BIG, "has a part of more than 63 bytes in the domain", offset);
    if (label.data[0] == '-' || label.data[label.size - 1] == '-')
        return fail(ret_error, -EBADMSG, "has a hyphen at the start or end of a part of the domain",
                    offset);
    for (size_t i = 0; i < label.size; i++) {
        char c = label.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return fail(ret_error, -EBADMSG,
                        "has something in the domain that is no letter, digit, hyphen or dot",
                        offset + i);
    }
    return 0;
}

/* A domain that is ASCII and lower case already (RFC 5321 §4.1.2, RFC 1035 §2.3.1). */
static int check_domain(struct slice domain, struct wire_error *ret_error)
{
    struct slice rest = domain, label;
    bool more = true;
    int r = 0;

    if (domain.size == 0)
        return fail(ret_error, -EBADMSG, "has no domain after the @", 0);
    if (domain.size > LIMIT_DOMAIN_BYTES)
        return fail(ret_error, -E2BIG, "has a domain of more than 255 bytes", LIMIT_DOMAIN_BYTES);
    while (more && r == 0) {
        more = slice_cut(&rest, '.', &label);
        r = check_label(label, (size_t)(label.data - domain.data), ret_error);
    }
    return r;
}

/* U-labels to A-labels (IDNA2008 after the mapping of UTS 46). The result is checked like any other
 * domain, because mapping can yield characters that no domain has. Not IDN2_USE_STD3_ASCII_RULES:
 * libidn2 then drops such characters without a word, and the domain would become another one. */
static int map_domain(struct arena *a, struct slice text, struct slice *ret,
                      struct wire_error *ret_error)
{
    static const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
    struct slice copy = arena_copy(a, text);
    char *mapped = NULL;

    if (memchr(text.data, 0, text.size) || has_deceptive(text))
        return fail(ret_error, -EBADMSG, "has an invisible or control character in the domain", 0);
    if (idn2_to_ascii_8z(copy.data, &mapped, flags) != IDN2_OK)
        return fail(ret_error, -EBADMSG, "has a domain that is not valid by IDNA (RFC 5891)", 0);
    *ret = arena_copy_lower(a, slice_text(mapped));
    idn2_free(mapped);
    return 0;
}

static int check_utf8(struct slice text, unsigned flags, struct wire_error *ret_error)
{
    size_t ascii = 0;

    if (slice_is_ascii(text))
        return 0;
    while ((unsigned char)text.data[ascii] < 0x80)
        ascii++;
    if (!(flags & WIRE_ADDRESS_UTF8))
        return fail(ret_error, -EAFNOSUPPORT,
                    "has characters outside ASCII, which need SMTPUTF8 (RFC 6531)", ascii);
    if (!slice_is_utf8(text))
        return fail(ret_error, -EBADMSG, "is not valid UTF-8", ascii);
    return 0;
}

int wire_domain_parse(struct arena *a, struct slice text, unsigned flags, struct slice *ret,
                      struct wire_error *ret_error)
{
    struct slice domain;
    int r;

    if (text.size > LIMIT_DOMAIN_BYTES)
        return fail(ret_error, -E2BIG, "has a domain of more than 255 bytes", LIMIT_DOMAIN_BYTES);
    r = check_utf8(text, flags, ret_error);
    if (r < 0)
        return r;
    if (slice_is_ascii(text))
        domain = arena_copy_lower(a, text);
    else
        r = map_domain(a, text, &domain, ret_error);
    if (r == 0)
        r = check_domain(domain, ret_error);
    if (r == 0)
        *ret = domain;
    else if (!slice_is_ascii(text))
        ret_error->offset = 0; /* a place in the mapped name says nothing about the text */
    return r;
}

/* RFC 5321 §4.1.3: "::" stands for at least two groups, which inet_pton() does not ask for. */
static bool ipv6_compression_is_useful(const char *text)
{
    size_t groups = strchr(text, '.') ? 1 : 0;

    if (!strstr(text, "::"))
        return true;
    for (const char *at = text; *at; at++)
        if (*at != ':' && (at == text || at[-1] == ':'))
            groups++;
    return groups <= 6;
}

static bool literal_ipv4(const char *text, char *out, size_t out_size)
{
    struct in_addr ip;

    return inet_pton(AF_INET, text, &ip) == 1 && inet_ntop(AF_INET, &ip, out, (socklen_t)out_size);
}

static bool literal_ipv6(const char *text, char *out, size_t out_size)
{
    struct in6_addr ip;

    return inet_pton(AF_INET6, text, &ip) == 1 && ipv6_compression_is_useful(text) &&
           inet_ntop(AF_INET6, &ip, out, (socklen_t)out_size);
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" in its one spelling. */
static int parse_literal(struct arena *a, struct slice text, struct slice *ret,
                         struct wire_error *ret_error)
{
    struct slice inner = slice_part(text, 1, text.size - 2);
    char given[64], canonical[INET6_ADDRSTRLEN];
    bool ipv6 = slice_starts_nocase(inner, SLICE("IPv6:"));

    if (text.size < 2 || text.data[text.size - 1] != ']')
        return fail(ret_error, -EBADMSG, "has an address literal that does not end in ]", 0);
    if (ipv6)
        inner = slice_part(inner, 5, inner.size);
    if (inner.size >= sizeof given || (inner.size && memchr(inner.data, 0, inner.size)))
        return fail(ret_error, -EBADMSG, "has an address literal that is no IP address", 0);
    snprintf(given, sizeof given, "%.*s", SLICE_ARG(inner));
    if (!(ipv6 ? literal_ipv6 : literal_ipv4)(given, canonical, sizeof canonical))
        return fail(ret_error, -EBADMSG, "has an address literal that is no IP address", 0);
    *ret = arena_printf(a, "[%s%s]", ipv6 ? "IPv6:" : "", canonical);
    return 0;
}

static int parse_domain(struct arena *a, struct slice text, unsigned flags, struct address *address,
                        struct wire_error *ret_error)
{
    address->literal = text.size && text.data[0] == '[';
    if (!address->literal)
        return wire_domain_parse(a, text, flags, &address->domain, ret_error);
    if (!(flags & WIRE_ADDRESS_LITERAL))
        return fail(ret_error, -EBADMSG, "has an IP address in place of a domain", 0);
    return parse_literal(a, text, &address->domain, ret_error);
}

static size_t quoted_size(struct slice local)
{
    size_t size = local.size + 2;

    for (size_t i = 0; i < local.size; i++)
        size += local.data[i] == '"' || local.data[i] == '\\';
    return size;
}

static size_t formatted_size(const struct address *address)
{
    size_t local = address->local_quoted ? quoted_size(address->local) : address->local.size;

    return local + 1 + address->domain.size;
}

/* What can be said of the whole before looking at its parts. */
static int check_whole(struct slice text, unsigned flags, struct wire_error *ret_error)
{
    if (text.size == 0)
        return fail(ret_error, -EBADMSG, "is empty", 0);
    if (text.data[0] == '@' && slice_find(text, ':') >= 0)
        return fail(ret_error, -EBADMSG,
                    "has a source route, which is not accepted (RFC 5321 appendix C)", 0);
    if (text.size > ADDRESS_BYTES_MAX)
        return fail(ret_error, -E2BIG, "is longer than 254 bytes", ADDRESS_BYTES_MAX);
    return check_utf8(text, flags, ret_error);
}

static int check_at_sign(struct slice text, size_t at, struct wire_error *ret_error)
{
    if (at == text.size)
        return fail(ret_error, -EBADMSG, "has no @ and domain after the local part", at);
    if (text.data[at] == '@')
        return 0;
    return fail(ret_error, -EBADMSG,
                text.data[0] == '"'
                    ? "has something between the quoted local part and the @"
                    : "has a character in the local part that may only stand inside quotes",
                at);
}

int wire_address_parse(struct arena *a, struct slice text, unsigned flags, struct address *ret,
                       struct wire_error *ret_error)
{
    struct address address = {0};
    size_t at;
    int r;

    r = check_whole(text, flags, ret_error);
    if (r == 0)
        r = parse_local(a, text, &address, &at, ret_error);
    if (r == 0)
        r = check_at_sign(text, at, ret_error);
    if (r < 0)
        return r;
    r = parse_domain(a, slice_part(text, at + 1, text.size), flags, &address, ret_error);
    if (r < 0) {
        ret_error->offset += at + 1;
        return r;
    }
    if (formatted_size(&address) > ADDRESS_BYTES_MAX)
        return fail(ret_error, -E2BIG, "is longer than 254 bytes with its domain in ASCII", at + 1);
    *ret = address;
    return 0;
}

size_t wire_path_extent(struct slice text)
{
    size_t at = 1;

    if (text.size == 0 || text.data[0] != '<')
        return 0;
    if (text.size > 1 && text.data[1] == '"') {
        for (at = 2; at < text.size && text.data[at] != '"'; at++)
            at += text.data[at] == '\\';
    }
    for (; at < text.size; at++)
        if (text.data[at] == '>')
            return at + 1;
    return 0;
}

/* The two paths that are no addresses. */
static bool special_path(struct arena *a, struct slice inner, unsigned flags, struct address *ret)
{
    bool null = inner.size == 0 && (flags & WIRE_PATH_NULL);
    bool postmaster =
        slice_equal_nocase(inner, SLICE("postmaster")) && (flags & WIRE_PATH_POSTMASTER);

    if (null)
        *ret = (struct address){0};
    if (postmaster)
        *ret = (struct address){.local = arena_copy_lower(a, inner)};
    return null || postmaster;
}

int wire_path_parse(struct arena *a, struct slice text, unsigned flags, struct address *ret,
                    size_t *ret_size, struct wire_error *ret_error)
{
    size_t size = wire_path_extent(text);
    struct slice inner = slice_part(text, 1, size ? size - 2 : 0);
    int r = 0;

    if (size == 0)
        return fail(ret_error, -EBADMSG, "does not stand between < and >", 0);
    if (!special_path(a, inner, flags, ret))
        r = wire_address_parse(a, inner, flags, ret, ret_error);
    if (r < 0) {
        ret_error->offset += 1;
        return r;
    }
    *ret_size = size;
    return 0;
}

static void format_quoted(struct buffer *b, struct slice local)
{
    buffer_add_byte(b, '"');
    for (size_t i = 0; i < local.size; i++) {
        if (local.data[i] == '"' || local.data[i] == '\\')
            buffer_add_byte(b, '\\');
        buffer_add_byte(b, local.data[i]);
    }
    buffer_add_byte(b, '"');
}

void wire_address_format(struct buffer *b, const struct address *address)
{
    if (address->local_quoted)
        format_quoted(b, address->local);
    else
        buffer_add(b, address->local);
    if (address->domain.size) {
        buffer_add_byte(b, '@');
        buffer_add(b, address->domain);
    }
}

struct slice wire_address_text(struct arena *a, const struct address *address)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    wire_address_format(&b, address);
    return arena_copy(a, buffer_slice(&b));
}

bool wire_address_equal(const struct address *left, const struct address *right)
{
    return slice_equal(left->local, right->local) && slice_equal(left->domain, right->domain);
}
