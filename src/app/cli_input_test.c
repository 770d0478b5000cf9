#include "app/cli_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const colours[] = {"red", "green", NULL};
static const struct control_field fields[] = {
    {.name = "site",
     .type = CONTROL_TEXT,
     .required = true,
     .positional = true,
     .min = 1,
     .max = 9,
     .help = "the site"},
    {.name = "key_id", .type = CONTROL_TEXT, .max = 9, .choices = colours},
    {.name = "limit", .type = CONTROL_NUMBER, .min = 1, .max = 100},
    {.name = "yes", .type = CONTROL_FLAG},
    {.name = "from", .type = CONTROL_TEXTS, .max = 9, .count_max = 2},
    {.name = "word", .type = CONTROL_TEXT, .secret = true, .max = 9},
    {NULL},
};
static const struct control_operation operation = {.name = "test.do", .input = fields};

static void print_nothing(const json_t *output)
{
    (void)output;
}

static const struct cli_command command = {
    .words = "test do", .operation = "test.do", .print_zone = print_nothing};

enum { WORDS_MAX = 12 };

/* The line's words, split at blanks, after the program's name. */
static int read_line(const char *text, struct cli_line *ret, char **ret_problem)
{
    char memory[256], *words[WORDS_MAX + 1] = {memory}, *at;
    int count = 1;

    snprintf(memory, sizeof memory, "letterhead %s", text);
    for (at = strchr(memory, ' '); at && at[1]; at = strchr(at + 1, ' ')) {
        *at = '\0';
        words[count++] = at + 1;
    }
    return cli_line_read(&command, &operation, count, words, ret, ret_problem);
}

static void words_become_fields(void **state)
{
    static const struct {
        const char *line, *input; /* NULL: refused */
        const char *problem;
    } cases[] = {
        {"one", "{\"site\": \"one\"}", NULL},
        {"one --key-id red --limit 7 --yes",
         "{\"site\": \"one\", \"key_id\": \"red\", \"limit\": 7, \"yes\": true}", NULL},
        {"--from a --from=b one", "{\"site\": \"one\", \"from\": [\"a\", \"b\"]}", NULL},
        {"--json -- --yes", "{\"site\": \"--yes\"}", NULL},
        {"", NULL, "needs the field"},
        {"one two", NULL, "\"two\" is one word too many"},
        {"one --colour red", NULL, "no option --colour"},
        {"one --key_id red", NULL, "no option --key_id"},
        {"one --key-id blue", NULL, "red, green"},
        {"one --key-id red --key-id red", NULL, "twice"},
        {"one --limit", NULL, "--limit needs a value"},
        {"one --limit -1", NULL, "whole number"},
        {"one --limit 101", NULL, "1 to 100"},
        {"one --yes=no", NULL, "--yes"},
        {"one --from a --from b --from c", NULL, "3 entries"},
        {"one --from \xff", NULL, "UTF-8"},
        {"one --format xml", NULL, "or zone"},
        {"longer-than-that", NULL, "1 to 9"},
        {"one --word=hidden", NULL, "a password is no argument"},
        {"one --word-file /nowhere", NULL, "/nowhere"},
        {"one --word-fd one", NULL, "number of a descriptor"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(cli_line_done) struct cli_line line = {.input = NULL};
        char *problem = NULL;
        int r = read_line(cases[i].line, &line, &problem);
        json_t *wanted = cases[i].input ? json_loads(cases[i].input, 0, NULL) : NULL;

        if (cases[i].problem && (r != -EINVAL || !strstr(problem, cases[i].problem)))
            fail_msg("\"%s\": %s", cases[i].line, problem ? problem : "taken");
        if (wanted && (r != 0 || !json_equal(line.input, wanted)))
            fail_msg("\"%s\": %s", cases[i].line, problem ? problem : "another input");
        json_decref(wanted);
        free(problem);
    }
}

static void options_of_every_command_are_read(void **state)
{
    CLEANUP(cli_line_done) struct cli_line line = {.input = NULL};
    CLEANUP(cli_line_done) struct cli_line help = {.input = NULL};
    char *problem = NULL;

    (void)state;
    assert_int_equal(read_line("one --format zone --socket /s --config /c", &line, &problem), 0);
    assert_int_equal(line.format, CLI_ZONE);
    assert_non_null(line.socket_path);
    assert_non_null(line.config_path);
    assert_int_equal(read_line("--help", &help, &problem), 0); /* though the site is missing */
    assert_true(help.help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_fields),
        cmocka_unit_test(options_of_every_command_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
