/* What `--help` says: made from the table of operations and the examples of the views. */
#ifndef LETTERHEAD_APP_CLI_HELP_H
#define LETTERHEAD_APP_CLI_HELP_H

#include "app/cli.h"

/* All commands by their nouns; with a noun, those of that noun. */
void cli_help_all(const struct control_set *sets, size_t set_count, const char *noun, FILE *out);
/* One command: usage, fields, output, examples. */
void cli_help_command(const struct cli_command *command, const struct control_operation *operation,
                      FILE *out);

#endif
