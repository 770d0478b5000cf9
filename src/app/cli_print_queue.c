/* How the queue and the whole service are shown. */
#include "app/cli_print.h"

#include <stdio.h>

static void print_silent(const json_t *gateways)
{
    const json_t *number;
    size_t i;

    json_array_foreach(gateways, i, number)
    {
        printf("Gateway %" JSON_INTEGER_FORMAT " does not answer; what it has is not shown.\n",
               json_integer_value(number));
    }
}

void cli_print_queue(const json_t *output)
{
    static const char *const headings[] = {"MESSAGE ID", "SITE", "RECIPIENT", "STATE",
                                           "TRIES",      "LAST", "WAITS",     NULL};
    static const char *const members[] = {"message_id", "site",       "recipient", "state",
                                          "attempts",   "reply_code", "waits",     NULL};

    cli_print_list(json_object_get(output, "entries"), headings, members, "The queue is empty.");
    if (json_is_true(json_object_get(output, "more")))
        puts("There are more: --limit NUMBER, or --site, --message, --domain.");
    print_silent(json_object_get(output, "silent_gateways"));
}

void cli_print_acted(const json_t *output)
{
    json_int_t count = json_integer_value(json_object_get(output, "recipients"));

    printf("%" JSON_INTEGER_FORMAT " recipient%s changed.\n", count, count == 1 ? "" : "s");
}

/* "3 h", "12 min", "40 s" */
static struct slice age_text(const json_t *object, const char *name, char *out, size_t size)
{
    json_int_t seconds = json_integer_value(json_object_get(object, name));

    if (seconds >= 7200)
        snprintf(out, size, "%" JSON_INTEGER_FORMAT " h", seconds / 3600);
    else if (seconds >= 120)
        snprintf(out, size, "%" JSON_INTEGER_FORMAT " min", seconds / 60);
    else
        snprintf(out, size, "%" JSON_INTEGER_FORMAT " s", seconds);
    return slice_text(out);
}

static void print_counts(const char *title, const json_t *object, const char *const *names)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    for (; *names; names++)
        buffer_printf(&text, "%s%.*s %s", text.size ? ", " : "",
                      SLICE_ARG(cli_member(object, *names)), *names);
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '_')
            text.data[i] = ' ';
    cli_field_print(title, buffer_slice(&text));
}

static void print_submission(const json_t *submission)
{
    static const char *const now[] = {"connections_now", "logged_in_now", NULL};
    static const char *const since_start[] = {
        "connections",       "connections_refused", "logins",
        "logins_failed",     "messages_accepted",   "messages_refused",
        "messages_deferred", "sessions_cut",        NULL};

    print_counts("clients", submission, now);
    print_counts("submission", submission, since_start);
}

static void print_inbound(const json_t *inbound)
{
    static const char *const since_start[] = {"connections",        "connections_refused",
                                              "recipients_refused", "reports_taken",
                                              "reports_deferred",   NULL};

    print_counts("inbound", inbound, since_start);
}

/* "0f00…-000000 of town-library to example.net, for 3 h: its next try is at …" */
static void print_stalest(const json_t *stalest)
{
    char age[32];
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct slice waits = cli_member(stalest, "waits");

    if (!json_is_object(stalest))
        return;
    buffer_printf(
        &text, "%.*s of %.*s to %.*s, for %.*s: %.*s", SLICE_ARG(cli_member(stalest, "message_id")),
        SLICE_ARG(cli_member(stalest, "site")), SLICE_ARG(cli_member(stalest, "destination")),
        SLICE_ARG(age_text(stalest, "since_s", age, sizeof age)),
        SLICE_ARG(waits.size ? waits : cli_member(stalest, "state")));
    cli_field_print("no progress", buffer_slice(&text));
}

