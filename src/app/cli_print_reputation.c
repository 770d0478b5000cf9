/* How reputations and digests are shown. */
#include "app/cli_print.h"

#include <stdio.h>

static struct slice percent(const json_t *object, const char *member, char *text, size_t size)
{
    snprintf(text, size, "%.2f %%", json_number_value(json_object_get(object, member)));
    return slice_text(text);
}

void cli_print_reputations(const json_t *output)
{
    static const char *const headings[] = {"SITE",    "STATE",      "EFFECT", "RECIPIENTS",
                                           "BOUNCES", "COMPLAINTS", "SINCE",  NULL};
    static const char *const head[] = {"site", "state", "effect", "recipients", NULL};
    static const char *const rest[] = {"~since", NULL};
    CLEANUP(cli_table_done) struct cli_table table;
    const json_t *item;
    char text[32];
    size_t i;

    cli_table_init(&table, headings);
    json_array_foreach(json_object_get(output, "reputations"), i, item)
    {
        cli_table_add_object(&table, item, head);
        cli_table_add(&table, percent(item, "bounce_percent", text, sizeof text));
        cli_table_add(&table, percent(item, "complaint_percent", text, sizeof text));
        cli_table_add_object(&table, item, rest);
    }
    cli_table_print(&table, "There are no sites yet.");
}

/* Numbers and words of ours alone, as they are. */
void cli_print_digest(const json_t *output)
{
    struct slice csv = cli_member(output, "csv"), text = cli_member(output, "text");

    printf("%.*s%.*s", SLICE_ARG(csv), SLICE_ARG(text));
}

void cli_print_reputation(const json_t *output)
{
    char text[32];

    cli_field_print("site", cli_member(output, "site"));
    cli_field_print("state", cli_member(output, "state"));
    cli_field_print("effect", cli_member(output, "effect"));
    cli_field_print("bounces", percent(output, "bounce_percent", text, sizeof text));
    cli_field_print("complaints", percent(output, "complaint_percent", text, sizeof text));
    if (cli_member(output, "override_until").size)
        cli_field_print("until", cli_time(output, "override_until"));
    cli_print_gateway(output);
}
