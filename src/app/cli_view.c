#include "app/cli_view.h"

#include <stdio.h>

static const struct cli_command *command_for(const char *operation)
{
    for (const struct cli_command *command = cli_commands; command->words; command++)
        if (strcmp(command->operation, operation) == 0)
            return command;
    return NULL;
}

void cli_view_of(const struct control_operation *operation, struct cli_view *ret)
{
    const struct cli_command *command = command_for(operation->name);

    if (command) {
        ret->command = *command;
        return;
    }
    snprintf(ret->words, sizeof ret->words, "%s", operation->name);
    for (char *c = ret->words; *c; c++)
        if (*c == '.')
            *c = ' ';
    ret->command = (struct cli_command){.words = ret->words, .operation = operation->name};
}

/* How many words of the command line the command takes; 0 if it is another one. */
static int match(const char *words, int argc, char **argv)
{
    struct slice rest = slice_text(words), word;
    bool more = true;
    int count = 0;

    while (more) {
        more = slice_cut(&rest, ' ', &word);
        if (count >= argc || !slice_equal(word, slice_text(argv[count])))
            return 0;
        count++;
    }
    return count;
}

const struct control_operation *cli_view_find(const struct control_set *sets, size_t set_count,
                                              int argc, char **argv, struct cli_view *ret_view,
                                              int *ret_words)
{
    for (size_t i = 0; i < set_count; i++) {
        for (size_t k = 0; k < sets[i].count; k++) {
            cli_view_of(&sets[i].operations[k], ret_view);
            *ret_words = match(ret_view->command.words, argc, argv);
            if (*ret_words)
                return &sets[i].operations[k];
        }
    }
    return NULL;
}
