/* How the treatment of receivers is shown. */
#include "app/cli_print.h"

#include <stdio.h>

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void print_number(const char *title, const json_t *object, const char *name,
                         const char *none)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    if (number(object, name))
        buffer_printf(&text, "%" JSON_INTEGER_FORMAT, number(object, name));
    else
        buffer_add(&text, slice_text(none));
    cli_field_print(title, buffer_slice(&text));
}

/* "60 s more, for 12 s now: 421 slow down" */
static void print_pause(const char *title, const json_t *object, const char *left,
                        const char *since, const char *why)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    if (number(object, left) == 0)
        return;
    buffer_printf(&text,
                  "for another %" JSON_INTEGER_FORMAT " s, since %" JSON_INTEGER_FORMAT " s: ",
                  number(object, left), number(object, since));
    buffer_add(&text, cli_member(object, why));
    cli_field_print(title, buffer_slice(&text));
}

static void print_if_any(const char *title, const json_t *object, const char *name)
{
    if (cli_member(object, name).size)
        cli_field_print(title, cli_member(object, name));
}

static void print_limits(const json_t *limits)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    print_number("  connections at most", limits, "connections_max", "-");
    print_number("  messages a connection", limits, "messages_per_connection_max", "-");
    print_number("  connections a minute", limits, "connections_per_minute_max", "no limit");
    print_number("  messages a minute", limits, "messages_per_minute_max", "no limit");
    buffer_printf(&text, "%" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT " s",
                  number(limits, "back_off_min_s"), number(limits, "back_off_max_s"));
    cli_field_print("  back-off", buffer_slice(&text));
}

static void print_gateway(const json_t *g)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    printf("\nGateway %" JSON_INTEGER_FORMAT "\n", number(g, "gateway"));
    buffer_printf(&text, "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " allowed now",
                  number(g, "connections"), number(g, "connections_allowed"));
    cli_field_print("  connections", buffer_slice(&text));
    print_number("  due", g, "waiting", "nothing");
    print_number("  delivered", g, "delivered", "0");
    print_number("  deferred", g, "deferred", "0");
    print_pause("  back-off", g, "back_off_left_s", "back_off_since_s", "back_off_why");
    print_pause("  domain rests", g, "domain_rest_left_s", "domain_rest_since_s",
                "domain_rest_why");
    print_if_any("  suspended", g, "suspended_why");
    print_if_any("  domain suspended", g, "domain_suspended_why");
    print_if_any("  mail is held by", g, "holding");
    print_limits(json_object_get(g, "limits"));
}

void cli_print_sources(const json_t *output)
{
    static const char *const headings[] = {"ADDRESS", "NAME", "POOLS", "PLAN", "SINCE",
                                           "DAY",     "SENT", "LIMIT", "WHY",  NULL};
    static const char *const members[] = {"address", "hostname", "pools", "plan", "started",
                                          "day",     "sent",     "limit", "why",  NULL};

    cli_print_list(json_object_get(output, "sources"), headings, members,
                   "The shaping file names no sources: the system chooses the address.");
}

void cli_print_shaping(const json_t *output)
{
    const json_t *gateway;
    size_t i;

    cli_field_print("domain", cli_member(output, "domain"));
    print_if_any("hosts", output, "hosts");
    print_if_any("provider", output, "provider");
    print_if_any("because of", output, "rule");
    print_if_any("no hosts", output, "failure");
    json_array_foreach(json_object_get(output, "gateways"), i, gateway) print_gateway(gateway);
    if (json_array_size(json_object_get(output, "sources"))) {
        printf("\nSource addresses, by the site's pool\n");
        cli_print_sources(output);
    }
}

void cli_print_providers(const json_t *output)
{
    static const char *const headings[] = {"PROVIDER",  "GATEWAY",  "CONNECTIONS", "ALLOWED", "DUE",
                                           "DELIVERED", "DEFERRED", "HELD BY",     NULL};
    static const char *const members[] = {
        "provider", "gateway", "connections", "connections_allowed", "waiting", "delivered",
        "deferred", "holding", NULL};

    cli_print_list(json_object_get(output, "providers"), headings, members,
                   "Nothing was sent to anybody yet.");
}

void cli_print_reloaded(const json_t *output)
{
    printf("%" JSON_INTEGER_FORMAT " providers and %" JSON_INTEGER_FORMAT
           " rules for replies are in force.\n",
           number(output, "providers"), number(output, "replies"));
    cli_print_gateway(output);
}

void cli_print_suspension(const json_t *output)
{
    printf("The %.*s %.*s is %.*s.\n", SLICE_ARG(cli_member(output, "kind")),
           SLICE_ARG(cli_member(output, "name")), SLICE_ARG(cli_member(output, "state")));
    cli_print_gateway(output);
}
