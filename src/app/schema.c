#include "app/schema.h"

#include <stdio.h>
#include <yaml.h>

struct load {
    struct arena *arena;
    const char *file_name;
    yaml_document_t document;
    struct buffer *problems;
};

/* The way to a value, for messages: "submission.listeners[1].tls". */
struct place {
    const struct place *parent;
    const char *name;
    ssize_t index; /* >= 0: an item of a list */
};

static void load_fields(struct load *l, const struct place *at, yaml_node_t *mapping, size_t line,
                        const struct schema_field *fields, void *target);

static void place_write(struct buffer *b, const struct place *at)
{
    if (!at)
        return;
    place_write(b, at->parent);
    if (at->index >= 0)
        buffer_printf(b, "[%zd]", at->index);
    else
        buffer_printf(b, "%s%s", at->parent ? "." : "", at->name);
}

static void problem(struct load *l, size_t line, const struct place *at, const char *format, ...)
    PRINTF_LIKE(4, 5);

static void problem(struct load *l, size_t line, const struct place *at, const char *format, ...)
{
    va_list arguments;
    char text[512];

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_printf(l->problems, "%s:%zu: ", l->file_name, line);
    place_write(l->problems, at);
    buffer_printf(l->problems, "%s%s\n", at ? ": " : "", text);
}

static struct slice scalar(const yaml_node_t *node)
{
    return slice_of(node->data.scalar.value, node->data.scalar.length);
}

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* A number followed by one of the units; no unit is allowed only where the table has "". */
static int read_with_unit(struct slice text, const struct unit *units, uint64_t *ret)
{
    size_t digits = 0;
    uint64_t number;
    int r;

    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    r = slice_to_u64(slice_part(text, 0, digits), UINT64_MAX, &number);
    if (r < 0)
        return r;
    for (; units->suffix; units++)
        if (slice_equal(slice_part(text, digits, text.size), slice_text(units->suffix)))
            return __builtin_mul_overflow(number, units->factor, ret) ? -ERANGE : 0;
    return -EINVAL;
}

