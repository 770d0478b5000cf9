#include "app/cli_help.h"

#include "app/cli_input.h"
#include "app/cli_view.h"

#include <ctype.h>
#include <stdio.h>

enum { NAME_WIDTH = 22 };

static const char other_words[] =
    "The service itself:\n"
    "  serve                 Start the service (systemd does)\n"
    "  check-config          Read the configuration and name every mistake in it\n"
    "  inspect               Show how Letterhead reads an address, a message, a reply\n"
    "  version               Say which version this is\n";

static const char every_command[] =
    "Every command:\n"
    "  --json                the output as JSON (--format json)\n"
    "  --socket PATH         the service's control socket\n"
    "  --config PATH         the configuration that names the socket\n"
    "  --help                this text, or a command's own\n"
    "\n"
    "Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 the service cannot be reached.\n";

static void print_usage_field(const struct control_field *field, FILE *out)
{
    char flag[CLI_FLAG_BYTES], value[CLI_FLAG_BYTES];

    cli_flag_name(field, flag);
    snprintf(value, sizeof value, "%s", flag);
    for (char *c = value; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    if (field->positional)
        fprintf(out, field->required ? " %s" : " [%s]", value);
    else if (field->secret)
        fprintf(out, " [--%s | --%s-file PATH | --%s-fd NUMBER]", flag, flag, flag);
    else if (field->type == CONTROL_FLAG)
        fprintf(out, " [--%s]", flag);
    else
        fprintf(out, field->required ? " --%s %s%s" : " [--%s %s]%s", flag,
                field->choices                  ? "WORD"
                : field->type == CONTROL_NUMBER ? "NUMBER"
                                                : "TEXT",
                field->type == CONTROL_TEXTS ? "…" : "");
}

static void print_usage(const struct cli_command *command,
                        const struct control_operation *operation, FILE *out)
{
    fprintf(out, "usage: letterhead %s", command->words);
    for (const struct control_field *field = operation->input; field->name; field++)
        if (field->positional)
            print_usage_field(field, out);
    for (const struct control_field *field = operation->input; field->name; field++)
        if (!field->positional)
            print_usage_field(field, out);
    fputs(" [--json]\n", out);
}

static void print_field(const struct control_field *field, FILE *out)
{
    char flag[CLI_FLAG_BYTES], name[CLI_FLAG_BYTES + 8];

    cli_flag_name(field, flag);
    snprintf(name, sizeof name, field->positional ? "%s" : "--%s", flag);
    for (char *c = name; field->positional && *c; c++)
        *c = (char)toupper((unsigned char)*c);
    fprintf(out, "  %-*s%s", NAME_WIDTH, name, field->help);
    for (const char *const *choice = field->choices; choice && *choice; choice++)
        fprintf(out, "%s%s", choice == field->choices ? " (" : ", ", *choice);
    fputs(field->choices ? ")" : "", out);
    if (field->secret)
        fputs(", asked for; or read from a file or a descriptor; never an argument", out);
    fputs(field->type == CONTROL_TEXTS ? "; may be given several times\n" : "\n", out);
}

void cli_help_command(const struct cli_command *command, const struct control_operation *operation,
                      FILE *out)
{
    print_usage(command, operation, out);
    fprintf(out, "\n%s.\n\n", operation->summary);
    for (const struct control_field *field = operation->input; field->name; field++)
        print_field(field, out);
    if (command->input_field)
        fprintf(out, "  %-*swithout --%s, it is read from standard input\n", NAME_WIDTH, "",
                command->input_field);
    if (command->print_zone)
        fprintf(out, "  %-*stable, json, or zone: lines for a zone file\n", NAME_WIDTH,
                "--format WORD");
    fprintf(out, "\n%s", every_command);
    fprintf(out, "\nWith --json: %s\n", operation->output);
    if (command->example)
        fprintf(out, "\nExamples:\n%s", command->example);
}

static bool has_noun(const char *words, const char *noun)
{
    size_t size = strlen(noun);

    return strncmp(words, noun, size) == 0 && (words[size] == ' ' || words[size] == '\0');
}

void cli_help_all(const struct control_set *sets, size_t set_count, const char *noun, FILE *out)
{
    fprintf(out, "usage: letterhead %s … [--json] [--help]\n\n", noun ? noun : "NOUN VERB");
    for (size_t i = 0; i < set_count; i++) {
        for (size_t k = 0; k < sets[i].count; k++) {
            const struct control_operation *operation = &sets[i].operations[k];
            struct cli_view view;

            cli_view_of(operation, &view);
            if (!noun || has_noun(view.command.words, noun))
                fprintf(out, "  %-*s%s\n", NAME_WIDTH, view.command.words, operation->summary);
        }
    }
    if (!noun)
        fprintf(out, "\n%s", other_words);
    fprintf(out, "\n%s", every_command);
}
