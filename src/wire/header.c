#include "wire/header.h"

#include "base/limits.h"

static int fail(struct wire_error *ret_error, int error, const char *what)
{
    *ret_error = (struct wire_error){what, 0};
    return error;
}

static int fail_at(struct wire_error *ret_error, const char *what, size_t offset)
{
    *ret_error = (struct wire_error){what, offset};
    return -EBADMSG;
}

/* Size of the line at the front with its CR LF; the message's last line may lack that. */
static int line_size(struct slice rest, size_t *ret, struct wire_error *ret_error)
{
    ssize_t lf = slice_find(rest, '\n');
    struct slice line = slice_part(rest, 0, lf < 0 ? rest.size : (size_t)lf + 1);
    ssize_t cr = slice_find(line, '\r');

    if (lf >= 0 && (cr < 0 || cr > lf))
        return fail_at(ret_error, "has an LF that no CR precedes", (size_t)lf);
    if (cr >= 0 && cr + 1 != lf)
        return fail_at(ret_error, "has a CR that no LF follows", (size_t)cr);
    *ret = line.size;
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The field at the front with its continuation lines (RFC 5322 §2.2.3). */
static int field_size(struct slice rest, size_t *ret, struct wire_error *ret_error)
{
    size_t at = 0, line = 0;

    do {
        int r = line_size(slice_part(rest, at, rest.size), &line, ret_error);

        if (r < 0) {
            ret_error->offset += at;
            return r;
        }
        at += line;
        if (at > LIMIT_HEADER_FIELD_BYTES)
            return fail(ret_error, -EMSGSIZE, "has a field of more than 65536 bytes");
    } while (at < rest.size && is_blank(rest.data[at]));
    *ret = at;
    return 0;
}

/* RFC 5322 §2.2: printable ASCII but the colon, which follows at once. */
static int split_field(struct slice whole, struct wire_field *ret, struct wire_error *ret_error)
{
    ssize_t colon = slice_find(whole, ':');
    struct slice value = slice_part(whole, (size_t)(colon + 1), whole.size);

    for (size_t i = 0; i < whole.size && (ssize_t)i != colon; i++) {
        if (is_blank(whole.data[i]))
            return fail_at(ret_error,
                           i ? "has a space in or after a field's name"
                             : "starts with a continuation line",
                           i);
        if (whole.data[i] < '!' || whole.data[i] > '~')
            return fail_at(ret_error,
                           colon < 0 ? "has a line without a colon"
                                     : "has a byte in a field's name that no name may have",
                           i);
    }
    if (colon <= 0)
        return fail_at(ret_error,
                       colon == 0 ? "has a field without a name" : "has a line without a colon", 0);
    if (value.size && value.data[value.size - 1] == '\n')
        value.size -= 2;
    *ret = (struct wire_field){slice_part(whole, 0, (size_t)colon), value, whole};
    return 0;
}

/* Makes room for one more field: doubles, so that all copying together stays linear. */
static struct wire_field *add_field(struct arena *a, struct wire_header *h)
{
    size_t room = h->count < 16 ? 16 : h->count;

    if (h->count % 16 == 0 && (h->count & (h->count - 1)) == 0) {
        struct wire_field *more = ARENA_ARRAY(a, struct wire_field, h->count + room);

        if (h->count)
            memcpy(more, h->fields, h->count * sizeof *more);
        h->fields = more;
    }
    return &h->fields[h->count++];
}

static int check_limits(const struct wire_header *h, size_t header_bytes,
                        struct wire_error *ret_error)
{
    if (header_bytes > LIMIT_HEADER_BYTES)
        return fail(ret_error, -EMSGSIZE, "has a header of more than 262144 bytes");
    if (h->count > LIMIT_HEADER_FIELDS)
        return fail(ret_error, -EMSGSIZE, "has more than 1000 header fields");
    if (h->received_count > LIMIT_RECEIVED_FIELDS)
        return fail(ret_error, -ELOOP, "has more than 50 Received fields: it goes in a loop");
    return 0;
}

/* Scans one field at `at`; *ret_size bytes of the message. */
static int scan_field(struct arena *a, struct slice message, size_t at, struct wire_header *h,
                      size_t *ret_size, struct wire_error *ret_error)
{
    struct wire_field field;
    int r = field_size(slice_part(message, at, message.size), ret_size, ret_error);

    if (r == 0)
        r = split_field(slice_part(message, at, *ret_size), &field, ret_error);
    if (r == 0) {
        *add_field(a, h) = field;
        h->received_count += slice_equal_nocase(field.name, SLICE("Received"));
        r = check_limits(h, at + *ret_size, ret_error);
    }
    if (r < 0)
        ret_error->offset += at;
    return r;
}

static int finish(struct slice message, size_t size, struct wire_header *h,
                  struct wire_error *ret_error)
{
    ssize_t nul;

    h->text = slice_part(message, 0, size);
    h->body = slice_part(message, size + 2, message.size);
    h->eightbit = !slice_is_ascii(h->text);
    nul = slice_find(h->text, 0);
    return nul < 0 ? 0 : fail_at(ret_error, "has a NUL byte in the header", (size_t)nul);
}

int wire_header_scan(struct arena *a, struct slice message, struct wire_header *ret,
                     struct wire_error *ret_error)
{
    struct wire_header h = {0};
    size_t at = 0, size;
    int r;

    while (at < message.size && !slice_starts(slice_part(message, at, 2), SLICE("\r\n"))) {
        r = scan_field(a, message, at, &h, &size, ret_error);
        if (r < 0)
            return r;
        at += size;
    }
    r = finish(message, at, &h, ret_error);
    if (r == 0)
        *ret = h;
    return r;
}

const struct wire_field *wire_header_find(const struct wire_header *h, struct slice name,
                                          const struct wire_field *after)
{
    for (size_t i = after ? (size_t)(after - h->fields) + 1 : 0; i < h->count; i++)
        if (slice_equal_nocase(h->fields[i].name, name))
            return &h->fields[i];
    return NULL;
}

size_t wire_header_count(const struct wire_header *h, struct slice name)
{
    size_t count = 0;

    for (size_t i = 0; i < h->count; i++)
        count += slice_equal_nocase(h->fields[i].name, name);
    return count;
}
