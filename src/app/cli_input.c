#include "app/cli_input.h"

#include "app/cli_secret.h"
#include "control/check.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    OPTIONS_MAX = 32,
    OPTION_JSON = 1,
    OPTION_FORMAT,
    OPTION_HELP,
    OPTION_SOCKET,
    OPTION_CONFIG,
    OPTION_FIELD, /* and its place in the operation's fields */
    OPTION_SECRET_FILE = 1000,
    OPTION_SECRET_DESCRIPTOR = 2000,
    INPUT_BYTES_MAX = 1 << 20,
};

struct reading {
    const struct cli_command *command;
    const struct control_operation *operation;
    struct option options[OPTIONS_MAX];
    char names[OPTIONS_MAX][CLI_FLAG_BYTES];
    size_t option_count;
    struct cli_line line;
    char **ret_problem;
};

static int fail(struct reading *reading, const char *format, ...) PRINTF_LIKE(2, 3);

static int fail(struct reading *reading, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(reading->ret_problem, format, arguments) < 0)
        abort();
    va_end(arguments);
    return -EINVAL;
}

const char *cli_flag_name(const struct control_field *field, char out[static CLI_FLAG_BYTES])
{
    snprintf(out, CLI_FLAG_BYTES, "%s", field->name);
    for (char *c = out; *c; c++)
        if (*c == '_')
            *c = '-';
    return out;
}

static void add_option(struct reading *reading, const char *name, int has_argument, int value)
{
    assert(reading->option_count + 1 < OPTIONS_MAX);
    reading->options[reading->option_count++] = (struct option){name, has_argument, NULL, value};
}

static void add_named(struct reading *reading, const struct control_field *field,
                      const char *suffix, int has_argument, int value)
{
    char *name = reading->names[reading->option_count];

    cli_flag_name(field, name);
    snprintf(name + strlen(name), CLI_FLAG_BYTES - strlen(name), "%s", suffix);
    add_option(reading, name, has_argument, value);
}

/* A secret is no argument: its own flag asks for it. */
static void add_secret(struct reading *reading, const struct control_field *field, int place)
{
    if (!field->whole_file)
        add_named(reading, field, "", no_argument, OPTION_FIELD + place);
    add_named(reading, field, "-file", required_argument, OPTION_SECRET_FILE + place);
    add_named(reading, field, "-fd", required_argument, OPTION_SECRET_DESCRIPTOR + place);
}

static void list_options(struct reading *reading)
{
    const struct control_field *fields = reading->operation->input;

    add_option(reading, "json", no_argument, OPTION_JSON);
    add_option(reading, "format", required_argument, OPTION_FORMAT);
    add_option(reading, "help", no_argument, OPTION_HELP);
    add_option(reading, "socket", required_argument, OPTION_SOCKET);
    add_option(reading, "config", required_argument, OPTION_CONFIG);
    for (int i = 0; fields[i].name; i++)
        if (fields[i].secret)
            add_secret(reading, &fields[i], i);
        else if (!fields[i].positional)
            add_named(reading, &fields[i], "",
                      fields[i].type == CONTROL_FLAG ? no_argument : required_argument,
                      OPTION_FIELD + i);
}

static int take_format(struct reading *reading, const char *name)
{
    if (strcmp(name, "table") == 0)
        reading->line.format = CLI_TABLE;
    else if (strcmp(name, "json") == 0)
        reading->line.format = CLI_JSON;
    else if (strcmp(name, "zone") == 0 && reading->command->print_zone)
        reading->line.format = CLI_ZONE;
    else
        return fail(reading, "--format takes table or json%s",
                    reading->command->print_zone ? ", or zone" : "");
    return 0;
}

static json_t *text_value(const char *text)
{
    return json_stringn(text, strlen(text));
}

static int take_number(struct reading *reading, const struct control_field *field, const char *text)
{
    uint64_t number;

    if (slice_to_u64(slice_text(text), INT64_MAX, &number) < 0)
        return fail(reading, "--%s takes a whole number, not \"%s\"", field->name, text);
    json_object_set_new(reading->line.input, field->name, json_integer((json_int_t)number));
    return 0;
}

static int take_text(struct reading *reading, const struct control_field *field, const char *text)
{
    json_t *value = text_value(text), *list;

    if (!value)
        return fail(reading, "%s is not UTF-8", field->name);
    if (field->type == CONTROL_TEXT) {
        if (json_object_get(reading->line.input, field->name)) {
            json_decref(value);
            return fail(reading, "%s is given twice", field->name);
        }
        json_object_set_new(reading->line.input, field->name, value);
        return 0;
    }
    list = json_object_get(reading->line.input, field->name);
    if (!list) {
        list = json_array();
        json_object_set_new(reading->line.input, field->name, list);
    }
    json_array_append_new(list, value);
    return 0;
}

static int take_field(struct reading *reading, const struct control_field *field, const char *text)
{
    switch (field->type) {
    case CONTROL_FLAG:
        json_object_set_new(reading->line.input, field->name, json_true());
        return 0;
    case CONTROL_NUMBER:
        return take_number(reading, field, text);
    default:
        return take_text(reading, field, text);
    }
}

int cli_input_ask(json_t *input, const char *field, char **ret_problem)
{
    CLEANUP(secret_done) struct secret secret = SECRET_NONE;
    int r = cli_secret_ask(field, &secret, ret_problem);

    if (r == 0)
        json_object_set_new(input, field, json_stringn(secret.data, secret.size));
    return r;
}

