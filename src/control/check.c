#include "control/check.h"

#include <inttypes.h>
#include <stdio.h>

enum { PLACE_BYTES = 96 };

static const char *type_words(enum control_type type)
{
    switch (type) {
    case CONTROL_TEXT:
        return "a text";
    case CONTROL_NUMBER:
        return "a whole number";
    case CONTROL_FLAG:
        return "true or false";
    default:
        return "a list of texts";
    }
}

static bool has_type(const json_t *value, enum control_type type)
{
    switch (type) {
    case CONTROL_TEXT:
        return json_is_string(value);
    case CONTROL_NUMBER:
        return json_is_integer(value);
    case CONTROL_FLAG:
        return json_is_boolean(value);
    default:
        return json_is_array(value);
    }
}

static const struct control_field *field_named(const struct control_operation *operation,
                                               const char *name)
{
    for (const struct control_field *field = operation->input; field->name; field++)
        if (strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

static void list_fields(const struct control_operation *operation, struct buffer *out)
{
    if (!operation->input->name) {
        buffer_add(out, SLICE("it takes none"));
        return;
    }
    for (const struct control_field *field = operation->input; field->name; field++)
        buffer_printf(out, "%s%s", field == operation->input ? "" : ", ", field->name);
}

static int refuse_unknown(const struct control_operation *operation, const char *name,
                          struct control_problem *ret)
{
    CLEANUP(buffer_done) struct buffer known = BUFFER_NONE;

    list_fields(operation, &known);
    buffer_add_byte(&known, '\0');
    control_problem_set(ret, CONTROL_INVALID, name, "Remove the field, or correct its name.",
                        "%s has no field \"%s\". Its fields: %s.", operation->name, name,
                        known.data);
    return -EINVAL;
}

static int refuse_missing(const struct control_operation *operation,
                          const struct control_field *field, struct control_problem *ret)
{
    CLEANUP(buffer_done) struct buffer cure = BUFFER_NONE;

    buffer_printf(&cure, "Give %s: %s.", field->name, field->help);
    buffer_add_byte(&cure, '\0');
    control_problem_set(ret, CONTROL_INVALID, field->name, cure.data,
                        "%s needs the field \"%s\", which is missing.", operation->name,
                        field->name);
    return -EINVAL;
}

static int refuse_size(const struct control_field *field, const char *place, size_t size,
                       struct control_problem *ret)
{
    control_problem_set(ret, CONTROL_INVALID, place, "Give a text of a length within these limits.",
                        "\"%s\" has %zu bytes; %" PRId64 " to %" PRId64 " are allowed.", place,
                        size, field->min, field->max);
    return -EINVAL;
}

static int refuse_choice(const struct control_field *field, const char *place,
                         struct control_problem *ret)
{
    CLEANUP(buffer_done) struct buffer cure = BUFFER_NONE;

    buffer_add(&cure, SLICE("Choose one of: "));
    for (const char *const *choice = field->choices; *choice; choice++)
        buffer_printf(&cure, "%s%s", choice == field->choices ? "" : ", ", *choice);
    buffer_add(&cure, SLICE("."));
    buffer_add_byte(&cure, '\0');
    control_problem_set(ret, CONTROL_INVALID, place, cure.data, "\"%s\" is none of its values.",
                        place);
    return -EINVAL;
}

static bool is_choice(const struct control_field *field, const char *text, size_t size)
{
    for (const char *const *choice = field->choices; *choice; choice++)
        if (slice_equal(slice_text(*choice), slice_of(text, size)))
            return true;
    return false;
}

static int check_text(const struct control_field *field, const char *place, const json_t *value,
                      struct control_problem *ret)
{
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);

    if ((int64_t)size < field->min || (int64_t)size > field->max)
        return refuse_size(field, place, size, ret);
    if (field->choices && !is_choice(field, text, size))
        return refuse_choice(field, place, ret);
    return 0;
}

static int check_number(const struct control_field *field, const json_t *value,
                        struct control_problem *ret)
{
    json_int_t number = json_integer_value(value);

    if (number >= field->min && number <= field->max)
        return 0;
    control_problem_set(ret, CONTROL_INVALID, field->name, "Give a number within these limits.",
                        "\"%s\" is %" JSON_INTEGER_FORMAT "; %" PRId64 " to %" PRId64
                        " are allowed.",
                        field->name, number, field->min, field->max);
    return -EINVAL;
}

static int check_texts(const struct control_field *field, const json_t *value,
                       struct control_problem *ret)
{
    char place[PLACE_BYTES];
    const json_t *item;
    size_t i;
    int r = 0;

    if (json_array_size(value) > field->count_max) {
        control_problem_set(ret, CONTROL_INVALID, field->name, "Give fewer of them.",
                            "\"%s\" has %zu entries; at most %zu are allowed.", field->name,
                            json_array_size(value), field->count_max);
        return -EINVAL;
    }
    json_array_foreach(value, i, item)
    {
        snprintf(place, sizeof place, "%s[%zu]", field->name, i);
        if (!json_is_string(item)) {
            control_problem_set(ret, CONTROL_INVALID, place, "Give a text.",
                                "\"%s\" must be a text.", place);
            return -EINVAL;
        }
        r = check_text(field, place, item, ret);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_field(const struct control_field *field, const json_t *value,
                       struct control_problem *ret)
{
    if (!has_type(value, field->type)) {
        control_problem_set(ret, CONTROL_INVALID, field->name, "Give a value of this type.",
                            "\"%s\" must be %s.", field->name, type_words(field->type));
        return -EINVAL;
    }
    switch (field->type) {
    case CONTROL_TEXT:
        return check_text(field, field->name, value, ret);
    case CONTROL_NUMBER:
        return check_number(field, value, ret);
    case CONTROL_TEXTS:
        return check_texts(field, value, ret);
    default:
        return 0;
    }
}

/* Of a list, none is as good as not given. */
static bool is_missing(const struct control_field *field, const json_t *value)
{
    return !value || (field->type == CONTROL_TEXTS && json_array_size(value) == 0);
}

int control_check_input(const struct control_operation *operation, const json_t *input,
                        struct control_problem *ret_problem)
{
    const char *name;
    json_t *value;
    int r;

    if (input && !json_is_object(input)) {
        control_problem_set(ret_problem, CONTROL_INVALID, "input", "Give an object, {…}.",
                            "The input of %s must be a JSON object.", operation->name);
        return -EINVAL;
    }
    json_object_foreach((json_t *)(uintptr_t)input, name, value)
    {
        const struct control_field *field = field_named(operation, name);

        r = field ? check_field(field, value, ret_problem)
                  : refuse_unknown(operation, name, ret_problem);
        if (r < 0)
            return r;
    }
    for (const struct control_field *field = operation->input; field->name; field++)
        if (field->required && is_missing(field, json_object_get(input, field->name)))
            return refuse_missing(operation, field, ret_problem);
    return 0;
}
