/* How the platform's own DNS records are shown. */
#include "app/cli_print.h"

#include <stdio.h>

static bool is_checked(const json_t *output)
{
    return json_is_true(json_object_get(output, "checked"));
}

static void print_record(const json_t *record, bool checked)
{
    putchar('\n');
    cli_field_print("record", cli_member(record, "zone"));
    cli_field_print("  for", cli_member(record, "for"));
    if (!checked)
        return;
    cli_field_print("  state", cli_member(record, "state"));
    if (slice_equal(cli_member(record, "state"), SLICE("right")))
        return;
    cli_field_print("  seen", cli_member(record, "seen"));
    cli_field_print("  next", cli_member(record, "advice"));
}

void cli_print_platform(const json_t *output)
{
    const json_t *record;
    size_t i;

    cli_field_print("host name", cli_member(output, "hostname"));
    cli_field_print("bounces", cli_member(output, "bounce_domain"));
    if (cli_member(output, "trouble").size)
        cli_field_print("trouble", cli_member(output, "trouble"));
    json_array_foreach(json_object_get(output, "records"), i, record)
    {
        print_record(record, is_checked(output));
    }
}

void cli_print_platform_zone(const json_t *output)
{
    const json_t *record;
    size_t i;

    json_array_foreach(json_object_get(output, "records"), i, record)
    {
        cli_text_print(cli_member(record, "zone"));
        putchar('\n');
    }
}

int cli_status_platform(const json_t *output)
{
    bool bad = is_checked(output) && !json_is_true(json_object_get(output, "good"));

    return bad ? CLI_REFUSED : CLI_DONE;
}
