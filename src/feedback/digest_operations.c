#include "feedback/digest_operations.h"

#include "control/json.h"
#include "feedback/digest.h"
#include "runtime/task.h"
#include "site/service.h"

enum { WEEK_DAYS = 7, MONTH_DAYS = 30 };

/* "7d" */
static int read_days(struct control_call *call, unsigned *ret)
{
    struct slice text = control_text(call, "since");
    uint64_t days = WEEK_DAYS;

    if (text.size &&
        (text.data[text.size - 1] != 'd' ||
         slice_to_u64(slice_part(text, 0, text.size - 1), DIGEST_DAYS_MAX, &days) < 0 || days == 0))
        return control_refuse(call, CONTROL_INVALID, "since",
                              "Write how many days, such as 7d or 30d; 90d at most.",
                              "That is no number of days.");
    *ret = (unsigned)days;
    return 0;
}

static int show_digest(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE, csv = BUFFER_NONE;
    struct feedback_service *service = call->context;
    bool table = control_flag(call, "csv");
    struct site site;
    unsigned days = 0;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r == 0)
        r = read_days(call, &days);
    if (r == 0)
        r = digest_write(service->store, &site, days, task_wall_us(t), &text, &csv);
    if (r < 0)
        return r;
    json_object_set_new(call->output, "site", control_json_text(site.name));
    json_object_set_new(call->output, "days", json_integer(days));
    json_object_set_new(call->output, table ? "csv" : "text",
                        control_json_text(buffer_slice(table ? &csv : &text)));
    return 0;
}

static int set_digest(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct feedback_service *service = call->context;
    struct slice every = control_text(call, "every");
    unsigned days = slice_equal(every, SLICE("week"))    ? WEEK_DAYS
                    : slice_equal(every, SLICE("month")) ? MONTH_DAYS
                                                         : 0;
    struct site site;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r == 0)
        r = store_transaction_begin(service->store, &all);
    if (r == 0)
        r = digest_set(service->store, site.id, days, task_wall_us(t));
    if (r == 0)
        r = store_transaction_commit(&all);
    if (r < 0)
        return r;
    json_object_set_new(call->output, "site", control_json_text(site.name));
    json_object_set_new(call->output, "every", control_json_text(every));
    return 0;
}

static const char *const every_words[] = {"week", "month", "never", NULL};

static const struct control_field set_fields[] = {
    SITE_FIELD,
    {.name = "every",
     .type = CONTROL_TEXT,
     .required = true,
     .max = 10,
     .choices = every_words,
     .help = "how often the site's contacts get it by mail; never, unless it is said"},
    {NULL},
};
static const struct control_field show_fields[] = {
    SITE_FIELD,
    {.name = "since",
     .type = CONTROL_TEXT,
     .min = 2,
     .max = 3,
     .help = "how many days, today among them: 7d by default"},
    {.name = "csv", .type = CONTROL_FLAG, .help = "as a table, a line a day"},
    {NULL},
};

/* In this order: the command line takes the first whose words fit. */
static const struct control_operation operations[] = {
    {"digest.set", "Mail a site's contacts now and then what became of its mail", CONTROL_OPERATOR,
     true, set_fields, "site, every", set_digest},
    {"digest.show", "Tell in plain words what became of a site's mail", CONTROL_VIEWER, false,
     show_fields, "site, days, text or csv", show_digest},
};

struct control_set digest_operations(struct feedback_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
