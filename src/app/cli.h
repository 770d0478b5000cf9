/* The command line: `letterhead NOUN VERB …`. Each command is a view of one operation
 * (control/operation.h): its words, how flags become the input's fields, and how the output is
 * shown to people. An operation without a view of its own is shown generically, so that a new
 * one needs nothing here.
 *
 * Exit status: 0 done; 1 refused or failed, with the reason; 2 wrong usage; 3 the service cannot
 * be reached. */
#ifndef LETTERHEAD_APP_CLI_H
#define LETTERHEAD_APP_CLI_H

#include "control/operation.h"

enum { CLI_DONE = 0, CLI_REFUSED = 1, CLI_USAGE = 2, CLI_UNREACHABLE = 3 };

/* Everything after the program's name that is no other word of main.c. Returns the exit status. */
int cli_main(int argc, char **argv);

enum cli_format { CLI_TABLE, CLI_JSON, CLI_ZONE };

/* A view of an operation. */
struct cli_command {
    const char *words;     /* "site add", "send" */
    const char *operation; /* "site.add" */
    /* Shows the output; NULL: generically. */
    void (*print)(const json_t *output);
    /* Shows how far the operation has come, while it runs; NULL: it is not told. */
    void (*progress)(const json_t *progress);
    /* --format zone; NULL: there is none. */
    void (*print_zone)(const json_t *output);
    /* What the exit status says of an operation that was done; NULL: CLI_DONE. */
    int (*status)(const json_t *output);
    const char *input_field; /* read from standard input when it is not given; or NULL */
    const char *example;     /* command lines with a remark each, without `letterhead` */
};

/* The views, ended by NULL words (app/cli_commands.c). */
extern const struct cli_command cli_commands[];

#endif
