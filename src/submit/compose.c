#include "submit/compose.h"

#include "base/limits.h"
#include "wire/base64.h"

enum {
    PLAIN_BYTES_MAX = 70, /* of a text that stands in a header line as it is */
    ENCODED_BYTES_MAX =
        39,           /* of a word: its line stays below 76 behind "Subject: " (RFC 2047 §2) */
    BASE64_LINE = 76, /* RFC 2045 §6.8 */
};

/* Tabs and line ends only where `lines` allows them. */
static bool is_clean(struct slice text, bool lines)
{
    if (!slice_is_utf8(text))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c == 127 || (c < 32 && !(lines && (c == '\t' || c == '\n' || c == '\r'))))
            return false;
    }
    return true;
}

/* As many bytes as fit into one encoded word without cutting a character. */
static struct slice take_word(struct slice *text)
{
    size_t size = text->size < ENCODED_BYTES_MAX ? text->size : ENCODED_BYTES_MAX;
    struct slice word;

    while (size < text->size && (text->data[size] & 0xc0) == 0x80)
        size--;
    word = slice_part(*text, 0, size);
    *text = slice_part(*text, size, text->size);
    return word;
}

/* Encoded words (RFC 2047), a line each. */
static void add_encoded(struct buffer *out, struct slice text)
{
    for (bool first = true; text.size; first = false) {
        buffer_add(out, first ? SLICE("=?utf-8?B?") : SLICE("\r\n =?utf-8?B?"));
        wire_base64_encode(out, take_word(&text));
        buffer_add(out, SLICE("?="));
    }
}

/* What could be taken for an encoded word is encoded itself. */
static void add_unstructured(struct buffer *out, struct slice text)
{
    if (slice_is_ascii(text) && text.size <= PLAIN_BYTES_MAX &&
        slice_find_slice(text, SLICE("=?")) < 0)
        buffer_add(out, text);
    else
        add_encoded(out, text);
}

static bool is_atom_text(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!word && !strchr(" !#$%&'*+-/^_`{|}~", c))
            return false;
    }
    return text.size <= PLAIN_BYTES_MAX;
}

static void add_from(struct buffer *out, const struct compose_fields *fields)
{
    buffer_add(out, SLICE("From: "));
    if (fields->from_name.size && is_atom_text(fields->from_name))
        buffer_add(out, fields->from_name);
    else
        add_encoded(out, fields->from_name);
    buffer_add(out, fields->from_name.size ? SLICE("\r\n <") : SLICE("<"));
    wire_address_format(out, &fields->from);
    buffer_add(out, SLICE(">\r\n"));
}

static void add_to(struct buffer *out, const struct compose_fields *fields)
{
    buffer_add(out, SLICE("To: <"));
    for (size_t i = 0; i < fields->to_count; i++) {
        buffer_add(out, i ? SLICE(">,\r\n <") : SLICE_NONE);
        wire_address_format(out, &fields->to[i]);
    }
    buffer_add(out, SLICE(">\r\n"));
}

/* The text with CR LF at each line's end, the last one too. */
static void normalise_lines(struct slice text, struct buffer *out)
{
    struct slice line;
    bool more = text.size > 0;

    while (more) {
        more = slice_cut(&text, '\n', &line);
        if (!more && line.size == 0)
            break;
        if (line.size && line.data[line.size - 1] == '\r')
            line.size--;
        buffer_add(out, line);
        buffer_add(out, SLICE("\r\n"));
    }
}

static bool is_seven_bit(struct slice text)
{
    struct slice line;
    bool more = true;

    if (!slice_is_ascii(text) || slice_find(text, '\0') >= 0)
        return false;
    while (more) {
        more = slice_cut(&text, '\n', &line);
        if (line.size > LIMIT_TEXT_LINE_BYTES ||
            slice_find(slice_part(line, 0, line.size - 1), '\r') >= 0)
            return false;
    }
    return true;
}

static void add_text(struct buffer *out, struct slice text)
{
    CLEANUP(buffer_done) struct buffer lines = BUFFER_NONE;

    normalise_lines(text, &lines);
    buffer_add(out, SLICE("Content-Type: text/plain; charset=utf-8\r\n"));
    if (is_seven_bit(buffer_slice(&lines))) {
        buffer_add(out, SLICE("Content-Transfer-Encoding: 7bit\r\n\r\n"));
        buffer_add(out, buffer_slice(&lines));
        return;
    }
    buffer_add(out, SLICE("Content-Transfer-Encoding: base64\r\n\r\n"));
    wire_base64_encode_lines(out, buffer_slice(&lines), BASE64_LINE, BASE64_LINE, SLICE("\r\n"));
    buffer_add(out, SLICE("\r\n"));
}

/* RFC 2046 §5.1.1: no line of the parts may be the boundary. The text has none, since it would have
 * to come from a digest's numbers, and the table is in base64. */
#define BOUNDARY "=_letterhead_part"

static void add_with_attachment(struct buffer *out, const struct compose_fields *fields)
{
    buffer_add(out, SLICE("Content-Type: multipart/mixed; boundary=\"" BOUNDARY "\"\r\n\r\n"
                          "--" BOUNDARY "\r\n"));
    add_text(out, fields->text);
    buffer_printf(out,
                  "--" BOUNDARY "\r\n"
                  "Content-Type: text/csv; charset=utf-8; header=present\r\n"
                  "Content-Disposition: attachment; filename=\"%.*s\"\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n",
                  SLICE_ARG(fields->attachment_name));
    wire_base64_encode_lines(out, fields->attachment, BASE64_LINE, BASE64_LINE, SLICE("\r\n"));
    buffer_add(out, SLICE("\r\n--" BOUNDARY "--\r\n"));
}

static void add_body(struct buffer *out, const struct compose_fields *fields)
{
    buffer_add(out, SLICE("MIME-Version: 1.0\r\n"));
    if (fields->attachment_name.size)
        add_with_attachment(out, fields);
    else
        add_text(out, fields->text);
}

static const char *find_fault(const struct compose_fields *fields)
{
    if (!is_clean(fields->from_name, false))
        return "from_name";
    if (!is_clean(fields->subject, false))
        return "subject";
    if (!is_clean(fields->text, true))
        return "text";
    return NULL;
}

int compose_message(const struct compose_fields *fields, struct buffer *out, const char **ret_field)
{
    const char *fault = find_fault(fields);

    if (fault) {
        *ret_field = fault;
        return -EINVAL;
    }
    assert(fields->to_count > 0);
    add_from(out, fields);
    add_to(out, fields);
    buffer_add(out, SLICE("Subject: "));
    add_unstructured(out, fields->subject);
    buffer_add(out, SLICE("\r\n"));
    add_body(out, fields);
    return 0;
}
