/* From a command line to an operation's input: flags and words become JSON fields by the
 * operation's own table. */
#ifndef LETTERHEAD_APP_CLI_INPUT_H
#define LETTERHEAD_APP_CLI_INPUT_H

#include "app/cli.h"

struct cli_line {
    enum cli_format format;
    bool help;
    const char *socket_path; /* --socket; NULL */
    const char *config_path; /* --config; NULL */
    json_t *input;
};

/* For CLEANUP. */
void cli_line_done(struct cli_line *line);
/* Reads what follows the command's words (argv[0] is not looked at). -EINVAL: wrong usage;
 * *ret_problem (from malloc) says what is wrong. The input is checked against the operation's
 * fields unless help was asked for. */
MUST_CHECK int cli_line_read(const struct cli_command *command,
                             const struct control_operation *operation, int argc, char **argv,
                             struct cli_line *ret, char **ret_problem);

/* Asks for a secret field on the terminal. As cli_line_read. */
MUST_CHECK int cli_input_ask(json_t *input, const char *field, char **ret_problem);

/* A field's flag, without the two hyphens: "access-key-id". */
enum { CLI_FLAG_BYTES = 64 };
const char *cli_flag_name(const struct control_field *field, char out[static CLI_FLAG_BYTES]);

#endif