static int take_secret(struct reading *reading, int option, const char *argument)
{
    bool file = option < OPTION_SECRET_DESCRIPTOR;
    int place = option - (file ? OPTION_SECRET_FILE : OPTION_SECRET_DESCRIPTOR);
    const struct control_field *field = &reading->operation->input[place];
    CLEANUP(secret_done) struct secret secret = SECRET_NONE;
    int r = file ? cli_secret_from_file(argument, field->whole_file, &secret, reading->ret_problem)
                 : cli_secret_from_descriptor(argument, field->whole_file, &secret,
                                              reading->ret_problem);
    json_t *value;

    if (r < 0)
        return r;
    value = json_stringn(secret.data, secret.size);
    if (!value)
        return fail(reading, "the %s is not UTF-8", field->name);
    json_object_set_new(reading->line.input, field->name, value);
    return 0;
}

static int take_by_place(struct reading *reading, int option, const char *argument)
{
    const struct control_field *field;

    if (option >= OPTION_SECRET_FILE)
        return take_secret(reading, option, argument);
    field = &reading->operation->input[option - OPTION_FIELD];
    return field->secret ? cli_input_ask(reading->line.input, field->name, reading->ret_problem)
                         : take_field(reading, field, argument);
}

static int take_option(struct reading *reading, int option, const char *argument)
{
    switch (option) {
    case OPTION_JSON:
        reading->line.format = CLI_JSON;
        return 0;
    case OPTION_FORMAT:
        return take_format(reading, argument);
    case OPTION_HELP:
        reading->line.help = true;
        return 0;
    case OPTION_SOCKET:
        reading->line.socket_path = argument;
        return 0;
    case OPTION_CONFIG:
        reading->line.config_path = argument;
        return 0;
    default:
        return take_by_place(reading, option, argument);
    }
}

/* `--password=word`: not repeated, since others may look. */
static bool is_secret_as_argument(const struct reading *reading, const char *word)
{
    for (const struct control_field *f = reading->operation->input; f->name; f++) {
        size_t size = strlen(f->name);

        if (f->secret && strncmp(word, "--", 2) == 0 && strncmp(word + 2, f->name, size) == 0 &&
            word[2 + size] == '=')
            return true;
    }
    return false;
}

static int refuse_option(struct reading *reading, int option, const char *word)
{
    if (is_secret_as_argument(reading, word))
        return fail(reading, "a password is no argument, where others see it: leave the value out, "
                             "and it is asked for; or read it from a file or a descriptor");
    if (option == ':')
        return fail(reading, "%s needs a value", word);
    return fail(reading, "there is no option %s here, or it is not clear which one is meant", word);
}

/* Words go to the positional fields in order; the last one takes all that are left if it is a
 * list. */
static int take_words(struct reading *reading, int count, char **words)
{
    const struct control_field *field = reading->operation->input;
    int r = 0;

    for (int i = 0; i < count && r == 0; i++) {
        while (field->name && !field->positional)
            field++;
        if (!field->name)
            return fail(reading, "\"%s\" is one word too many", words[i]);
        r = take_field(reading, field, words[i]);
        field += field->type != CONTROL_TEXTS;
    }
    return r;
}

static int read_options(struct reading *reading, int argc, char **argv)
{
    int option, r = 0;

    optind = 0; /* getopt starts anew */
    opterr = 0;
    while (r == 0 && (option = getopt_long(argc, argv, ":", reading->options, NULL)) != -1) {
        if (option == '?' || option == ':')
            return refuse_option(reading, option, argv[optind - 1]);
        r = take_option(reading, option, optarg);
    }
    return r == 0 ? take_words(reading, argc - optind, argv + optind) : r;
}

static int read_standard_input(struct reading *reading)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    ssize_t size;

    if (isatty(STDIN_FILENO))
        fprintf(stderr, "Type the %s, then Ctrl-D on a line of its own.\n",
                reading->command->input_field);
    while ((size = read(STDIN_FILENO, buffer_reserve(&text, 65536), 65536)) > 0) {
        text.size += (size_t)size;
        if (text.size > INPUT_BYTES_MAX)
            return fail(reading, "standard input has more than %d bytes", INPUT_BYTES_MAX);
    }
    if (size < 0)
        return fail(reading, "standard input cannot be read: %s", strerror(errno));
    json_object_set_new(reading->line.input, reading->command->input_field,
                        json_stringn(text.size ? text.data : "", text.size));
    if (!json_object_get(reading->line.input, reading->command->input_field))
        return fail(reading, "standard input is not UTF-8");
    return 0;
}

static int check(struct reading *reading)
{
    CLEANUP(control_problem_done) struct control_problem problem = CONTROL_PROBLEM_NONE;

    if (control_check_input(reading->operation, reading->line.input, &problem) == 0)
        return 0;
    return fail(reading, "%s\n%s", problem.message, problem.cure);
}

void cli_line_done(struct cli_line *line)
{
    json_decref(line->input);
    line->input = NULL;
}

int cli_line_read(const struct cli_command *command, const struct control_operation *operation,
                  int argc, char **argv, struct cli_line *ret, char **ret_problem)
{
    struct reading reading = {
        .command = command, .operation = operation, .ret_problem = ret_problem};
    int r;

    reading.line.input = json_object();
    list_options(&reading);
    r = read_options(&reading, argc, argv);
    if (r == 0 && !reading.line.help && command->input_field &&
        !json_object_get(reading.line.input, command->input_field))
        r = read_standard_input(&reading);
    if (r == 0 && !reading.line.help)
        r = check(&reading);
    if (r < 0) {
        cli_line_done(&reading.line);
        return r;
    }
    *ret = reading.line;
    return 0;
}
