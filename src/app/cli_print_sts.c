/* How the policies of MTA-STS are shown. */
#include "app/cli_print.h"

#include <stdio.h>

void cli_print_policies(const json_t *output)
{
    static const char *const headings[] = {"DOMAIN", "POLICY", "FETCHED", "EXPIRES",
                                           "NEXT",   "WHY",    NULL};
    static const char *const members[] = {"domain", "policy", "~since", "~expires",
                                          "~next",  "why",    NULL};

    cli_print_list(json_object_get(output, "policies"), headings, members,
                   "No policy of MTA-STS is kept. One is looked for when mail goes to a domain.");
}

static void print_hosts(const json_t *hosts)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    const json_t *host;
    size_t i;

    json_array_foreach(hosts, i, host)
    {
        buffer_printf(&text, "%s%s", i ? ", " : "", json_string_value(host));
    }
    if (text.size)
        cli_field_print("hosts", buffer_slice(&text));
}

static void print_trouble(const json_t *output)
{
    if (cli_member(output, "trouble").size == 0)
        return;
    cli_field_print("trouble", cli_member(output, "trouble"));
    cli_field_print("  since", cli_time(output, "trouble_since"));
    cli_field_print("  failures", cli_member(output, "failures"));
}

void cli_print_policy(const json_t *output)
{
    cli_field_print("domain", cli_member(output, "domain"));
    cli_field_print("policy", cli_member(output, "policy"));
    cli_field_print("why", cli_member(output, "why"));
    print_trouble(output);
    print_hosts(json_object_get(output, "hosts"));
    cli_field_print("record id", cli_member(output, "record_id"));
    cli_field_print("fetched", cli_time(output, "since"));
    cli_field_print("expires", cli_time(output, "expires"));
    cli_field_print("last tried", cli_time(output, "tried"));
    cli_field_print("last needed", cli_time(output, "asked"));
    cli_field_print("next", cli_time(output, "next"));
    cli_field_print("  then", cli_member(output, "next_step"));
}
