/* How sites and credentials are shown. */
#include "app/cli_print.h"

#include <stdio.h>

void cli_print_site_added(const json_t *output)
{
    const json_t *identity = json_object_get(output, "identity");

    cli_field_print("site", cli_member(output, "site"));
    if (!identity) {
        printf("\nIts mail goes through the client's SMTP account, which comes next:\n"
               "letterhead relay set %.*s --host HOST --user USER\n",
               SLICE_ARG(cli_member(output, "site")));
        cli_print_gateway(output);
        return;
    }
    cli_identity_state(identity);
    puts("\nThese three records belong into the DNS of the domain:");
    cli_identity_values(identity);
    printf("\nAs lines of a zone file: letterhead identity records %.*s --format zone\n",
           SLICE_ARG(cli_member(output, "site")));
    cli_print_gateway(output);
}

void cli_print_sites(const json_t *output)
{
    static const char *const headings[] = {"SITE",  "METHOD",      "STATE",   "DOMAIN", "IDENTITY",
                                           "SINCE", "CREDENTIALS", "SENDERS", NULL};
    static const char *const of_site[] = {"site", "method", "state", NULL};
    static const char *const of_identity[] = {"domain", "state", "@since", NULL};
    static const char *const rest[] = {"credentials", "senders", NULL};
    CLEANUP(cli_table_done) struct cli_table table;
    const json_t *site;
    size_t i;

    cli_table_init(&table, headings);
    json_array_foreach(json_object_get(output, "sites"), i, site)
    {
        cli_table_add_object(&table, site, of_site);
        cli_table_add_object(&table, json_array_get(json_object_get(site, "identities"), 0),
                             of_identity);
        cli_table_add_object(&table, site, rest);
    }
    cli_table_print(&table, "There are no sites yet. The first: letterhead site add NAME "
                            "--from info@example.org");
}

static void print_from(const json_t *output)
{
    const json_t *list = json_object_get(output, "from"), *address;
    size_t i;

    if (slice_equal(cli_member(output, "senders"), SLICE("any")))
        cli_field_print("senders", SLICE("any address of the domain"));
    json_array_foreach(list, i, address)
    {
        cli_field_print(i ? "" : "from", slice_text(json_string_value(address)));
    }
}

static void print_limit(const char *name, const json_t *quota, const char *member, const char *unit)
{
    char text[100];

    if (json_integer_value(json_object_get(quota, member)) == 0)
        snprintf(text, sizeof text, "as many as come");
    else
        snprintf(text, sizeof text, "%.*s %s", SLICE_ARG(cli_member(quota, member)), unit);
    cli_field_print(name, slice_text(text));
}

static void print_quota(const json_t *output)
{
    const json_t *quota = json_object_get(output, "quota");

    print_limit("messages", quota, "messages_per_second", "a second");
    print_limit("recipients", quota, "recipients_per_day", "in 24 hours");
    cli_field_print("  used", cli_member(quota, "recipients_in_24_hours"));
}

static void print_contacts(const json_t *output)
{
    const json_t *list = json_object_get(output, "contacts"), *address;
    size_t i;

    if (json_array_size(list) == 0)
        cli_field_print("contact", SLICE("nobody: letterhead site set NAME --contact ADDRESS"));
    json_array_foreach(list, i, address)
    {
        cli_field_print(i ? "" : "contact", slice_text(json_string_value(address)));
    }
}

void cli_print_mail_from(const json_t *output)
{
    const json_t *row = json_object_get(output, "mail_from");

    if (!json_is_object(row))
        return;
    cli_field_print("MAIL FROM", cli_member(row, "domain"));
    cli_field_print("  state", cli_member(row, "state"));
    cli_field_print("  since", cli_time(row, "since"));
    cli_field_print("  why", cli_member(row, "why"));
    cli_field_print("  next", cli_member(row, "next_step"));
    cli_field_print("  without it", cli_member(row, "on_failure"));
    if (cli_member(row, "trouble").size)
        cli_field_print("  trouble", cli_member(row, "trouble"));
}

static void print_relay(const json_t *output)
{
    const json_t *relay = json_object_get(output, "relay");

    if (json_is_object(relay)) {
        putchar('\n');
        cli_print_account(relay);
    } else if (relay) {
        cli_field_print("relay", SLICE("none yet: letterhead relay set"));
    }
}

void cli_print_site(const json_t *output)
{
    const json_t *identity;
    size_t i;

    cli_field_print("site", cli_member(output, "site"));
    cli_field_print("method", cli_member(output, "method"));
    cli_field_print("state", cli_member(output, "state"));
    cli_field_print("since", cli_time(output, "since"));
    cli_field_print("tls", cli_member(output, "tls"));
    if (cli_member(output, "why").size)
        cli_field_print("why", cli_member(output, "why"));
    print_from(output);
    print_contacts(output);
    print_quota(output);
    cli_print_mail_from(output);
    cli_field_print("credentials", cli_member(output, "credentials"));
    print_relay(output);
    json_array_foreach(json_object_get(output, "identities"), i, identity)
    {
        putchar('\n');
        cli_identity_state(identity);
        cli_identity_dmarc(identity);
        cli_identity_records(identity);
    }
}

void cli_print_site_set(const json_t *output)
{
    fputs("Mail of ", stdout);
    cli_text_print(cli_member(output, "site"));
    puts(slice_equal(cli_member(output, "tls"), SLICE("verified"))
             ? " goes out under verified TLS only."
             : " goes out as each receiver allows, encrypted wherever it can be.");
    print_contacts(output);
    print_quota(output);
    cli_print_mail_from(output);
    cli_print_gateway(output);
}

void cli_print_site_state(const json_t *output)
{
    cli_text_print(cli_member(output, "site"));
    fputs(" is ", stdout);
    cli_text_print(cli_member(output, "state"));
    puts(".");
    cli_print_gateway(output);
}

void cli_print_credential(const json_t *output)
{
    const json_t *port;
    size_t i;

    puts("Keep these now; they are not shown again.\n");
    cli_field_print("SMTP host", cli_member(output, "smtp_host"));
    json_array_foreach(json_object_get(output, "smtp_ports"), i, port)
    {
        char text[64];

        snprintf(text, sizeof text, "%.*s with %.*s", SLICE_ARG(cli_member(port, "port")),
                 SLICE_ARG(cli_member(port, "security")));
        cli_field_print(i ? "" : "SMTP port", slice_text(text));
    }
    cli_field_print("SMTP user", cli_member(output, "smtp_username"));
    cli_field_print("SMTP password", cli_member(output, "smtp_password"));
    putchar('\n');
    cli_field_print("access key", cli_member(output, "access_key_id"));
    cli_field_print("secret key", cli_member(output, "secret_access_key"));
    cli_print_gateway(output);
}

void cli_print_credentials(const json_t *output)
{
    static const char *const headings[] = {"ACCESS KEY ID", "STATE",   "CREATED",
                                           "LAST USED",     "REVOKED", NULL};
    static const char *const members[] = {"access_key_id", "state",    "@created",
                                          "@last_used",    "~revoked", NULL};

    cli_print_list(json_object_get(output, "credentials"), headings, members,
                   "There are no credentials. The first: letterhead credential add SITE");
}

void cli_print_revoked(const json_t *output)
{
    cli_text_print(cli_member(output, "access_key_id"));
    puts(" is revoked: it is refused from now on.");
    cli_print_gateway(output);
}
