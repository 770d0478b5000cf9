/* The operations on policies of MTA-STS: sts.list, sts.show, sts.refresh. */
#include "control/json.h"
#include "deliver/sts_keeper.h"
#include "wire/https_url.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 1000, REFRESH_S = 60 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

/* What applies to mail for the domain at this moment. */
static const char *effect_of(const struct sts_row *row, int64_t now_us)
{
    if (!sts_row_holds(row, now_us))
        return row->mode.size ? "expired" : "none kept";
    return row->mode.data; /* from the arena, ended by NUL */
}

static struct slice explain(struct arena *arena, const struct sts_row *row, int64_t now_us)
{
    bool holds = sts_row_holds(row, now_us);

    if (row->trouble.size && holds)
        return arena_printf(arena,
                            "The policy goes on until it expires, but it cannot be renewed: %.*s.",
                            SLICE_ARG(row->trouble));
    if (row->trouble.size)
        return arena_printf(arena,
                            "There is a record, but no policy could be had: %.*s. Mail is "
                            "delivered as to a domain without MTA-STS.",
                            SLICE_ARG(row->trouble));
    if (!holds)
        return SLICE("The policy has expired and was not needed since.");
    if (slice_equal(row->mode, SLICE("enforce")))
        return SLICE("Mail goes only to the hosts of the policy, over TLS with a certificate for "
                     "the host's name.");
    if (slice_equal(row->mode, SLICE("testing")))
        return SLICE("The policy is tried out: what breaks it is delivered and counted.");
    return SLICE("The domain has taken its policy back.");
}

static struct slice next_step(const struct sts_row *row)
{
    if (row->failures)
        return SLICE("It is tried again at the time named; the domain's postmaster can mend it.");
    return row->trouble.size ? SLICE("The record is looked up again at the time named.")
                             : SLICE("It is fetched anew at the time named.");
}

static json_t *describe(struct arena *arena, const struct sts_row *row, int64_t now_us)
{
    json_t *object = json_object();

    add_text(object, "domain", row->domain);
    json_object_set_new(object, "policy", json_string(effect_of(row, now_us)));
    json_object_set_new(object, "since", control_json_time(row->fetched_us));
    json_object_set_new(object, "expires", control_json_time(row->expires_us));
    json_object_set_new(object, "next", control_json_time(row->next_us));
    add_text(object, "why", explain(arena, row, now_us));
    return object;
}

static json_t *hosts_of(const struct sts_row *row)
{
    struct wire_mta_sts_policy policy;
    struct wire_error error;
    json_t *hosts = json_array();

    if (row->policy.size == 0 || wire_mta_sts_policy_parse(row->policy, &policy, &error) < 0)
        return hosts;
    for (size_t i = 0; i < policy.pattern_count; i++)
        json_array_append_new(hosts, control_json_text(policy.patterns[i]));
    return hosts;
}

static void describe_whole(struct arena *arena, const struct sts_row *row, int64_t now_us,
                           json_t *output)
{
    json_t *head = describe(arena, row, now_us);

    json_object_update(output, head);
    json_decref(head);
    add_text(output, "next_step", next_step(row));
    add_text(output, "record_id", row->record_id);
    json_object_set_new(output, "hosts", hosts_of(row));
    json_object_set_new(output, "asked", control_json_time(row->asked_us));
    json_object_set_new(output, "tried", control_json_time(row->tried_us));
    if (row->trouble.size == 0)
        return;
    add_text(output, "trouble", row->trouble);
    json_object_set_new(output, "trouble_since", control_json_time(row->trouble_since_us));
    json_object_set_new(output, "failures", json_integer(row->failures));
}

/* In lower case, as policies are kept. */
static int read_domain(struct control_call *call, struct arena *arena, struct slice *ret)
{
    *ret = arena_copy_lower(arena, control_text(call, "domain"));
    if (wire_https_host_valid(*ret))
        return 0;
    return control_refuse(call, CONTROL_INVALID, "domain",
                          "Give the part of the recipients' addresses behind the @, in ASCII.",
                          "That is not a mail domain of the public DNS.");
}

