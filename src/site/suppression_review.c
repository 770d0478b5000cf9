/* The operations on suppressions that are held: what waits for an operator's word, and the word. */
#include "control/json.h"
#include "runtime/task.h"
#include "site/pusher.h"
#include "site/service.h"
#include "site/suppression_breaker.h"
#include "site/suppression_json.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 1000, AT_ONCE = 1000, APPROVED_HOURS = 24 };
static const int64_t HOUR_US = 3600 * (int64_t)1000000;

static json_t *describe_breaker(const struct suppression_breaker *b)
{
    json_t *object = json_object();

    json_object_set_new(object, "domain", control_json_text(b->domain));
    json_object_set_new(object, "state", json_string(b->approved ? "approved" : "open"));
    json_object_set_new(object, "since", control_json_time(b->since_us));
    json_object_set_new(object, "until", control_json_time(b->until_us));
    json_object_set_new(object, "unknown", json_integer(b->unknown));
    json_object_set_new(object, "sent", json_integer(b->sent));
    return object;
}

static int add_breakers(struct store *s, struct arena *arena, json_t *output)
{
    json_t *list = json_array();
    struct suppression_breaker *breakers;
    size_t count = 0;
    int r = suppression_breaker_list(s, arena, &breakers, &count);

    json_object_set_new(output, "breakers", list);
    for (size_t i = 0; r == 0 && i < count; i++)
        json_array_append_new(list, describe_breaker(&breakers[i]));
    return r;
}

static json_t *describe_held(struct store *s, struct arena *arena, const struct suppression *held)
{
    json_t *object = suppression_to_json(held);
    struct site site;

    if (site_find_by_id(s, arena, held->site_id, &site) == 0)
        json_object_set_new(object, "site", control_json_text(site.name));
    return object;
}

static int list_held(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    json_t *list = json_array();
    struct suppression *held;
    size_t count = 0;
    int r = suppression_list_held(
        service->store, &arena, (size_t)control_number(call, "limit", LIST_DEFAULT), &held, &count);

    (void)t;
    json_object_set_new(call->output, "held", list);
    for (size_t i = 0; r == 0 && i < count; i++)
        json_array_append_new(list, describe_held(service->store, &arena, &held[i]));
    return r == 0 ? add_breakers(service->store, &arena, call->output) : r;
}

/* What is approved counts from now on, and so does what the domain says in the next hours. */
static int approve_breaker(struct store *s, struct arena *arena, struct slice domain,
                           int64_t now_us)
{
    struct suppression_breaker breaker;
    int r = suppression_breaker_find(s, arena, domain, &breaker);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    breaker.approved = true;
    breaker.until_us = now_us + APPROVED_HOURS * HOUR_US;
    return suppression_breaker_set(s, &breaker, now_us);
}

/* One page of what a domain has held; 0 in *ret_count: there is no more. */
static int settle_page(struct site_service *service, struct slice domain, bool approve,
                       int64_t now_us, size_t *ret_count)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = service->store;
    struct suppression *held;
    int r = store_transaction_begin(s, &all);

    if (r == 0 && approve)
        r = approve_breaker(s, &arena, domain, now_us);
    if (r == 0)
        r = suppression_list_of_domain(s, &arena, domain, true, 0, AT_ONCE, &held, ret_count);
    for (size_t i = 0; r == 0 && i < *ret_count; i++)
        r = approve ? suppression_set_held(s, held[i].site_id, held[i].address, false)
                    : suppression_remove(s, held[i].site_id, held[i].address);
    if (r == 0)
        r = store_transaction_commit(&all);
    for (size_t i = 0; r == 0 && approve && i < *ret_count; i++)
        site_pusher_note_suppression(service->pusher, held[i].site_id, held[i].address);
    return r;
}

static int settle(struct task *t, struct control_call *call, bool approve)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct slice domain = arena_copy_lower(&arena, control_text(call, "domain"));
    size_t settled = 0, count = AT_ONCE;
    int r = 0;

    while (r == 0 && count == AT_ONCE) {
        r = settle_page(service, domain, approve, task_wall_us(t), &count);
        settled += r == 0 ? count : 0;
        if (r == 0)
            r = task_yield(t);
    }
    if (r < 0)
        return r;
    if (settled == 0)
        return control_refuse(call, CONTROL_NOT_FOUND, "domain",
                              "letterhead suppression review list shows what waits.",
                              "Nothing of %.*s waits for a review.", SLICE_ARG(domain));
    json_object_set_new(call->output, "domain", control_json_text(domain));
    json_object_set_new(call->output, approve ? "suppressed" : "dropped",
                        json_integer((json_int_t)settled));
    return 0;
}

static int approve_held(struct task *t, struct control_call *call)
{
    return settle(t, call, true);
}

static int drop_held(struct task *t, struct control_call *call)
{
    return settle(t, call, false);
}

static const struct control_field list_fields[] = {
    {.name = "limit",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = LIST_MAX,
     .help = "how many, 100 by default"},
    {NULL},
};
static const struct control_field domain_fields[] = {
    {.name = "domain",
     .type = CONTROL_TEXT,
     .required = true,
     .positional = true,
     .min = 1,
     .max = 255,
     .help = "the receiving domain"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"suppression.review_list", "List the suppressions that wait for a review", CONTROL_VIEWER,
     false, list_fields, "held[], breakers[] {domain, state, since, until, unknown, sent}",
     list_held},
    {"suppression.review_approve", "Suppress what is held of a domain: its people are gone",
     CONTROL_OPERATOR, true, domain_fields, "domain, suppressed", approve_held},
    {"suppression.review_drop", "Forget what is held of a domain: it was a fault", CONTROL_OPERATOR,
     true, domain_fields, "domain, dropped", drop_held},
};

struct control_set suppression_review_operations(struct site_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
