/* How identities are shown. What only waits for its records is nowhere called missing or failed:
 * people would mend what is right. */
#include "app/cli_print.h"

#include <stdio.h>

static bool is_waiting(const json_t *identity)
{
    struct slice state = cli_member(identity, "state");

    return slice_equal(state, SLICE("NOT_STARTED")) || slice_equal(state, SLICE("PENDING"));
}

/* Nothing but a signature more rests on it. */
static bool is_second(const json_t *record)
{
    return slice_equal(cli_member(record, "slot"), SLICE("second"));
}

/* A record's state in words. */
static struct slice record_words(const json_t *identity, const json_t *record)
{
    struct slice state = cli_member(record, "state");

    if (slice_equal(state, SLICE("absent")))
        return is_waiting(identity) || is_second(record) ? SLICE("not there yet") : SLICE("gone");
    if (slice_equal(state, SLICE("unknown")))
        return SLICE("not looked at yet");
    return state;
}

static struct slice state_words(const json_t *identity)
{
    static const struct {
        const char *state, *words;
    } words[] = {
        {"NOT_STARTED", "NOT_STARTED (not looked at yet)"},
        {"PENDING", "PENDING (waits for the DNS records)"},
        {"SUCCESS", "SUCCESS (verified; mail may be sent)"},
        {"TEMPORARY_FAILURE", "TEMPORARY_FAILURE (mail may still be sent)"},
        {"FAILED", "FAILED (no mail may be sent)"},
    };
    struct slice state = cli_member(identity, "state");

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (slice_equal(state, slice_text(words[i].state)))
            return slice_text(words[i].words);
    return state;
}

static void print_if_any(const json_t *object, const char *name, const char *member)
{
    if (cli_member(object, member).size)
        cli_field_print(name, cli_member(object, member));
}

static void print_advice(const json_t *record)
{
    print_if_any(record, "  cause", "cause");
    print_if_any(record, "  seen", "seen");
    print_if_any(record, "  at", "server");
    print_if_any(record, "  to do", "advice");
    print_if_any(record, "  trouble", "trouble");
}

void cli_identity_values(const json_t *identity)
{
    const json_t *record;
    size_t i;

    json_array_foreach(json_object_get(identity, "records"), i, record)
    {
        printf("\nRecord %zu%s\n", i + 1,
               is_second(record) ? ", optional: a second signature (Ed25519)" : "");
        cli_field_print("  name", cli_member(record, "name"));
        cli_field_print("  type", cli_member(record, "type"));
        fputs("  value       ", stdout);
        cli_text_print(cli_member(record, "value")); /* in one line, so that it can be copied */
        putchar('\n');
        cli_field_print("  state", record_words(identity, record));
    }
}

void cli_identity_state(const json_t *identity)
{
    cli_field_print("domain", cli_member(identity, "domain"));
    cli_field_print("state", state_words(identity));
    cli_field_print("since", cli_time(identity, "since"));
    cli_field_print("why", cli_member(identity, "why"));
    cli_field_print("next", cli_member(identity, "next_step"));
}

/* One of the domains that mail comes from. */
static void print_alignment(const json_t *alignment)
{
    CLEANUP(buffer_done) struct buffer head = BUFFER_NONE;

    buffer_add(&head, cli_member(alignment, "state"));
    buffer_add(&head, SLICE(" for "));
    buffer_add(&head, cli_member(alignment, "domain"));
    cli_field_print("DMARC", buffer_slice(&head));
    cli_field_print("  since", cli_time(alignment, "since"));
    cli_field_print("  why", cli_member(alignment, "why"));
    cli_field_print("  next", cli_member(alignment, "next_step"));
    if (cli_member(alignment, "trouble").size)
        cli_field_print("  trouble", cli_member(alignment, "trouble"));
}

