/* tls-report.list, .show, .send. */
#include "base/limits.h"
#include "control/json.h"
#include "feedback/tls_report.h"
#include "feedback/tls_reporter.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 1000, SEND_S = 90, DAY_BYTES = TLS_DAY_BYTES - 1 };
static const int64_t S_US = 1000000, DAY_US = 86400 * (int64_t)1000000;

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

/* Yesterday unless a day was named. */
static int read_day(struct task *t, struct control_call *call, struct tls_day *ret)
{
    struct slice text = control_text(call, "day");

    *ret = tls_day_of(task_wall_us(t) - DAY_US);
    if (text.size == 0 || tls_day_parse(text, ret) == 0)
        return 0;
    return control_refuse(call, CONTROL_INVALID, "day", "Give a day such as 2026-11-23 (UTC).",
                          "That is not a day.");
}

static void describe_place(const struct tls_report_row *row, json_t *object)
{
    bool waits = slice_equal(row->state, SLICE(TLS_REPORT_WAITING));

    add_text(object, "to", row->uri);
    add_text(object, "state", row->state);
    json_object_set_new(object, "since", control_json_time(row->since_us));
    json_object_set_new(object, "attempts", json_integer(row->attempts));
    json_object_set_new(object, "next", control_json_time(waits ? row->next_us : 0));
    add_text(object, "why", row->why);
    add_text(object, "message_id", row->message_id);
}

/* --- list --- */

static void list_domain(const struct tls_tally_domain *domain, const struct tls_report_row *rows,
                        size_t count, json_t *list)
{
    for (size_t i = 0; i == 0 || i < count; i++) {
        json_t *object = json_object();

        add_text(object, "domain", domain->domain);
        json_object_set_new(object, "successful", json_integer(domain->good));
        json_object_set_new(object, "failed", json_integer(domain->bad));
        if (count)
            describe_place(&rows[i], object);
        else
            add_text(object, "state", SLICE("none"));
        json_array_append_new(list, object);
    }
}

static int list_domains(const struct tls_reporter *r, struct arena *arena,
                        const struct tls_day *day, const struct tls_tally_domain *domains,
                        size_t count, json_t *list)
{
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        struct tls_report_row *rows;
        size_t row_count;

        result = tls_report_rows_of(r->store, arena, slice_text(day->text), domains[i].domain,
                                    &rows, &row_count);
        if (result == 0)
            list_domain(&domains[i], rows, row_count, list);
    }
    return result;
}

static int tell_progress(const struct tls_reporter *r, struct arena *arena,
                         const struct tls_day *day, json_t *output)
{
    struct tls_report_progress progress;
    int result = tls_report_day_find(r->store, arena, slice_text(day->text), &progress);
    const char *state = result == -ENOENT              ? "not begun"
                        : result == 0 && progress.done ? "all domains looked up"
                                                       : "looking up domains";

    if (result < 0 && result != -ENOENT)
        return result;
    if (r->settings.from.size == 0)
        state = "off: tls_reports.from is not set";
    add_text(output, "day", slice_text(day->text));
    add_text(output, "state", slice_text(state));
    return 0;
}

static int list_reports(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct tls_reporter *r = call->context;
    size_t max = (size_t)control_number(call, "limit", LIST_DEFAULT), count = 0;
    json_t *list = json_array();
    struct tls_tally_domain *domains;
    struct tls_day day;
    int result = read_day(t, call, &day);

    json_object_set_new(call->output, "reports", list);
    if (result == 0)
        result = tell_progress(r, &arena, &day, call->output);
    if (result == 0)
        result = tls_tally_domains(t, r->history, &arena, &day, control_text(call, "after"), max,
                                   &domains, &count);
    return result < 0 ? result : list_domains(r, &arena, &day, domains, count, list);
}

/* --- show, send --- */

static int tell_places(const struct tls_reporter *r, struct arena *arena, const struct tls_day *day,
                       struct slice domain, json_t *output)
{
    json_t *list = json_array();
    struct tls_report_row *rows;
    size_t count = 0;
    int result = tls_report_rows_of(r->store, arena, slice_text(day->text), domain, &rows, &count);

    json_object_set_new(output, "places", list);
    for (size_t i = 0; i < count && result == 0; i++) {
        json_t *object = json_object();

        describe_place(&rows[i], object);
        json_array_append_new(list, object);
    }
    return result;
}

static int gather(struct task *t, struct control_call *call, struct arena *arena,
                  const struct tls_day *day, struct slice domain, struct tls_report *ret)
{
    int result = tls_report_gather(t, call->context, arena, day, domain, ret);

    if (result != -ENOENT)
        return result;
    return control_refuse(
        call, CONTROL_NOT_FOUND, "domain", "letterhead tls-report list names the domains of a day.",
        "No connection to the mail hosts of %.*s is known on %s.", SLICE_ARG(domain), day->text);
}

