#include "feedback/report_fields.h"

#include "base/buffer.h"
#include "base/limits.h"

static struct slice next_line(struct slice *rest)
{
    struct slice line;

    slice_cut(rest, '\n', &line);
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static bool is_field(struct slice line, size_t *ret_colon)
{
    ssize_t colon = slice_find(line, ':');

    if (colon < 1 || colon > 60)
        return false;
    for (ssize_t i = 0; i < colon; i++)
        if (line.data[i] <= ' ' || line.data[i] > '~')
            return false;
    *ret_colon = (size_t)colon;
    return true;
}

static bool continues(struct slice rest)
{
    return rest.size > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t') &&
           slice_trim(slice_part(rest, 0, (size_t)(slice_find(rest, '\n') + 1))).size > 0;
}

static struct slice unfold(struct arena *a, struct slice first, struct slice *rest)
{
    CLEANUP(buffer_done) struct buffer value = BUFFER_NONE;

    buffer_add(&value, slice_trim(first));
    while (continues(*rest)) {
        buffer_add_byte(&value, ' ');
        buffer_add(&value, slice_trim(next_line(rest)));
    }
    return arena_copy(a, slice_part(buffer_slice(&value), 0, LIMIT_REPORT_FIELD_BYTES));
}

bool feedback_field_next(struct arena *a, struct slice *rest, struct feedback_field *ret)
{
    while (rest->size > 0) {
        struct slice line = next_line(rest);
        size_t colon;

        if (slice_trim(line).size == 0) {
            *ret = (struct feedback_field){SLICE_NONE, SLICE_NONE};
            return true;
        }
        if (!is_field(line, &colon))
            continue;
        ret->name = slice_part(line, 0, colon);
        ret->value = unfold(a, slice_part(line, colon + 1, line.size), rest);
        return true;
    }
    return false;
}

struct slice feedback_field_find(struct arena *a, struct slice fields, struct slice name)
{
    struct feedback_field field;

    while (feedback_field_next(a, &fields, &field))
        if (slice_equal_nocase(field.name, name))
            return field.value;
    return SLICE_NONE;
}

struct slice feedback_field_untyped(struct slice value)
{
    ssize_t semicolon = slice_find(value, ';');

    if (semicolon < 1 || semicolon > 40 ||
        slice_find(slice_part(value, 0, (size_t)semicolon), ' ') >= 0)
        return slice_trim(value);
    return slice_trim(slice_part(value, (size_t)semicolon + 1, value.size));
}

struct slice feedback_field_address(struct slice value)
{
    ssize_t open = slice_find(value, '<'), end = slice_find_last(value, '>');

    if (open >= 0 && end > open)
        value = slice_part(value, (size_t)open + 1, (size_t)(end - open - 1));
    return slice_trim(value);
}
