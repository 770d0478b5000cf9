/* The operations that show and hasten what is published. */
#include "control/json.h"
#include "domain/publisher_inside.h"
#include "site/publication.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 1000 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static json_t *describe(const struct publication *row)
{
    json_t *object = json_object();

    add_text(object, "name", row->name);
    add_text(object, "state", row->state);
    json_object_set_new(object, "since", control_json_time(row->since_us));
    add_text(object, "site", row->site);
    add_text(object, "domain", row->domain);
    add_text(object, "wanted", row->wanted);
    add_text(object, "published", row->published);
    json_object_set_new(object, "checked", control_json_time(row->checked_us));
    add_text(object, "trouble", row->trouble);
    json_object_set_new(object, "failures", json_integer(row->failures));
    json_object_set_new(object, "next", control_json_time(row->next_us));
    return object;
}

static void describe_server(const struct publisher *p, json_t *output)
{
    char address[ENDPOINT_TEXT_BYTES];

    if (!p->server) {
        json_object_set_new(output, "zone", json_null());
        json_object_set_new(output, "server", json_null());
        return;
    }
    add_text(output, "zone", p->server->zone_text);
    json_object_set_new(output, "server",
                        json_string(endpoint_format(&p->server->address, address)));
    json_object_set_new(output, "server_answers", json_boolean(p->silences == 0));
}

static int add_counts(struct store *s, json_t *output)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_COUNTS);
    json_t *counts =
        json_pack("{s:i, s:i, s:i, s:i}", "published", 0, "waiting", 0, "clash", 0, "trouble", 0);
    int r;

    while ((r = query_step(&q)) == 1) {
        CLEANUP(base_free_pointer) char *state = slice_duplicate(query_text(&q, 0));

        json_object_set_new(counts, state, json_integer(query_int(&q, 1)));
    }
    json_object_set_new(output, "counts", counts);
    return r;
}

static int list(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct publisher *p = call->context;
    size_t max = (size_t)control_number(call, "limit", LIST_DEFAULT), count = 0;
    json_t *rows = json_array();
    struct publication *found;
    int r = publication_list(p->store, &arena, control_text(call, "after"),
                             control_flag(call, "troubled"), max, &found, &count);

    (void)t;
    describe_server(p, call->output);
    json_object_set_new(call->output, "publications", rows);
    for (size_t i = 0; r == 0 && i < count; i++)
        json_array_append_new(rows, describe(&found[i]));
    if (r == 0)
        json_object_set_new(call->output, "next",
                            count == max ? control_json_text(found[count - 1].name) : json_null());
    return r == 0 ? add_counts(p->store, call->output) : r;
}

static int retry(struct task *t, struct control_call *call)
{
    struct publisher *p = call->context;
    int64_t count = 0;
    int r;

    if (!p->server)
        return control_refuse(
            call, CONTROL_REFUSED, NULL,
            "Set publishing.zone, .server and .tsig_key_file in the configuration.",
            "No zone is configured to publish into.");
    r = publication_retry(p->store, task_wall_us(t), &count);
    if (r < 0)
        return r;
    p->silences = 0;
    publisher_wake(p);
    json_object_set_new(call->output, "count", json_integer(count));
    return 0;
}

static const struct control_field list_fields[] = {
    {.name = "troubled", .type = CONTROL_FLAG, .help = "only those that are not published"},
    {.name = "limit", .type = CONTROL_NUMBER, .min = 1, .max = LIST_MAX, .help = "at most so many"},
    {.name = "after",
     .type = CONTROL_TEXT,
     .max = 255,
     .help = "begin behind this name, to go on with a list"},
    {NULL},
};
static const struct control_field no_fields[] = {{NULL}};

static const struct control_operation operations[] = {
    {"publication.list", "Show the records that Letterhead publishes in the platform's zone",
     CONTROL_VIEWER, false, list_fields,
     "zone, server, server_answers, counts {published, waiting, clash, trouble}, publications[] "
     "{name, state, since, site, domain, wanted, published, checked, trouble, failures, next}, next",
     list},
    {"publication.retry", "Try now what could not be published", CONTROL_OPERATOR, true, no_fields,
     "count", retry},
};

struct control_set publisher_operations(struct publisher *p)
{
    return (struct control_set){operations, ARRAY_LEN(operations), p};
}
