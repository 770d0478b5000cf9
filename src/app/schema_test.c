#include "app/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct item {
    size_t line;
    struct slice name;
    uint64_t size_bytes;
};

struct settings {
    struct slice title;
    uint64_t count, delay_s;
    bool loud;
    int colour;
    struct schema_list items;
};

static const char *const colours[] = {"red", "green", NULL};
static const struct schema_field item_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = offsetof(struct item, line)},
    {.name = "name", .type = SCHEMA_TEXT, .offset = offsetof(struct item, name)},
    {.name = "size",
     .type = SCHEMA_SIZE,
     .offset = offsetof(struct item, size_bytes),
     .fallback = "1KiB"},
    {.name = NULL},
};
static const struct schema_field item = {
    .name = "item", .type = SCHEMA_GROUP, .fields = item_fields};
static const struct schema_field inner_fields[] = {
    {.name = "loud",
     .type = SCHEMA_BOOLEAN,
     .offset = offsetof(struct settings, loud),
     .fallback = "true"},
    {.name = "delay",
     .type = SCHEMA_DURATION,
     .offset = offsetof(struct settings, delay_s),
     .fallback = "5m",
     .min = 1,
     .max = 3600},
    {.name = NULL},
};
static const struct schema_field fields[] = {
    {.name = "title", .type = SCHEMA_TEXT, .offset = offsetof(struct settings, title)},
    {.name = "count",
     .type = SCHEMA_NUMBER,
     .offset = offsetof(struct settings, count),
     .fallback = "7",
     .min = 1,
     .max = 10},
    {.name = "colour",
     .type = SCHEMA_CHOICE,
     .offset = offsetof(struct settings, colour),
     .choices = colours,
     .fallback = "green"},
    {.name = "inner", .type = SCHEMA_GROUP, .fields = inner_fields},
    {.name = "items",
     .type = SCHEMA_LIST,
     .offset = offsetof(struct settings, items),
     .fields = &item,
     .item_size = sizeof(struct item),
     .fallback = "",
     .max = 2},
    {.name = NULL},
};

static void reads_values_and_defaults(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct settings settings = {0};
    const struct item *items;

    (void)state;
    assert_int_equal(schema_load(&arena, "f",
                                 SLICE("title: a b\ninner:\n  delay: 2m\nitems:\n"
                                       "  - name: x\n    size: 3MiB\n  - name: y\n"),
                                 fields, &settings, &problems),
                     0);
    items = settings.items.items;
    assert_true(slice_equal(settings.title, SLICE("a b")));
    assert_int_equal(settings.count, 7);
    assert_int_equal(settings.delay_s, 120);
    assert_true(settings.loud);
    assert_int_equal(settings.colour, 1);
    assert_int_equal(settings.items.count, 2);
    assert_int_equal(items[0].size_bytes, 3 << 20);
    assert_int_equal(items[0].line, 5);
    assert_int_equal(items[1].size_bytes, 1024);
}

static void names_each_mistake_with_its_line(void **state)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"count: 3\n", "f:1: title: is missing; it has no default\n"},
        {"title: a\ntitel: b\n",
         "f:2: titel: is not a known key; known here: title, count, colour, inner, items\n"},
        {"title: a\ncount: x\n", "f:2: count: \"x\" is not a whole number\n"},
        {"title: a\ncount: 11\n", "f:2: count: 11 is out of bounds; use 1 to 10\n"},
        {"title: a\ncount: -1\n", "f:2: count: \"-1\" is not a whole number\n"},
        {"title: a\ncount: 99999999999999999999999\n",
         "f:2: count: 99999999999999999999999 is out of bounds; use 1 to 10\n"},
        {"title: a\n\ncolour: blue\n",
         "f:3: colour: \"blue\" is not known; use one of: red, green\n"},
        {"title: a\ninner:\n  delay: 5\n",
         "f:3: inner.delay: \"5\" is not a duration such as 30s, 5m, 2h or 4d\n"},
        {"title: a\ninner:\n  delay: 2h\n",
         "f:3: inner.delay: 2h is out of bounds; use 1 to 3600 seconds\n"},
        {"title: a\ninner:\n  loud: yes\n", "f:3: inner.loud: \"yes\" is not true or false\n"},
        {"title: a\ninner: x\n", "f:2: inner: must be a group of keys, indented below it\n"},
        {"title: [a]\n", "f:1: title: must be a single value, not a list or a group\n"},
        {"title: a\nitems: x\n",
         "f:2: items: must be a list: [a, b] or lines that begin with \"- \"\n"},
        {"title: a\nitems:\n  - name: x\n  - size: 4KiB\n",
         "f:4: items[1].name: is missing; it has no default\n"},
        {"title: a\ntitle: b\n", "f:2: title: stands here a second time\n"},
        {"title: a\n(line): b\n",
         "f:2: (line): is not a known key; known here: title, count, colour, inner, items\n"},
        {"- a\n", "f:1: the file must be a group of keys (\"key: value\")\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
        struct settings settings = {0};

        assert_int_equal(
            schema_load(&arena, "f", slice_text(cases[i].text), fields, &settings, &problems),
            -EINVAL);
        buffer_add_byte(&problems, 0);
        assert_string_equal(problems.data, cases[i].problem);
    }
}

static void broken_yaml_is_told_with_its_line(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct settings settings = {0};

    (void)state;
    assert_int_equal(
        schema_load(&arena, "f", SLICE("title: a\ncount: [1\n"), fields, &settings, &problems),
        -EINVAL);
    assert_true(slice_starts(buffer_slice(&problems), SLICE("f:3: not valid YAML: ")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values_and_defaults),
        cmocka_unit_test(names_each_mistake_with_its_line),
        cmocka_unit_test(broken_yaml_is_told_with_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