static void print_gateway(const json_t *output)
{
    static const char *const states[] = {"recipients", "ready",  "busy", "waiting",
                                         "held",       "paused", NULL};
    static const char *const ends[] = {"accepted", "delivered", "deferred", "bounced",
                                       "expired",  "cancelled", NULL};
    const json_t *queue = json_object_get(output, "queue");
    char age[32];

    cli_field_print("accepting", json_is_true(json_object_get(output, "accepting"))
                                     ? SLICE("yes")
                                     : cli_member(output, "why_not"));
    if (!queue)
        return;
    print_counts("queue", queue, states);
    cli_field_print("oldest", age_text(queue, "oldest_age_s", age, sizeof age));
    print_stalest(json_object_get(output, "oldest_without_progress"));
    print_counts("since start", json_object_get(output, "since_start"), ends);
    print_submission(json_object_get(output, "submission"));
    print_inbound(json_object_get(output, "inbound"));
}

/* A line each. */
static void print_gateways(const json_t *gateways)
{
    static const char *const headings[] = {"GATEWAY",  "STATE",     "QUEUED",      "BUSY",
                                           "ACCEPTED", "DELIVERED", "CONNECTIONS", NULL};
    CLEANUP(cli_table_done) struct cli_table table = {0};
    const json_t *gateway;
    size_t i;

    cli_table_init(&table, headings);
    json_array_foreach(gateways, i, gateway)
    {
        const json_t *queue = json_object_get(gateway, "queue");
        const json_t *since_start = json_object_get(gateway, "since_start");

        cli_table_add(&table, cli_member(gateway, "number"));
        cli_table_add(&table, cli_member(gateway, "state"));
        cli_table_add(&table, cli_member(queue, "recipients"));
        cli_table_add(&table, cli_member(queue, "busy"));
        cli_table_add(&table, cli_member(since_start, "accepted"));
        cli_table_add(&table, cli_member(since_start, "delivered"));
        cli_table_add(&table,
                      cli_member(json_object_get(gateway, "submission"), "connections_now"));
    }
    putchar('\n');
    cli_table_print(&table, "");
    putchar('\n');
}

static void print_sites(const json_t *output)
{
    char text[64];

    snprintf(text, sizeof text, "%.*s, %.*s paused", SLICE_ARG(cli_member(output, "sites")),
             SLICE_ARG(cli_member(output, "sites_paused")));
    cli_field_print("sites", slice_text(text));
    snprintf(text, sizeof text, "%.*s, %.*s may send", SLICE_ARG(cli_member(output, "identities")),
             SLICE_ARG(cli_member(output, "identities_sending")));
    cli_field_print("identities", slice_text(text));
}

/* Each gateway finds out for itself; they ask the same servers. */
static void print_dane(const json_t *gateways)
{
    const json_t *gateway;
    char text[400];
    size_t i;

    json_array_foreach(gateways, i, gateway)
    {
        if (!cli_member(gateway, "dane").size)
            continue;
        snprintf(text, sizeof text, "%s%.*s",
                 slice_equal(cli_member(gateway, "dane"), SLICE("proved")) ? "in use"
                                                                           : "not in use. ",
                 SLICE_ARG(cli_member(gateway, "dane_why")));
        cli_field_print("DANE", slice_text(text));
        return;
    }
}

void cli_print_status(const json_t *output)
{
    const json_t *problem;
    size_t i;

    cli_field_print("version", cli_member(output, "version"));
    cli_field_print("gateway", cli_member(output, "gateway"));
    print_gateway(output);
    if (json_array_size(json_object_get(output, "gateways")) > 1)
        print_gateways(json_object_get(output, "gateways"));
    print_dane(json_object_get(output, "gateways"));
    print_sites(output);
    json_array_foreach(json_object_get(output, "problems"), i, problem)
    {
        putchar('\n');
        cli_field_print("problem", cli_member(problem, "message"));
        cli_field_print("to do", cli_member(problem, "cure"));
    }
}

int cli_status_service(const json_t *output)
{
    return json_array_size(json_object_get(output, "problems")) ? CLI_REFUSED : CLI_DONE;
}
