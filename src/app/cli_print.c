#include "app/cli_print.h"

#include <stdio.h>

enum { TEXTS = 64, TEXT_BYTES = 64 }; /* SLICE_ARG looks at its argument more than once */

/* Some texts in turn, so that one line of code can use several. */
static char *next_text(void)
{
    static char texts[TEXTS][TEXT_BYTES];
    static unsigned next;

    return texts[next++ % TEXTS];
}

static struct slice number_text(const json_t *value)
{
    char *text = next_text();

    snprintf(text, TEXT_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return slice_text(text);
}

static struct slice value_text(const json_t *value)
{
    if (json_is_string(value))
        return slice_of(json_string_value(value), json_string_length(value));
    if (json_is_integer(value))
        return number_text(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? SLICE("yes") : SLICE("no");
    return SLICE_NONE;
}

struct slice cli_member(const json_t *object, const char *name)
{
    return value_text(json_object_get(object, name));
}

struct slice cli_time(const json_t *object, const char *name)
{
    struct slice time = cli_member(object, name);
    char *text;

    if (time.size == 0)
        return SLICE("never");
    text = next_text();
    snprintf(text, TEXT_BYTES, "%.*s", SLICE_ARG(slice_part(time, 0, 19)));
    if (time.size > 10)
        text[10] = ' ';
    return slice_text(text);
}

static struct slice cell_text(const json_t *object, const char *member)
{
    if (*member == '@')
        return cli_time(object, member + 1);
    if (*member != '~')
        return cli_member(object, member);
    return cli_member(object, member + 1).size ? cli_time(object, member + 1) : SLICE_NONE;
}

void cli_table_add_object(struct cli_table *table, const json_t *object, const char *const *members)
{
    for (; *members; members++)
        cli_table_add(table, cell_text(object, *members));
}

void cli_print_list(const json_t *list, const char *const *headings, const char *const *members,
                    const char *empty)
{
    CLEANUP(cli_table_done) struct cli_table table;
    const json_t *item;
    size_t i;

    cli_table_init(&table, headings);
    json_array_foreach(list, i, item)
    {
        cli_table_add_object(&table, item, members);
    }
    cli_table_print(&table, empty);
}

void cli_print_gateway(const json_t *output)
{
    if (slice_equal(cli_member(output, "gateway"), SLICE("waiting")))
        puts("\nThe gateway has not confirmed the change yet: it works by the old state until it "
             "is back. Look at `letterhead status`.");
}

/* --- Plainly, for operations without a view. --- */

/* The first object of the list tells the columns. */
static void print_objects(const json_t *list)
{
    const char *names[CLI_COLUMNS_MAX + 1] = {NULL};
    size_t count = 0;
    const char *name;
    json_t *value;

    json_object_foreach(json_array_get(list, 0), name, value)
    {
        if (count < CLI_COLUMNS_MAX && !json_is_object(value) && !json_is_array(value))
            names[count++] = name;
    }
    if (count)
        cli_print_list(list, names, names, "None.");
}

static void print_texts(const json_t *list)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        fputs("  ", stdout);
        cli_text_print(value_text(item));
        putchar('\n');
    }
}

static void print_member(const char *name, const json_t *value)
{
    if (json_is_array(value)) {
        printf("\n%s:%s\n", name, json_array_size(value) ? "" : " none");
        if (json_is_object(json_array_get(value, 0)))
            print_objects(value);
        else
            print_texts(value);
    } else if (!json_is_object(value) && !json_is_null(value)) {
        cli_field_print(name, value_text(value));
    }
}

static void print_plainly(const json_t *output)
{
    const char *name, *inner;
    json_t *value, *member;

    json_object_foreach((json_t *)(uintptr_t)output, name, value)
    {
        print_member(name, value);
        json_object_foreach(value, inner, member)
        {
            print_member(inner, member);
        }
    }
}

void cli_print(const struct cli_command *command, const json_t *output)
{
    if (command->print)
        command->print(output);
    else
        print_plainly(output);
}
