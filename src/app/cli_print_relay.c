/* How relays are shown. */
#include "app/cli_print.h"

#include <stdio.h>

static void print_limit(const json_t *limits, const char *name, const char *words)
{
    const json_t *limit = json_object_get(limits, name);
    char text[64];

    if (!json_is_integer(limit))
        return;
    snprintf(text, sizeof text, "%lld %s", (long long)json_integer_value(limit), words);
    cli_field_print("limit", slice_text(text));
}

static void print_limits(const json_t *relay)
{
    const json_t *limits = json_object_get(relay, "limits");

    print_limit(limits, "connections", "connections at a time");
    print_limit(limits, "messages_per_connection", "messages in one connection");
    print_limit(limits, "messages_per_minute", "messages a minute");
    print_limit(limits, "recipients_per_day", "recipients in 24 hours");
}

static void print_use(const json_t *relay)
{
    const json_t *sent = json_object_get(relay, "sent");
    char text[160];

    if (json_is_string(json_object_get(sent, "since"))) {
        snprintf(text, sizeof text, "%.*s recipients in the 24 hours that end %.*s",
                 SLICE_ARG(cli_member(sent, "recipients")), SLICE_ARG(cli_time(sent, "ends")));
        cli_field_print("sent", slice_text(text));
    }
    if (json_is_string(json_object_get(relay, "closed_until"))) {
        cli_field_print("waits until", cli_time(relay, "closed_until"));
        cli_field_print("since", cli_member(relay, "closed_why"));
    }
    if (cli_member(relay, "trouble").size) {
        cli_field_print("trouble", cli_member(relay, "trouble"));
        cli_field_print("since", cli_time(relay, "trouble_since"));
    }
}

void cli_print_account(const json_t *relay)
{
    char text[400];

    snprintf(text, sizeof text, "%.*s, port %.*s, %s", SLICE_ARG(cli_member(relay, "host")),
             SLICE_ARG(cli_member(relay, "port")),
             slice_equal(cli_member(relay, "tls"), SLICE("tls")) ? "TLS" : "STARTTLS");
    cli_field_print("relay", slice_text(text));
    cli_field_print("user", cli_member(relay, "user"));
    cli_field_print("from", cli_member(relay, "from"));
    cli_field_print("return path", cli_member(relay, "return_path"));
    cli_field_print("state", cli_member(relay, "state"));
    cli_field_print("since", cli_time(relay, "since"));
    cli_field_print("why", cli_member(relay, "why"));
    cli_field_print("next", cli_member(relay, "next_step"));
    print_use(relay);
    print_limits(relay);
    cli_field_print("provider", cli_member(relay, "provider"));
    cli_field_print("expect", cli_member(relay, "expect"));
}

void cli_print_relay(const json_t *output)
{
    static const char *const headings[] = {"TESTED", "FOR", "FOUND", "STATE", "WHY", NULL};
    static const char *const members[] = {"@begun", "occasion", "finding", "state", "why", NULL};

    cli_field_print("site", cli_member(output, "site"));
    cli_print_account(output);
    cli_field_print("tested", cli_time(output, "probed"));
    cli_field_print("next test", cli_time(output, "next_probe"));
    putchar('\n');
    cli_print_list(json_object_get(output, "probes"), headings, members,
                   "It has not been tested yet.");
}

/* Scripts wait for the account with: until letterhead relay show SITE; do sleep 10; done */
int cli_status_relay(const json_t *output)
{
    struct slice state = cli_member(output, "state");

    return slice_equal(state, SLICE("READY")) || slice_equal(state, SLICE("DEGRADED"))
               ? CLI_DONE
               : CLI_REFUSED;
}

void cli_print_relays(const json_t *output)
{
    static const char *const headings[] = {"SITE", "HOST",  "PORT",  "USER",
                                           "FROM", "STATE", "SINCE", NULL};
    static const char *const members[] = {"site", "host",  "port",   "user",
                                          "from", "state", "@since", NULL};

    cli_print_list(json_object_get(output, "relays"), headings, members,
                   "No site has a relay. The first: letterhead site add NAME --method smtp "
                   "--from ADDRESS");
}

void cli_print_relay_set(const json_t *output)
{
    cli_field_print("site", cli_member(output, "site"));
    cli_print_account(json_object_get(output, "relay"));
    cli_print_gateway(output);
}

void cli_print_relay_removed(const json_t *output)
{
    fputs("The relay of ", stdout);
    cli_text_print(cli_member(output, "site"));
    puts(" is gone; its password is destroyed. Mail of the site waits.");
    cli_print_gateway(output);
}
