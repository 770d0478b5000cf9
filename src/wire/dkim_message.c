/* A whole message in canonical form, for people and tests (wire_canon_message in
 * wire/dkim_canon.h). Mail on its way does not come through here: the gateway has the fields and
 * the body apart. */
#include "wire/dkim_canon.h"

/* Every line end as CR LF, whether it was that or LF alone. */
static void normalize(struct slice message, struct buffer *out)
{
    struct slice line;
    bool more = true;

    while (more) {
        more = slice_cut(&message, '\n', &line);
        if (more && line.size && line.data[line.size - 1] == '\r')
            line.size--;
        buffer_add(out, line);
        if (more)
            buffer_add(out, SLICE("\r\n"));
    }
}

/* Takes one line off the front, with its CR LF. */
static struct slice next_line(struct slice *rest)
{
    ssize_t end = slice_find(*rest, '\n');
    struct slice line = slice_part(*rest, 0, end < 0 ? rest->size : (size_t)end + 1);

    *rest = slice_part(*rest, line.size, rest->size);
    return line;
}

static bool continues(struct slice rest)
{
    return rest.size && (rest.data[0] == ' ' || rest.data[0] == '\t');
}

/* Printable characters without a colon (RFC 5322 §2.2); blanks before the colon are obsolete syntax
 * (§4.5) that relaxed form knows how to remove. */
static bool field_valid(struct slice field)
{
    struct slice name;

    if (!slice_cut(&field, ':', &name))
        return false;
    while (continues(slice_part(name, name.size - 1, 1)))
        name.size--;
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < 0x21 || name.data[i] > 0x7e)
            return false;
    return name.size > 0;
}

/* Takes one field with its folds off the front; an empty slice at the header's end. */
static struct slice next_field(struct slice *rest)
{
    struct slice all = *rest, field = next_line(rest);

    if (field.size == 0 || slice_equal(field, SLICE("\r\n")))
        return SLICE_NONE;
    while (continues(*rest))
        field = slice_part(all, 0, field.size + next_line(rest).size);
    return field;
}

static void add_to_buffer(void *context, struct slice bytes)
{
    buffer_add(context, bytes);
}

int wire_canon_message(struct slice message, enum wire_canon header, enum wire_canon body,
                       struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer normal = BUFFER_NONE;
    struct wire_canon_body canon;
    size_t before = out->size;
    struct slice rest, field;

    normalize(message, &normal);
    rest = buffer_slice(&normal);
    while ((field = next_field(&rest)).size) {
        if (!field_valid(field)) {
            out->size = before;
            return -EBADMSG;
        }
        wire_canon_header(header, field, out);
    }
    buffer_add(out, SLICE("\r\n"));
    wire_canon_body_init(&canon, body, add_to_buffer, out);
    wire_canon_body_add(&canon, rest);
    wire_canon_body_finish(&canon);
    return 0;
}
