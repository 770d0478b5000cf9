#include "wire/csv.h"

/* Takes what stands between quotes; the first one is off already. */
static int read_quoted(struct slice *rest, struct buffer *field)
{
    for (size_t i = 0; i < rest->size; i++) {
        if (rest->data[i] != '"') {
            buffer_add_byte(field, (unsigned char)rest->data[i]);
            continue;
        }
        if (i + 1 < rest->size && rest->data[i + 1] == '"') {
            buffer_add_byte(field, '"');
            i++;
            continue;
        }
        *rest = slice_part(*rest, i + 1, rest->size);
        return 0;
    }
    return -EBADMSG;
}

static size_t plain_size(struct slice rest)
{
    size_t i = 0;

    while (i < rest.size && rest.data[i] != ',' && rest.data[i] != '\n')
        i++;
    return i;
}

static int read_plain(struct slice *rest, struct buffer *field)
{
    size_t size = plain_size(*rest);
    struct slice text = slice_part(*rest, 0, size);

    if (size < rest->size && rest->data[size] == '\n' && size > 0 && text.data[size - 1] == '\r')
        text.size--;
    else if (size == rest->size && size > 0 && text.data[size - 1] == '\r')
        text.size--;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '"')
            return -EBADMSG;
    buffer_add(field, text);
    *rest = slice_part(*rest, size, rest->size);
    return 0;
}

/* What ends a field: 1 when another follows, 0 at the end of the record. */
static int read_end(struct slice *rest)
{
    if (slice_starts(*rest, SLICE(","))) {
        *rest = slice_part(*rest, 1, rest->size);
        return 1;
    }
    if (slice_starts(*rest, SLICE("\r")))
        *rest = slice_part(*rest, 1, rest->size);
    if (rest->size == 0)
        return 0;
    if (rest->data[0] != '\n')
        return -EBADMSG;
    *rest = slice_part(*rest, 1, rest->size);
    return 0;
}

int wire_csv_read(struct arena *arena, struct slice *rest, struct slice *fields, size_t max,
                  size_t *ret_count)
{
    CLEANUP(buffer_done) struct buffer field = BUFFER_NONE;
    struct slice left = *rest;
    size_t count = 0;
    int r;

    if (left.size == 0)
        return 0;
    do {
        field.size = 0;
        if (slice_starts(left, SLICE("\""))) {
            left = slice_part(left, 1, left.size);
            r = read_quoted(&left, &field);
        } else {
            r = read_plain(&left, &field);
        }
        if (r < 0)
            return r;
        if (count < max)
            fields[count] = arena_copy(arena, buffer_slice(&field));
        count++;
        r = read_end(&left);
    } while (r == 1);
    if (r < 0)
        return r;
    *rest = left;
    *ret_count = count;
    return 1;
}

static bool needs_quotes(struct slice field)
{
    for (size_t i = 0; i < field.size; i++)
        if (strchr(",\"\r\n", field.data[i]) || !field.data[i])
            return true;
    return false;
}

static void write_field(struct buffer *b, struct slice field)
{
    if (!needs_quotes(field)) {
        buffer_add(b, field);
        return;
    }
    buffer_add_byte(b, '"');
    for (size_t i = 0; i < field.size; i++) {
        if (field.data[i] == '"')
            buffer_add_byte(b, '"');
        buffer_add_byte(b, (unsigned char)field.data[i]);
    }
    buffer_add_byte(b, '"');
}

void wire_csv_write(struct buffer *b, const struct slice *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_byte(b, ',');
        write_field(b, fields[i]);
    }
    buffer_add(b, SLICE("\r\n"));
}