static int read_amount(const struct schema_field *field, struct slice text, uint64_t *ret,
                       const char **ret_expected)
{
    static const struct unit plain[] = {{"", 1}, {NULL, 0}};
    static const struct unit sizes[] = {{"", 1},          {"B", 1},         {"KiB", 1 << 10},
                                        {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0}};
    static const struct unit durations[] = {
        {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};

    switch (field->type) {
    case SCHEMA_SIZE:
        *ret_expected = "a size such as 65536, 64KiB, 40MiB or 10GiB";
        return read_with_unit(text, sizes, ret);
    case SCHEMA_DURATION:
        *ret_expected = "a duration such as 30s, 5m, 2h or 4d";
        return read_with_unit(text, durations, ret);
    default:
        *ret_expected = "a whole number";
        return read_with_unit(text, plain, ret);
    }
}

static void load_amount(struct load *l, const struct place *at, size_t line,
                        const struct schema_field *field, struct slice text, uint64_t *target)
{
    const char *expected;
    uint64_t value = 0;
    int r = read_amount(field, text, &value, &expected);

    if (r == -EINVAL) {
        problem(l, line, at, "\"%.*s\" is not %s", SLICE_ARG(slice_part(text, 0, 80)), expected);
        return;
    }
    if (r < 0 || value < field->min || (field->max && value > field->max)) {
        problem(l, line, at, "%.*s is out of bounds; use %llu to %llu%s",
                SLICE_ARG(slice_part(text, 0, 80)), (unsigned long long)field->min,
                (unsigned long long)(field->max ? field->max : UINT64_MAX),
                field->type == SCHEMA_DURATION ? " seconds" : "");
        return;
    }
    *target = value;
}

static void load_choice(struct load *l, const struct place *at, size_t line,
                        const struct schema_field *field, struct slice text, int *target)
{
    CLEANUP(buffer_done) struct buffer known = BUFFER_NONE;

    for (int i = 0; field->choices[i]; i++) {
        if (slice_equal(text, slice_text(field->choices[i]))) {
            *target = i;
            return;
        }
        buffer_printf(&known, "%s%s", i ? ", " : "", field->choices[i]);
    }
    problem(l, line, at, "\"%.*s\" is not known; use one of: %.*s",
            SLICE_ARG(slice_part(text, 0, 80)), SLICE_ARG(buffer_slice(&known)));
}

static void load_boolean(struct load *l, const struct place *at, size_t line, struct slice text,
                         bool *target)
{
    if (slice_equal(text, SLICE("true")))
        *target = true;
    else if (slice_equal(text, SLICE("false")))
        *target = false;
    else
        problem(l, line, at, "\"%.*s\" is not true or false", SLICE_ARG(slice_part(text, 0, 80)));
}

static void load_text(struct load *l, const struct place *at, size_t line,
                      const struct schema_field *field, struct slice text, void *target)
{
    switch (field->type) {
    case SCHEMA_TEXT:
        *(struct slice *)target = arena_copy(l->arena, text);
        break;
    case SCHEMA_BOOLEAN:
        load_boolean(l, at, line, text, target);
        break;
    case SCHEMA_NUMBER:
    case SCHEMA_SIZE:
    case SCHEMA_DURATION:
        load_amount(l, at, line, field, text, target);
        break;
    case SCHEMA_CHOICE:
        load_choice(l, at, line, field, text, target);
        break;
    case SCHEMA_CUSTOM:
        if (text.size == 0 && field->fallback && !field->fallback[0])
            break; /* written out, the default of what may be absent is "" */
        if (field->custom(arena_copy(l->arena, text), target) < 0)
            problem(l, line, at, "\"%.*s\" is not %s", SLICE_ARG(slice_part(text, 0, 80)),
                    field->expected);
        break;
    case SCHEMA_GROUP:
    case SCHEMA_LIST:
    case SCHEMA_LINE:
        assert(!"no text is read into these");
    }
}

static void load_value(struct load *l, const struct place *at, yaml_node_t *node,
                       const struct schema_field *field, void *target);

static void load_list(struct load *l, const struct place *at, yaml_node_t *node,
                      const struct schema_field *field, struct schema_list *target)
{
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    char *items = arena_allocate(l->arena, field->item_size * count);

    if (count < field->min || (field->max && count > field->max)) {
        problem(l, node->start_mark.line + 1, at, "has %zu items; use %llu to %llu", count,
                (unsigned long long)field->min, (unsigned long long)field->max);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct place item = {at, NULL, (ssize_t)i};

        load_value(l, &item,
                   yaml_document_get_node(&l->document, node->data.sequence.items.start[i]),
                   &field->fields[0], items + i * field->item_size);
    }
    *target = (struct schema_list){items, count};
}

/* "key:" with nothing behind it. */
static bool is_nothing(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* `target` is the value's own place (for a group: the struct that its fields' offsets count from).
 */
static void load_value(struct load *l, const struct place *at, yaml_node_t *node,
                       const struct schema_field *field, void *target)
{
    size_t line = node->start_mark.line + 1;

    if (field->type == SCHEMA_GROUP) {
        if (node->type == YAML_MAPPING_NODE)
            load_fields(l, at, node, line, field->fields, target);
        else if (is_nothing(node)) /* all of its keys are commented out */
            load_fields(l, at, NULL, line, field->fields, target);
        else
            problem(l, line, at, "must be a group of keys, indented below it");
        return;
    }
    if (field->type == SCHEMA_LIST) {
        if (node->type == YAML_SEQUENCE_NODE)
            load_list(l, at, node, field, target);
        else
            problem(l, line, at, "must be a list: [a, b] or lines that begin with \"- \"");
        return;
    }
    if (node->type != YAML_SCALAR_NODE)
        problem(l, line, at, "must be a single value, not a list or a group");
    else
        load_text(l, at, line, field, scalar(node), target);
}

static const struct schema_field *find_field(const struct schema_field *fields, struct slice name)
{
    for (; fields->name; fields++)
        if (fields->type != SCHEMA_LINE && slice_equal(name, slice_text(fields->name)))
            return fields;
    return NULL;
}

static void unknown_key(struct load *l, const struct place *at, yaml_node_t *key,
                        const struct schema_field *fields)
{
    CLEANUP(buffer_done) struct buffer known = BUFFER_NONE;
    char *name = slice_duplicate(slice_part(scalar(key), 0, 80));
    struct place here = {at, name, -1};

    for (const struct schema_field *f = fields; f->name; f++)
        if (f->type != SCHEMA_LINE)
            buffer_printf(&known, "%s%s", known.size ? ", " : "", f->name);
    problem(l, key->start_mark.line + 1, &here, "is not a known key; known here: %.*s",
            SLICE_ARG(buffer_slice(&known)));
    base_free_pointer(&name);
}

/* What is absent takes its default; an absent group is read as an empty one. */
static void load_absent(struct load *l, const struct place *at, size_t line,
                        const struct schema_field *field, void *target)
{
    if (field->type == SCHEMA_GROUP)
        load_fields(l, at, NULL, line, field->fields, target);
    else if (field->type == SCHEMA_LINE)
        *(size_t *)target = line;
    else if (!field->fallback)
        problem(l, line, at, "is missing; it has no default");
    else if (field->fallback[0])
        load_text(l, at, line, field, slice_text(field->fallback), target);
}

enum { FIELDS_MAX = 64 };

static void load_fields(struct load *l, const struct place *at, yaml_node_t *mapping, size_t line,
                        const struct schema_field *fields, void *target)
{
    bool seen[FIELDS_MAX] = {false};
    yaml_node_pair_t *pair = mapping ? mapping->data.mapping.pairs.start : NULL;

    for (; mapping && pair < mapping->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(&l->document, pair->key);
        yaml_node_t *value = yaml_document_get_node(&l->document, pair->value);
        const struct schema_field *field =
            key->type == YAML_SCALAR_NODE ? find_field(fields, scalar(key)) : NULL;

        if (key->type != YAML_SCALAR_NODE) {
            problem(l, key->start_mark.line + 1, at, "a key must be a plain word");
        } else if (!field) {
            unknown_key(l, at, key, fields);
        } else {
            struct place here = {at, field->name, -1};

            if (seen[field - fields])
                problem(l, key->start_mark.line + 1, &here, "stands here a second time");
            seen[field - fields] = true;
            load_value(l, &here, value, field, (char *)target + field->offset);
        }
    }
    for (const struct schema_field *field = fields; field->name; field++) {
        struct place here = {at, field->name, -1};

        assert(field - fields < FIELDS_MAX);
        if (!seen[field - fields])
            load_absent(l, &here, line, field, (char *)target + field->offset);
    }
}

static void load_document(struct load *l, const struct schema_field *fields, void *target)
{
    yaml_node_t *root = yaml_document_get_root_node(&l->document);

    if (root && root->type != YAML_MAPPING_NODE)
        problem(l, 1, NULL, "the file must be a group of keys (\"key: value\")");
    else
        load_fields(l, NULL, root, 1, fields, target);
}

int schema_load(struct arena *arena, const char *file_name, struct slice text,
                const struct schema_field *fields, void *target, struct buffer *problems)
{
    struct load l = {.arena = arena, .file_name = file_name, .problems = problems};
    size_t before = problems->size;
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.size);
    if (yaml_parser_load(&parser, &l.document)) {
        load_document(&l, fields, target);
        yaml_document_delete(&l.document);
    } else {
        problem(&l, parser.problem_mark.line + 1, NULL, "not valid YAML: %s",
                parser.problem ? parser.problem : "unreadable");
    }
    yaml_parser_delete(&parser);
    return problems->size > before ? -EINVAL : 0;
}