void cli_identity_dmarc(const json_t *identity)
{
    const json_t *alignment;
    size_t i;

    json_array_foreach(json_object_get(identity, "alignment"), i, alignment)
    {
        print_alignment(alignment);
    }
}

void cli_identity_records(const json_t *identity)
{
    static const char *const headings[] = {"SLOT", "NAME", "STATE", "CAUSE", "SINCE", NULL};
    static const char *const names[] = {"slot", "name", NULL};
    static const char *const rest[] = {"cause", "@since", NULL};
    CLEANUP(cli_table_done) struct cli_table table;
    const json_t *record;
    size_t i;

    cli_table_init(&table, headings);
    json_array_foreach(json_object_get(identity, "records"), i, record)
    {
        cli_table_add_object(&table, record, names);
        cli_table_add(&table, record_words(identity, record));
        cli_table_add_object(&table, record, rest);
    }
    cli_table_print(&table, "");
}

void cli_print_identities(const json_t *output)
{
    const json_t *identity, *record;
    size_t i, k;

    json_array_foreach(json_object_get(output, "identities"), i, identity)
    {
        if (i)
            putchar('\n');
        cli_identity_state(identity);
        cli_field_print("looked at", cli_time(identity, "checked"));
        cli_field_print("again at", cli_time(identity, "next_check"));
        print_if_any(identity, "servers", "name_servers");
        cli_identity_dmarc(identity);
        putchar('\n');
        cli_identity_records(identity);
        json_array_foreach(json_object_get(identity, "records"), k, record)
        {
            if (slice_equal(cli_member(record, "state"), SLICE("right")))
                continue;
            putchar('\n');
            cli_field_print("  name", cli_member(record, "name"));
            print_advice(record);
        }
    }
    if (i == 0)
        puts("The site has no domain of its own.");
}

void cli_print_identity_list(const json_t *output)
{
    static const char *const headings[] = {"SITE",          "DOMAIN", "STATE",     "SINCE",
                                           "RECORDS RIGHT", "DMARC",  "LOOKED AT", NULL};
    static const char *const members[] = {"site",          "domain", "state",    "@since",
                                          "records_right", "dmarc",  "@checked", NULL};

    cli_print_list(json_object_get(output, "identities"), headings, members,
                   "There are no identities in that state.");
    if (json_object_get(output, "next"))
        printf("\nThere are more: letterhead identity list --after %lld\n",
               (long long)json_integer_value(json_object_get(output, "next")));
}

void cli_print_records(const json_t *output)
{
    const json_t *identity;
    size_t i;

    json_array_foreach(json_object_get(output, "identities"), i, identity)
    {
        cli_identity_state(identity);
        cli_identity_values(identity);
    }
}

void cli_print_zone(const json_t *output)
{
    const json_t *identity, *record;
    size_t i, k;

    json_array_foreach(json_object_get(output, "identities"), i, identity)
    {
        json_array_foreach(json_object_get(identity, "records"), k, record)
        {
            cli_text_print(cli_member(record, "zone"));
            putchar('\n');
        }
    }
}

void cli_print_check(const json_t *output)
{
    const json_t *identity, *record;
    size_t i, k;

    json_array_foreach(json_object_get(output, "identities"), i, identity)
    {
        cli_identity_state(identity);
        cli_identity_dmarc(identity);
        json_array_foreach(json_object_get(identity, "records"), k, record)
        {
            printf("\nRecord %zu: ", k + 1);
            cli_text_print(record_words(identity, record));
            putchar('\n');
            cli_field_print("  name", cli_member(record, "name"));
            if (!slice_equal(cli_member(record, "state"), SLICE("right")))
                print_advice(record);
        }
    }
    cli_print_mail_from(output);
    cli_print_gateway(output);
}

/* Scripts wait for the identity with: until letterhead identity check SITE; do sleep 60; done */
int cli_status_check(const json_t *output)
{
    return json_is_true(json_object_get(output, "sending")) ? CLI_DONE : CLI_REFUSED;
}
