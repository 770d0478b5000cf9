/* Which command shows which operation: the views of the table (app/cli.h), and a plain one for
 * operations that have none. */
#ifndef LETTERHEAD_APP_CLI_VIEW_H
#define LETTERHEAD_APP_CLI_VIEW_H

#include "app/cli.h"

enum { CLI_WORDS_BYTES = 64 };

struct cli_view {
    struct cli_command command;
    char words
        [CLI_WORDS_BYTES]; /* of an operation without a view: its name, "site.add" as "site add" */
};

/* In place: the view's words may point into it. */
void cli_view_of(const struct control_operation *operation, struct cli_view *ret);

/* The operation that the first words of the command line name, and how many words that takes.
 * NULL: none. */
const struct control_operation *cli_view_find(const struct control_set *sets, size_t set_count,
                                              int argc, char **argv, struct cli_view *ret_view,
                                              int *ret_words);

#endif
