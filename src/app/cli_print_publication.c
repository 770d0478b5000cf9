/* How the records that are published in the platform's zone are shown. */
#include "app/cli_print.h"

#include <stdio.h>

static json_int_t count_of(const json_t *output, const char *state)
{
    return json_integer_value(json_object_get(json_object_get(output, "counts"), state));
}

static void print_head(const json_t *output)
{
    if (!json_is_string(json_object_get(output, "zone"))) {
        puts("No zone is configured to publish into (publishing.zone).\n");
        return;
    }
    cli_field_print("zone", cli_member(output, "zone"));
    cli_field_print("server", cli_member(output, "server"));
    if (json_is_false(json_object_get(output, "server_answers")))
        cli_field_print("", SLICE("it does not answer"));
    printf("%-11s %lld published, %lld waiting, %lld in trouble, %lld that clash\n\n", "records",
           (long long)count_of(output, "published"), (long long)count_of(output, "waiting"),
           (long long)count_of(output, "trouble"), (long long)count_of(output, "clash"));
}

void cli_print_publications(const json_t *output)
{
    static const char *const headings[] = {"NAME", "STATE", "SINCE", "SITE", "DOMAIN", NULL};
    static const char *const members[] = {"name", "state", "@since", "site", "domain", NULL};
    const json_t *rows = json_object_get(output, "publications"), *row;
    size_t i;

    print_head(output);
    cli_print_list(rows, headings, members, "Nothing is published, and nothing waits to be.");
    json_array_foreach(rows, i, row)
    {
        if (cli_member(row, "trouble").size == 0)
            continue;
        putchar('\n');
        cli_text_print(cli_member(row, "name"));
        fputs("\n  ", stdout);
        cli_text_print(cli_member(row, "trouble"));
        putchar('\n');
    }
    if (json_is_string(json_object_get(output, "next"))) {
        fputs("\nThere are more: letterhead publication list --after ", stdout);
        cli_text_print(cli_member(output, "next"));
        putchar('\n');
    }
}

int cli_status_publications(const json_t *output)
{
    return count_of(output, "trouble") + count_of(output, "clash") ? CLI_REFUSED : CLI_DONE;
}

void cli_print_retried(const json_t *output)
{
    cli_text_print(cli_member(output, "count"));
    puts(" records are tried again now. How it went: letterhead publication list");
}
