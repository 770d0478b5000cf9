#include "wire/dns_text.h"

static void quote_byte(struct buffer *out, char c)
{
    unsigned char byte = (unsigned char)c;

    if (c == '"' || c == '\\')
        buffer_add_byte(out, '\\');
    if (byte < 0x20 || byte > 0x7e)
        buffer_printf(out, "\\%03u", byte);
    else
        buffer_add_byte(out, c);
}

static void quote_string(struct buffer *out, struct slice string)
{
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < string.size; i++)
        quote_byte(out, string.data[i]);
    buffer_add_byte(out, '"');
}

/* Takes at most 255 bytes off the front of *rest. */
static struct slice next_string(struct slice *rest)
{
    struct slice string = slice_part(*rest, 0, WIRE_DNS_STRING_BYTES_MAX);

    *rest = slice_part(*rest, string.size, rest->size);
    return string;
}

void wire_dns_text_quote(struct buffer *out, struct slice text)
{
    quote_string(out, next_string(&text));
    while (text.size) {
        buffer_add_byte(out, ' ');
        quote_string(out, next_string(&text));
    }
}

void wire_dns_text_encode(struct buffer *out, struct slice text)
{
    do {
        struct slice string = next_string(&text);

        buffer_add_u8(out, (uint8_t)string.size);
        buffer_add(out, string);
    } while (text.size);
}

int wire_dns_text_decode(struct slice rdata, struct buffer *out)
{
    struct cursor c = cursor_of(rdata);
    size_t before = out->size;

    if (rdata.size == 0)
        return -EBADMSG;
    while (c.rest.size && !c.failed)
        buffer_add(out, cursor_bytes(&c, cursor_u8(&c)));
    if (cursor_done(&c) < 0) {
        out->size = before;
        return -EBADMSG;
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* \DDD is a byte by its decimal value, \X any other character X itself (RFC 1035 §5.1). `*rest`
 * begins after the backslash. */
static int unescape(struct slice *rest, char *ret)
{
    uint64_t value;
    int r;

    if (rest->size == 0)
        return -EINVAL;
    if (!is_digit(rest->data[0])) {
        *ret = rest->data[0];
        *rest = slice_part(*rest, 1, rest->size);
        return 0;
    }
    if (rest->size < 3)
        return -EINVAL;
    r = slice_to_u64(slice_part(*rest, 0, 3), 255, &value);
    if (r < 0)
        return -EINVAL;
    *ret = (char)value;
    *rest = slice_part(*rest, 3, rest->size);
    return 0;
}

/* Whether the string that `*rest` is in ends here; takes a closing quote. */
static bool string_ends(struct slice *rest, bool quoted)
{
    if (!quoted)
        return rest->size == 0 || is_blank(rest->data[0]);
    if (rest->size == 0 || rest->data[0] != '"')
        return false;
    *rest = slice_part(*rest, 1, rest->size);
    return true;
}

/* `;` begins a comment and parentheses join lines, so they cannot stand bare; a quote inside a bare
 * string is somebody's mistake. */
static bool forbidden(char c, bool quoted)
{
    return !quoted && (c == ';' || c == '(' || c == ')' || c == '"');
}

/* Takes one string off the front. */
static int unquote_string(struct slice *rest, struct buffer *out)
{
    bool quoted = rest->data[0] == '"';
    size_t before = out->size;

    if (quoted)
        *rest = slice_part(*rest, 1, rest->size);
    while (!string_ends(rest, quoted)) {
        char c;

        if (rest->size == 0)
            return -EINVAL;
        c = rest->data[0];
        *rest = slice_part(*rest, 1, rest->size);
        if (forbidden(c, quoted) || (c == '\\' && unescape(rest, &c) < 0))
            return -EINVAL;
        if (out->size - before == WIRE_DNS_STRING_BYTES_MAX)
            return -EINVAL;
        buffer_add_byte(out, c);
    }
    return 0;
}

int wire_dns_text_unquote(struct slice presentation, struct buffer *out)
{
    struct slice rest = slice_trim(presentation);
    size_t before = out->size;

    if (rest.size == 0)
        return -EINVAL;
    while (rest.size) {
        int r = unquote_string(&rest, out);

        if (r < 0) {
            out->size = before;
            return r;
        }
        rest = slice_trim(rest);
    }
    return 0;
}

static bool is_alphanumeric(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool label_valid(struct slice label, bool underscore)
{
    if (label.size == 0 || label.size > 63)
        return false;
    if (label.data[0] == '-' || label.data[label.size - 1] == '-')
        return false;
    for (size_t i = 0; i < label.size; i++) {
        char c = label.data[i];

        if (!is_alphanumeric(c) && c != '-' && !(underscore && c == '_'))
            return false;
    }
    return true;
}

/* Yields the last label as well. */
static bool labels_valid(struct slice name, bool underscore, struct slice *ret_last)
{
    bool more = true;

    if (name.size > WIRE_DNS_NAME_BYTES_MAX)
        return false;
    while (more) {
        more = slice_cut(&name, '.', ret_last);
        if (!label_valid(*ret_last, underscore))
            return false;
    }
    return true;
}

bool wire_dns_name_valid(struct slice name)
{
    struct slice last;

    return labels_valid(name, true, &last);
}

bool wire_dns_host_valid(struct slice name)
{
    struct slice last;

    if (!labels_valid(name, false, &last))
        return false;
    for (size_t i = 0; i < last.size; i++)
        if (!is_digit(last.data[i]))
            return true;
    return false;
}
