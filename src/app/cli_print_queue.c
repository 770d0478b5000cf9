/* How the queue and the whole service are shown. */
#include "app/cli_print.h"

#include <stdio.h>

void cli_print_queue(const json_t *output)
{
    static const char *const headings[] = {"MESSAGE ID", "SITE", "RECIPIENT", "STATE",
                                           "TRIES",      "LAST", "WAITS",     NULL};
    static const char *const members[] = {"message_id", "site",       "recipient", "state",
                                          "attempts",   "reply_code", "waits",     NULL};

    cli_print_list(json_object_get(output, "entries"), headings, members, "The queue is empty.");
    if (json_is_true(json_object_get(output, "more")))
        puts("There are more: --limit NUMBER, or --site, --message, --domain.");
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
    cli_field_print(title, buffer_slice(&text));
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

static void print_dane(const json_t *output)
{
    char text[400];

    if (!cli_member(output, "dane").size)
        return;
    snprintf(text, sizeof text, "%s%.*s",
             slice_equal(cli_member(output, "dane"), SLICE("proved")) ? "in use" : "not in use. ",
             SLICE_ARG(cli_member(output, "dane_why")));
    cli_field_print("DANE", slice_text(text));
}

void cli_print_status(const json_t *output)
{
    const json_t *problem;
    size_t i;

    cli_field_print("version", cli_member(output, "version"));
    cli_field_print("gateway", cli_member(output, "gateway"));
    print_gateway(output);
    print_dane(output);
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
