/* The operations on a site's suppressions: list, show, add, remove, import, export. */
#include "base/limits.h"
#include "control/json.h"
#include "runtime/task.h"
#include "site/pusher.h"
#include "site/service.h"
#include "site/suppression_json.h"
#include "site/suppression_transfer.h"

enum {
    LIST_DEFAULT = 100,
    LIST_MAX = 1000,
    EXPORT_MAX = 40000, /* rows; a reply is bounded */
    IMPORT_BYTES_MAX = 900000,
    DAYS_MAX = 3650,
};
static const int64_t DAY_US = 86400 * (int64_t)1000000;

static int site_and_address(struct site_service *service, struct arena *arena,
                            struct control_call *call, struct site *ret_site,
                            struct slice *ret_address)
{
    const char *why = "";
    int r = site_of_call(service->store, arena, call, ret_site);

    if (r < 0)
        return r;
    if (suppression_address(arena, control_text(call, "address"), ret_address, &why) == 0)
        return 0;
    return control_refuse(call, CONTROL_INVALID, "address", "Give it as name@domain.",
                          "That is not a mail address: %s.", why);
}

static int refuse_missing(struct control_call *call, struct slice address)
{
    return control_refuse(call, CONTROL_NOT_FOUND, "address",
                          "letterhead suppression list SITE shows those that are.",
                          "%.*s is not suppressed.", SLICE_ARG(address));
}

/* One transaction around a change of one address. */
static int change(struct store *s, int64_t site_id, struct slice address,
                  const struct suppression *put, bool *ret_changed)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = put ? suppression_put(s, put, ret_changed) : suppression_remove(s, site_id, address);
    return r == 0 ? store_transaction_commit(&all) : r;
}

static int tell_gateways(struct task *t, struct site_service *service, struct control_call *call,
                         int64_t site_id, struct slice address)
{
    int r = site_pusher_push_suppression(t, service->pusher, site_id, address);

    if (r == -ECANCELED)
        return r;
    json_object_set_new(call->output, "gateway", json_string(r == 0 ? "applied" : "waiting"));
    return 0;
}

static int list_suppressions(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    size_t max = (size_t)control_number(call, "limit", LIST_DEFAULT), count = 0;
    json_t *list = json_array();
    struct suppression *found;
    int64_t total = 0;
    struct site site;
    int r = site_of_call(service->store, &arena, call, &site);

    (void)t;
    json_object_set_new(call->output, "suppressions", list);
    if (r == 0)
        r = suppression_count(service->store, site.id, &total);
    if (r == 0)
        r = suppression_list(service->store, &arena, site.id, false,
                             suppression_fold(&arena, control_text(call, "after")), max, &found,
                             &count);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, suppression_to_json(&found[i]));
    json_object_set_new(call->output, "count", json_integer(total));
    json_object_set_new(call->output, "next",
                        count == max ? control_json_text(found[count - 1].address) : json_null());
    return 0;
}

static int show_suppression(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct suppression found;
    struct slice address;
    struct site site;
    json_t *object;
    int r = site_and_address(service, &arena, call, &site, &address);

    (void)t;
    if (r == 0)
        r = suppression_find(service->store, &arena, site.id, address, &found);
    if (r == -ENOENT)
        return refuse_missing(call, address);
    if (r < 0)
        return r;
    json_object_set_new(call->output, "site", control_json_text(site.name));
    object = suppression_to_json(&found);
    json_object_update(call->output, object);
    json_decref(object);
    return 0;
}

static int refuse_full(struct control_call *call, const struct site *site)
{
    return control_refuse(call, CONTROL_REFUSED, NULL,
                          "Remove some that are not needed any more (letterhead suppression "
                          "remove), or let their time run out.",
                          "The list of %.*s is full: it has %d addresses.", SLICE_ARG(site->name),
                          LIMIT_SUPPRESSIONS);
}

static int add_suppression(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    int64_t now_us = task_wall_us(t), days = control_number(call, "days", 0);
    struct suppression wanted = {.reason = SUPPRESSION_MANUAL,
                                 .text = control_text(call, "why"),
                                 .since_us = now_us,
                                 .expires_us = days ? now_us + days * DAY_US : 0};
    struct site site;
    bool changed;
    int r = site_and_address(service, &arena, call, &site, &wanted.address);

    if (r < 0)
        return r;
    wanted.site_id = site.id;
    r = change(service->store, site.id, wanted.address, &wanted, &changed);
    if (r == -ENOSPC)
        return refuse_full(call, &site);
    if (r < 0)
        return r;
    json_object_set_new(call->output, "site", control_json_text(site.name));
    json_object_set_new(call->output, "address", control_json_text(wanted.address));
    json_object_set_new(call->output, "expires", control_json_time(wanted.expires_us));
    return tell_gateways(t, service, call, site.id, wanted.address);
}

static int remove_suppression(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct slice address;
    struct site site;
    int r = site_and_address(service, &arena, call, &site, &address);

    if (r == 0)
        r = change(service->store, site.id, address, NULL, NULL);
    if (r == -ENOENT)
        return refuse_missing(call, address);
    if (r < 0)
        return r;
    json_object_set_new(call->output, "site", control_json_text(site.name));
    json_object_set_new(call->output, "address", control_json_text(address));
    return tell_gateways(t, service, call, site.id, address);
}

static int run_import(struct store *s, const struct suppression_import *import, struct slice csv,
                      struct suppression_imported *ret)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = suppression_import(s, import, csv, ret);
    return r == 0 ? store_transaction_commit(&all) : r;
}