static int tell_row(struct task *t, struct control_call *call, struct arena *arena,
                    struct slice domain)
{
    const struct sts_service *service = call->context;
    struct sts_row row;
    int r = sts_store_find(service->store, arena, domain, &row);

    if (r == -ENOENT)
        return control_refuse(call, CONTROL_NOT_FOUND, "domain",
                              "A policy is looked for when mail goes to the domain; letterhead sts "
                              "refresh looks now.",
                              "No policy of MTA-STS is known for %.*s.", SLICE_ARG(domain));
    if (r == 0)
        describe_whole(arena, &row, task_wall_us(t), call->output);
    return r;
}

static int show_policy(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct slice domain;
    int r = read_domain(call, &arena, &domain);

    return r < 0 ? r : tell_row(t, call, &arena, domain);
}

static int refresh_within_time(struct task *t, struct control_call *call, struct arena *arena,
                               struct slice domain, struct slice *ret_why)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, REFRESH_S * SECOND_US);
    const struct sts_service *service = call->context;

    return sts_keeper_refresh(t, service->keeper, arena, domain, ret_why);
}

static int refresh_policy(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct slice domain, why;
    int r = read_domain(call, &arena, &domain);

    if (r == 0)
        r = refresh_within_time(t, call, &arena, domain, &why);
    if (r == -ENOENT)
        return control_refuse(call, CONTROL_NOT_FOUND, "domain",
                              "Mail goes there as to any domain without MTA-STS; nothing is wrong.",
                              "%.*s: %.*s", SLICE_ARG(domain), SLICE_ARG(why));
    if (r == -ETIMEDOUT)
        return control_refuse(call, CONTROL_UNAVAILABLE, NULL,
                              "It goes on; look with letterhead sts show.",
                              "The policy's host takes long to answer.");
    return r < 0 ? r : tell_row(t, call, &arena, domain);
}

static int list_policies(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct sts_service *service = call->context;
    size_t max = (size_t)control_number(call, "limit", LIST_DEFAULT), count = 0;
    json_t *list = json_array();
    struct sts_row *rows;
    int r = sts_store_list(service->store, &arena, control_text(call, "after"), max, &rows, &count);

    json_object_set_new(call->output, "policies", list);
    for (size_t i = 0; i < count && r == 0; i++)
        json_array_append_new(list, describe(&arena, &rows[i], task_wall_us(t)));
    return r;
}

static const struct control_field list_fields[] = {
    {.name = "limit",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = LIST_MAX,
     .help = "how many, 100 by default"},
    {.name = "after",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = LIMIT_DOMAIN_BYTES,
     .help = "only those behind this domain: the last one of the page before"},
    {NULL},
};

static const struct control_field domain_fields[] = {
    {.name = "domain",
     .type = CONTROL_TEXT,
     .required = true,
     .positional = true,
     .min = 1,
     .max = LIMIT_DOMAIN_BYTES,
     .help = "the recipients' domain"},
    {NULL},
};

#define POLICY_FIELDS                                                                              \
    "domain, policy, since, expires, next, why, next_step, record_id, hosts[], asked, tried, "     \
    "trouble, trouble_since, failures"

static const struct control_operation operations[] = {
    {"sts.list", "List the policies of MTA-STS that are kept", CONTROL_VIEWER, false, list_fields,
     "policies[] {domain, policy, since, expires, next, why}", list_policies},
    {"sts.show", "Show a domain's policy of MTA-STS: what it asks for, and how fetching it goes",
     CONTROL_VIEWER, false, domain_fields, POLICY_FIELDS, show_policy},
    {"sts.refresh", "Fetch a domain's policy of MTA-STS now", CONTROL_OPERATOR, true, domain_fields,
     POLICY_FIELDS, refresh_policy},
};

struct control_set sts_operations(struct sts_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