static int show_report(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct slice domain = arena_copy_lower(&arena, control_text(call, "domain"));
    struct tls_report report;
    struct tls_day day;
    int result = read_day(t, call, &day);

    if (result == 0)
        result = gather(t, call, &arena, &day, domain, &report);
    if (result == 0)
        result = tell_places(call->context, &arena, &day, domain, call->output);
    if (result == 0)
        json_object_set_new(call->output, "report", tls_report_json(&report));
    return result;
}

static int check_send(struct task *t, struct control_call *call, const struct tls_day *day)
{
    const struct tls_reporter *r = call->context;

    if (r->settings.from.size == 0)
        return control_refuse(call, CONTROL_REFUSED, NULL,
                              "Set tls_reports.site, from and organization in the configuration.",
                              "TLS reports are off.");
    if (day->from_us + DAY_US > task_wall_us(t))
        return control_refuse(call, CONTROL_REFUSED, "day", "Send it when the day (UTC) is over.",
                              "A report is about a whole day.");
    return 0;
}

static int find_places(struct task *t, struct control_call *call, struct arena *arena,
                       struct slice domain, struct tls_report_places *ret)
{
    int result = tls_report_places_find(t, arena, domain, ret);

    if (result < 0 || ret->answer == TLS_REPORT_PLACES)
        return result;
    return control_refuse(
        call, ret->answer == TLS_REPORT_NO_PLACE ? CONTROL_REFUSED : CONTROL_UNAVAILABLE, "domain",
        "Look at the TXT record of the name _smtp._tls and the domain.", "%.*s: %.*s.",
        SLICE_ARG(domain), SLICE_ARG(ret->why));
}

/* Noted first as due later, so that what is cut short is tried again and not twice at once. */
static int note_rows(struct tls_reporter *r, const struct tls_report_row *rows, size_t count)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int result = store_transaction_begin(r->store, &all);

    if (result == 0)
        result = tls_report_rows_replace(r->store, rows, count);
    return result < 0 ? result : store_transaction_commit(&all);
}

static int send_rows(struct task *t, struct tls_reporter *r, struct arena *arena,
                     const struct tls_day *day, struct slice domain,
                     const struct tls_report_places *places)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, SEND_S * SECOND_US);
    struct tls_report_row rows[LIMIT_TLSRPT_DESTINATIONS];
    size_t count = tls_report_rows_for(places, slice_text(day->text), domain,
                                       task_wall_us(t) + 2 * SEND_S * S_US, rows);
    int result = note_rows(r, rows, count);

    for (size_t i = 0; i < count && result == 0; i++)
        result = tls_report_send(t, r, arena, &rows[i]);
    return result == -ETIMEDOUT ? 0 : result;
}

static int send_report(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct tls_report_places *places = ARENA_NEW(&arena, struct tls_report_places);
    struct slice domain = arena_copy_lower(&arena, control_text(call, "domain"));
    struct tls_report report;
    struct tls_day day;
    int result = read_day(t, call, &day);

    if (result == 0)
        result = check_send(t, call, &day);
    if (result == 0)
        result = gather(t, call, &arena, &day, domain, &report);
    if (result == 0)
        result = find_places(t, call, &arena, domain, places);
    if (result == 0)
        result = send_rows(t, call->context, &arena, &day, domain, places);
    return result < 0 ? result : tell_places(call->context, &arena, &day, domain, call->output);
}

/* --- the table --- */

#define DAY_HELP "the day (UTC), as 2026-11-23"

static const struct control_field list_fields[] = {
    {.name = "day",
     .type = CONTROL_TEXT,
     .positional = true,
     .min = DAY_BYTES,
     .max = DAY_BYTES,
     .help = DAY_HELP "; yesterday by default"},
    {.name = "limit",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = LIST_MAX,
     .help = "how many domains, 100 by default"},
    {.name = "after",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = LIMIT_DOMAIN_BYTES,
     .help = "only those behind this domain: the last one of the page before"},
    {NULL},
};

static const struct control_field report_fields[] = {
    {.name = "day",
     .type = CONTROL_TEXT,
     .required = true,
     .positional = true,
     .min = DAY_BYTES,
     .max = DAY_BYTES,
     .help = DAY_HELP},
    {.name = "domain",
     .type = CONTROL_TEXT,
     .required = true,
     .positional = true,
     .min = 1,
     .max = LIMIT_DOMAIN_BYTES,
     .help = "the recipients' domain"},
    {NULL},
};

#define PLACES "places[] {to, state, since, attempts, next, why, message_id}"

static const struct control_operation operations[] = {
    {"tls-report.list", "List the TLS sessions of a day by domain, and the reports on them",
     CONTROL_VIEWER, false, list_fields,
     "day, state, reports[] {domain, successful, failed, to, state, since, attempts, next, why, "
     "message_id}",
     list_reports},
    {"tls-report.show", "Show the TLS report (RFC 8460) of a domain on a day", CONTROL_VIEWER,
     false, report_fields, "report, " PLACES, show_report},
    {"tls-report.send", "Send a domain's TLS report of a day now", CONTROL_OPERATOR, true,
     report_fields, PLACES, send_report},
};

struct control_set tls_report_operations(struct tls_reporter *reporter)
{
    return (struct control_set){operations, ARRAY_LEN(operations), reporter};
}
