/* How messages and their stories are shown. */
#include "app/cli_print.h"

#include <stdio.h>

/* "delivered", or "2 delivered, 1 bounced". */
static struct slice states_text(const json_t *message, struct buffer *text)
{
    json_t *states = json_object_get(message, "states"), *count;
    const char *state;

    text->size = 0;
    json_object_foreach(states, state, count)
    {
        if (json_object_size(states) == 1 && json_integer_value(count) == 1)
            buffer_printf(text, "%s", state);
        else
            buffer_printf(text, "%s%" JSON_INTEGER_FORMAT " %s", text->size ? ", " : "",
                          json_integer_value(count), state);
    }
    return buffer_slice(text);
}

void cli_print_messages(const json_t *output)
{
    static const char *const headings[] = {"ACCEPTED", "MESSAGE ID", "SITE",    "FROM",
                                           "TO",       "STATE",      "SUBJECT", NULL};
    static const char *const before[] = {"@accepted", "message_id", "site", "from", "to", NULL};
    static const char *const after[] = {"subject", NULL};
    CLEANUP(cli_table_done) struct cli_table table;
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    const json_t *message;
    size_t i;

    cli_table_init(&table, headings);
    json_array_foreach(json_object_get(output, "messages"), i, message)
    {
        cli_table_add_object(&table, message, before);
        cli_table_add(&table, states_text(message, &text));
        cli_table_add_object(&table, message, after);
    }
    cli_table_print(&table, "No messages.");
}

static void print_recipient(const json_t *recipient)
{
    putchar('\n');
    cli_field_print("to", cli_member(recipient, "address"));
    cli_field_print("state", cli_member(recipient, "state"));
    cli_field_print("since", cli_time(recipient, "since"));
    cli_field_print("why", cli_member(recipient, "why"));
    cli_field_print("next", cli_member(recipient, "next_step"));
}

static void add_part(struct buffer *text, const char *before, struct slice part)
{
    if (part.size)
        buffer_printf(text, "%s%s%.*s", text->size ? "; " : "", before, SLICE_ARG(part));
}

/* What was wrong with TLS, whether or not that mattered. */
static void describe_sessions(const json_t *event, struct buffer *text)
{
    const json_t *session;
    size_t i;

    json_array_foreach(json_object_get(event, "tls_sessions"), i, session)
    {
        if (slice_equal(cli_member(session, "result"), SLICE("success")))
            continue;
        buffer_printf(text, "%sTLS at %.*s: %.*s", text->size ? "; " : "",
                      SLICE_ARG(cli_member(session, "host")),
                      SLICE_ARG(cli_member(session, "result")));
    }
}

/* Where it was tried, how safely, signed by whom, and what came of it. */
static void describe_event(const json_t *event, struct buffer *text)
{
    text->size = 0;
    if (json_object_get(event, "attempt"))
        add_part(text, "attempt ", cli_member(event, "attempt"));
    add_part(text, "", cli_member(event, "remote"));
    if (json_object_get(event, "remote"))
        add_part(text, "",
                 cli_member(event, "tls").size ? cli_member(event, "tls") : SLICE("in clear"));
    describe_sessions(event, text);
    add_part(text, "signed by ", cli_member(event, "signed_by"));
    add_part(text, "", cli_member(event, "text"));
    if (json_object_get(event, "due"))
        add_part(text, "again at ", cli_time(event, "due"));
    if (json_is_true(json_object_get(event, "ambiguous")))
        add_part(text, "", SLICE("the answer is unknown"));
}

static void print_event(const json_t *event)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    printf("%.*s  %.*s", SLICE_ARG(cli_time(event, "time")), SLICE_ARG(cli_member(event, "event")));
    if (json_object_get(event, "recipient")) {
        fputs("  ", stdout);
        cli_text_print(cli_member(event, "recipient"));
    }
    putchar('\n');
    describe_event(event, &text);
    if (text.size)
        cli_field_print("", buffer_slice(&text));
}

static void print_events(const json_t *output)
{
    const json_t *event;
    size_t i;

    puts("\nWhat happened (UTC):");
    json_array_foreach(json_object_get(output, "events"), i, event)
    {
        print_event(event);
    }
    if (json_integer_value(json_object_get(output, "events_left_out")))
        printf("\n… and %.*s more events\n", SLICE_ARG(cli_member(output, "events_left_out")));
}

void cli_print_message(const json_t *output)
{
    const json_t *recipient;
    size_t i;

    cli_field_print("message", cli_member(output, "message_id"));
    cli_field_print("site", cli_member(output, "site"));
    cli_field_print("from", cli_member(output, "from"));
    cli_field_print("subject", cli_member(output, "subject"));
    cli_field_print("class", cli_member(output, "class"));
    cli_field_print("accepted", cli_time(output, "accepted"));
    cli_field_print("gives up at", cli_time(output, "expires"));
    json_array_foreach(json_object_get(output, "recipients"), i, recipient)
    {
        print_recipient(recipient);
    }
    print_events(output);
}

void cli_print_sent(const json_t *output)
{
    fputs("Accepted: ", stdout);
    cli_text_print(cli_member(output, "message_id"));
    puts("\nletterhead message show ID tells what becomes of it.");
}
