/* How an identity's keys are shown. */
#include "app/cli_print.h"

#include <stdio.h>

static void print_identity(const json_t *identity)
{
    static const char *const headings[] = {"SLOT", "SIGNS", "SINCE",     "SELECTOR", "ALGORITHM",
                                           "KEY",  "SEEN",  "WITHDRAWN", NULL};
    static const char *const members[] = {"slot",   "signs", "@since",     "selector", "algorithm",
                                          "origin", "@seen", "~withdrawn", NULL};

    cli_field_print("domain", cli_member(identity, "domain"));
    cli_field_print("records", slice_equal(cli_member(identity, "way"), SLICE("cname"))
                                   ? SLICE("CNAME, into the platform's zone")
                                   : SLICE("TXT, at the client"));
    cli_field_print("rotated", cli_time(identity, "rotated"));
    cli_field_print("rotates", cli_time(identity, "rotates"));
    putchar('\n');
    cli_print_list(json_object_get(identity, "keys"), headings, members, "It has no keys.");
}

void cli_print_keys(const json_t *output)
{
    const json_t *identity;
    size_t i;

    json_array_foreach(json_object_get(output, "identities"), i, identity)
    {
        if (i)
            putchar('\n');
        print_identity(identity);
    }
}

void cli_print_second_key(const json_t *output)
{
    cli_print_rotated(output);
    puts(
        "\nIt signs once its DNS record is seen; letterhead identity records shows that as record 4,\n"
        "with slot \"second\" in --json. RSA goes on signing; nothing else rests on it.");
}

void cli_print_rotated(const json_t *output)
{
    cli_print_keys(output);
    cli_print_gateway(output);
}
