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

static void print_one(const json_t *item)
{
    struct slice class = cli_member(item, "class"), then = cli_member(item, "class_then");

    printf("\n%.*s  %.*s  ", SLICE_ARG(cli_time(item, "time")),
           SLICE_ARG(cli_member(item, "kind")));
    cli_text_print(cli_member(item, "address"));
    putchar('\n');
    cli_field_print("site", cli_member(item, "site"));
    cli_field_print("message", cli_member(item, "message_id"));
    cli_field_print("said", cli_member(item, "text"));
    if (class.size == 0)
        return;
    cli_field_print("class", class);
    if (then.size)
        cli_field_print("class then", then);
    cli_field_print("fault", cli_member(item, "fault"));
    cli_field_print("to do", cli_member(item, "what_to_do"));
}

void cli_print_feedback(const json_t *output)
{
    const json_t *item, *list = json_object_get(output, "feedback");
    size_t i;

    if (json_array_size(list) == 0)
        puts("None.");
    json_array_foreach(list, i, item)
    {
        print_one(item);
    }
    if (cli_member(output, "next").size)
        printf("\nThere are more: --before %.*s\n", SLICE_ARG(cli_member(output, "next")));
}
