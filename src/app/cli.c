#include "app/cli.h"

#include "app/cli_help.h"
#include "app/cli_input.h"
#include "app/cli_print.h"
#include "app/cli_secret.h"
#include "app/cli_view.h"
#include "app/config.h"
#include "app/operations.h"
#include "control/client.h"
#include "control/json.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_SOCKET "/run/letterhead/control.sock"

/* Where the service listens: as told, as the configuration says, or at its usual place. A
 * configuration that was named must be good; the usual one may be unreadable for whoever asks. */
static int find_socket(const struct cli_line *line, char **ret_path)
{
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    const char *path = line->config_path ? line->config_path : CONFIG_DEFAULT_PATH;
    struct config *config;

    if (line->socket_path) {
        *ret_path = base_duplicate(line->socket_path);
        return 0;
    }
    if (config_load(path, &config, &problems) < 0) {
        if (line->config_path)
            fprintf(stderr, "%.*s", SLICE_ARG(buffer_slice(&problems)));
        *ret_path = line->config_path ? NULL : base_duplicate(DEFAULT_SOCKET);
        return line->config_path ? -EINVAL : 0;
    }
    *ret_path = slice_duplicate(config->control_socket);
    config_free(config);
    return 0;
}

static void print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2));
    putchar('\n');
}

static int show_refusal(const struct cli_line *line, const struct cli_command *command,
                        const json_t *reply)
{
    const json_t *error = json_object_get(reply, "error");

    if (line->format == CLI_JSON)
        print_json(reply);
    fprintf(stderr, "letterhead %s: %s\n%s\n", command->words,
            json_string_value(json_object_get(error, "message")),
            json_string_value(json_object_get(error, "cure")));
    return CLI_REFUSED;
}

/* As a reply that says so, for scripts. */
static int show_unreachable(const struct cli_line *line, const struct cli_command *command,
                            const char *problem)
{
    if (line->format == CLI_JSON) {
        json_t *reply = json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "code", "unreachable",
                                  "message", problem);

        print_json(reply);
        json_decref(reply);
    }
    fprintf(stderr, "letterhead %s: %s\n", command->words, problem);
    return CLI_UNREACHABLE;
}

static int show_output(const struct cli_line *line, const struct cli_command *command,
                       const json_t *output)
{
    if (line->format == CLI_JSON)
        print_json(output);
    else if (line->format == CLI_ZONE)
        command->print_zone(output);
    else
        cli_print(command, output);
    if (fflush(stdout) != 0 || ferror(stdout))
        return CLI_REFUSED;
    return command->status ? command->status(output) : CLI_DONE;
}

/* The operation wants a secret that was not given, and there is somebody to ask. */
static const char *wanted_secret(const struct control_operation *operation, const json_t *input,
                                 const json_t *reply)
{
    const char *name = json_string_value(json_object_get(json_object_get(reply, "error"), "field"));

    for (const struct control_field *f = operation->input; name && f->name; f++)
        if (f->secret && !f->whole_file && strcmp(f->name, name) == 0)
            return json_object_get(input, name) || !cli_secret_can_ask() ? NULL : f->name;
    return NULL;
}

static void tell(void *context, const json_t *progress)
{
    const struct cli_command *command = context;

    command->progress(progress);
    fflush(stdout);
}

/* Progress is for people: programs read the reply. */
static int call_once(const char *path, const struct cli_line *line,
                     const struct cli_command *command, json_t **ret_reply, char **ret_problem)
{
    const struct control_client_watch watch = {tell, (void *)(uintptr_t)command};

    return control_client_call_watched(
        path, command->operation, line->input,
        command->progress && line->format == CLI_TABLE ? &watch : NULL, ret_reply, ret_problem);
}

/* Asks the service, and for a secret, where it has to be. */
static int call(const char *path, const struct cli_line *line, const struct cli_command *command,
                const struct control_operation *operation, json_t **ret_reply, char **ret_problem)
{
    int r = call_once(path, line, command, ret_reply, ret_problem);
    const char *secret = r < 0 ? NULL : wanted_secret(operation, line->input, *ret_reply);

    if (!secret)
        return r;
    json_decref(*ret_reply);
    r = cli_input_ask(line->input, secret, ret_problem);
    return r < 0 ? r : call_once(path, line, command, ret_reply, ret_problem);
}

