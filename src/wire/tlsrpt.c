#include "wire/tlsrpt.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim_blanks(struct slice s)
{
    while (s.size && is_blank(s.data[0]))
        s = slice_part(s, 1, s.size);
    while (s.size && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

static bool is_printable(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] <= ' ' || s.data[i] >= 127)
            return false;
    return true;
}

/* "v=TLSRPTv1" with its delimiter; neither blanks nor case may differ. */
static bool take_version(struct slice *record)
{
    struct slice rest;

    if (!slice_starts(*record, SLICE("v=TLSRPTv1")))
        return false;
    rest = trim_blanks(slice_part(*record, 10, record->size));
    if (!slice_starts(rest, SLICE(";")))
        return false;
    *record = slice_part(rest, 1, rest.size);
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The next character of a URI's part, decoded; -1: what prints is not what comes out. */
static int next_character(struct slice *text)
{
    int c = (unsigned char)text->data[0], high, low;

    if (c != '%') {
        *text = slice_part(*text, 1, text->size);
        return c;
    }
    if (text->size < 3)
        return -1;
    high = hex_value(text->data[1]);
    low = hex_value(text->data[2]);
    *text = slice_part(*text, 3, text->size);
    c = high < 0 || low < 0 ? -1 : high * 16 + low;
    return c <= ' ' || c >= 127 ? -1 : c;
}

/* mailto:address; what may follow (?subject=…) is not ours to take from a stranger. */
static bool read_mailto(struct slice uri, struct wire_tlsrpt_destination *ret)
{
    struct slice rest = slice_part(uri, 7, uri.size), address;
    size_t size = 0;

    slice_cut(&rest, '?', &address);
    while (address.size) {
        int c = next_character(&address);

        if (c < 0 || size == LIMIT_PATH_BYTES)
            return false;
        ret->address[size++] = (char)c;
    }
    ret->address[size] = '\0';
    ret->kind = WIRE_TLSRPT_MAILTO;
    return size > 0;
}

static bool read_destination(struct slice uri, struct wire_tlsrpt_destination *ret)
{
    *ret = (struct wire_tlsrpt_destination){.uri = uri};
    if (!is_printable(uri))
        return false;
    if (slice_starts_nocase(uri, SLICE("mailto:")))
        return read_mailto(uri, ret);
    ret->kind = WIRE_TLSRPT_HTTPS;
    return slice_starts_nocase(uri, SLICE("https://")) && uri.size > 8;
}

static void read_rua(struct slice list, struct wire_tlsrpt_record *record)
{
    struct slice uri;
    bool more = true;

    while (more && record->destination_count < LIMIT_TLSRPT_DESTINATIONS) {
        more = slice_cut(&list, ',', &uri);
        if (read_destination(trim_blanks(uri), &record->destinations[record->destination_count]))
            record->destination_count++;
    }
}

/* name=value with something in both; blanks beside the sign are not by the letter but are seen. */
static bool read_field(struct slice field, struct wire_tlsrpt_record *record)
{
    struct slice value = field, name;

    if (!slice_cut(&value, '=', &name))
        return false;
    name = trim_blanks(name);
    value = trim_blanks(value);
    if (name.size == 0 || value.size == 0)
        return false;
    if (slice_equal(name, SLICE("rua")))
        read_rua(value, record);
    return true;
}

int wire_tlsrpt_record_parse(struct slice record, struct wire_tlsrpt_record *ret)
{
    struct wire_tlsrpt_record found = {.destination_count = 0};
    struct slice rest = record, field;
    bool more = true;

    if (!take_version(&rest))
        return -ENOENT;
    while (more) {
        more = slice_cut(&rest, ';', &field);
        field = trim_blanks(field);
        if (field.size && !read_field(field, &found))
            return -EBADMSG;
    }
    if (found.destination_count == 0)
        return -EBADMSG;
    *ret = found;
    return 0;
}