static int import_suppressions(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct suppression_import import = {.now_us = task_wall_us(t),
                                        .skip_bad = control_flag(call, "skip_bad")};
    struct suppression_imported done = {0};
    struct site site;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r < 0)
        return r;
    import.site_id = site.id;
    r = run_import(service->store, &import, control_text(call, "csv"), &done);
    if (r == -EINVAL)
        r = control_refuse(call, CONTROL_INVALID, "csv",
                           "Correct them, or pass over them with --skip-bad.",
                           "Nothing was imported: %zu of %zu addresses make no sense.\n%.*s",
                           done.bad, done.lines, SLICE_ARG(buffer_slice(&done.problems)));
    else if (r == -ENOSPC)
        r = refuse_full(call, &site);
    else if (r == 0) {
        json_object_set_new(call->output, "site", control_json_text(site.name));
        json_object_set_new(call->output, "imported", json_integer((json_int_t)done.taken));
        json_object_set_new(call->output, "passed_over", json_integer((json_int_t)done.bad));
        r = tell_gateways(t, service, call, site.id, SLICE_NONE);
    }
    buffer_done(&done.problems);
    return r;
}

/* Writes the next page; returns how many it had, and where the one after it begins. */
static int export_page(struct store *s, int64_t site_id, struct buffer *after, struct buffer *csv,
                       size_t *ret_count)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct suppression *page;
    int r = suppression_list(s, &arena, site_id, false, buffer_slice(after), SUPPRESSION_LIST_MAX,
                             &page, ret_count);

    for (size_t i = 0; r == 0 && i < *ret_count; i++)
        suppression_export(csv, &page[i]);
    if (r == 0 && *ret_count) {
        after->size = 0;
        buffer_add(after, page[*ret_count - 1].address);
    }
    return r;
}

static int export_suppressions(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer csv = BUFFER_NONE, after = BUFFER_NONE;
    struct site_service *service = call->context;
    size_t rows = 0, count = SUPPRESSION_LIST_MAX;
    struct site site;
    int r = site_of_call(service->store, &arena, call, &site);

    (void)t;
    buffer_add(&after, suppression_fold(&arena, control_text(call, "after")));
    suppression_export_head(&csv);
    for (; r == 0 && count == SUPPRESSION_LIST_MAX && rows < EXPORT_MAX; rows += count)
        r = export_page(service->store, site.id, &after, &csv, &count);
    if (r < 0)
        return r;
    json_object_set_new(call->output, "csv", control_json_text(buffer_slice(&csv)));
    json_object_set_new(call->output, "next",
                        count == SUPPRESSION_LIST_MAX ? control_json_text(buffer_slice(&after))
                                                      : json_null());
    return 0;
}

#define ADDRESS_FIELD                                                                              \
    {                                                                                              \
        .name = "address", .type = CONTROL_TEXT, .required = true, .positional = true, .min = 3,   \
        .max = 1024, .help = "the address, name@domain"                                            \
    }
#define AFTER_FIELD                                                                                \
    {                                                                                              \
        .name = "after", .type = CONTROL_TEXT, .min = 1, .max = 1024,                              \
        .help = "only those that follow this address: the last one of the page before"             \
    }

static const struct control_field list_fields[] = {
    SITE_FIELD,
    {.name = "limit",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = LIST_MAX,
     .help = "how many, 100 by default"},
    AFTER_FIELD,
    {NULL},
};
static const struct control_field address_fields[] = {SITE_FIELD, ADDRESS_FIELD, {NULL}};
static const struct control_field add_fields[] = {
    SITE_FIELD,
    ADDRESS_FIELD,
    {.name = "why",
     .type = CONTROL_TEXT,
     .max = 200,
     .help = "the reason, for those who look later"},
    {.name = "days",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = DAYS_MAX,
     .help = "for how long; without it until it is removed"},
    {NULL},
};
static const struct control_field import_fields[] = {
    SITE_FIELD,
    {.name = "csv",
     .type = CONTROL_TEXT,
     .required = true,
     .min = 1,
     .max = IMPORT_BYTES_MAX,
     .help = "the list; its first line names the columns: address, reason, text"},
    {.name = "skip_bad", .type = CONTROL_FLAG, .help = "pass over lines that make no sense"},
    {NULL},
};
static const struct control_field export_fields[] = {SITE_FIELD, AFTER_FIELD, {NULL}};

#define SUPPRESSION_OUTPUT "address, reason, held, class, since, expires, message_id, text"

static const struct control_operation operations[] = {
    {"suppression.list", "List the addresses that a site's mail is not sent to", CONTROL_VIEWER,
     false, list_fields, "suppressions[] {" SUPPRESSION_OUTPUT "}, count, next", list_suppressions},
    {"suppression.show", "Show why an address is suppressed", CONTROL_VIEWER, false, address_fields,
     "site, " SUPPRESSION_OUTPUT, show_suppression},
    {"suppression.add", "Send a site's mail to an address no more", CONTROL_OPERATOR, true,
     add_fields, "site, address, expires, gateway", add_suppression},
    {"suppression.remove", "Send a site's mail to a suppressed address again", CONTROL_OPERATOR,
     true, address_fields, "site, address, gateway", remove_suppression},
    {"suppression.import", "Put a list of addresses on a site's suppression list", CONTROL_OPERATOR,
     true, import_fields, "site, imported, passed_over, gateway", import_suppressions},
    {"suppression.export", "Write a site's suppression list as comma-separated values",
     CONTROL_VIEWER, false, export_fields, "csv, next", export_suppressions},
};

struct control_set suppression_operations(struct site_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