static int ask(const struct cli_line *line, const struct cli_command *command,
               const struct control_operation *operation)
{
    CLEANUP(base_free_pointer) char *path = NULL;
    CLEANUP(base_free_pointer) char *problem = NULL;
    json_t *reply;
    int status;

    if (find_socket(line, &path) < 0)
        return CLI_USAGE;
    if (call(path, line, command, operation, &reply, &problem) < 0)
        return show_unreachable(line, command, problem);
    status = json_is_true(json_object_get(reply, "ok"))
                 ? show_output(line, command, json_object_get(reply, "output"))
                 : show_refusal(line, command, reply);
    json_decref(reply);
    return status;
}

static int run(const struct cli_command *command, const struct control_operation *operation,
               int argc, char **argv)
{
    CLEANUP(cli_line_done) struct cli_line line = {.input = NULL};
    CLEANUP(base_free_pointer) char *problem = NULL;

    if (cli_line_read(command, operation, argc, argv, &line, &problem) < 0) {
        fprintf(stderr, "letterhead %s: %s\n`letterhead %s --help` shows how it is used.\n",
                command->words, problem, command->words);
        return CLI_USAGE;
    }
    if (line.help) {
        cli_help_command(command, operation, stdout);
        return CLI_DONE;
    }
    return ask(&line, command, operation);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "help") == 0 || strcmp(word, "-h") == 0;
}

/* A noun alone, or with a verb that it does not have, is answered with what there is. */
static int help_instead(const struct control_set *sets, int argc, char **argv)
{
    const char *noun = argc > 1 && !is_help(argv[1]) ? argv[1] : NULL;
    bool asked = argc > 1 && is_help(argv[argc - 1]);

    for (size_t i = 0; noun && i < OPERATION_SETS; i++) {
        const char *name = sets[i].operations[0].name;

        if (strncmp(name, noun, strlen(noun)) == 0 && name[strlen(noun)] == '.') {
            cli_help_all(sets, OPERATION_SETS, noun, asked ? stdout : stderr);
            return asked ? CLI_DONE : CLI_USAGE;
        }
    }
    if (noun)
        fprintf(stderr, "letterhead: there is no command \"%s\". `letterhead help` shows all.\n",
                noun);
    else
        cli_help_all(sets, OPERATION_SETS, NULL, asked ? stdout : stderr);
    return asked && !noun ? CLI_DONE : CLI_USAGE;
}

/* Options may stand before the words, too: letterhead --socket PATH site list. */
static int count_leading_options(int argc, char **argv)
{
    static const char *const with_value[] = {"--socket", "--config", "--format"};
    int i = 1;

    while (i < argc && argv[i][0] == '-' && !is_help(argv[i])) {
        int step = 1;

        for (size_t k = 0; k < ARRAY_LEN(with_value); k++)
            step += strcmp(argv[i], with_value[k]) == 0;
        i += step;
    }
    return (i < argc ? i : argc) - 1;
}

/* Takes the command's words out of the line: what is left are options and values. */
static int remove_words(int argc, char **argv, int first, int count)
{
    for (int i = first; i + count <= argc; i++)
        argv[i] = argv[i + count]; /* the NULL at the end as well */
    return argc - count;
}

int cli_main(int argc, char **argv)
{
    const struct operation_services nobody = {.site = NULL};
    const struct control_operation *operation;
    struct control_set sets[OPERATION_SETS];
    struct cli_view view;
    int words, leading = count_leading_options(argc, argv);

    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
    control_json_wipe_memory();
    operations_join(&nobody, sets);
    operation =
        cli_view_find(sets, OPERATION_SETS, argc - 1 - leading, argv + 1 + leading, &view, &words);
    if (!operation)
        return help_instead(sets, argc - leading, argv + leading);
    argc = remove_words(argc, argv, 1 + leading, words);
    return run(&view.command, operation, argc, argv);
}
