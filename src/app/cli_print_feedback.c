/* How suppressions, and what comes back, are shown. */
#include "app/cli_print.h"

#include <stdio.h>

void cli_print_suppressions(const json_t *output)
{
    static const char *const headings[] = {"ADDRESS", "REASON", "CLASS", "SINCE",
                                           "EXPIRES", "TEXT",   NULL};
    static const char *const members[] = {"address",  "reason", "class", "@since",
                                          "@expires", "text",   NULL};

    cli_print_list(json_object_get(output, "suppressions"), headings, members, "None.");
    if (cli_member(output, "next").size)
        printf("\nThere are more: --after %.*s\n", SLICE_ARG(cli_member(output, "next")));
}

/* As it is, for a file. */
void cli_print_csv(const json_t *output)
{
    struct slice csv = cli_member(output, "csv"), next = cli_member(output, "next");

    fwrite(csv.data, 1, csv.size, stdout);
    if (next.size)
        fprintf(stderr, "There are more: --after %.*s\n", SLICE_ARG(next));
}
