/* What the tests of checks share: a DNS of a few lines, behind the resolver's seam and as the
 * domain's own name server, and sites whose records lie there. */
#ifndef LETTERHEAD_ONBOARD_CHECK_WORLD_TEST_H
#define LETTERHEAD_ONBOARD_CHECK_WORLD_TEST_H

#include "base/log.h"
#include "onboard/check.h"
#include "onboard/name_server_test.h"
#include "site/identity.h"
#include "site/world_test.h"

/* A DNS of a few lines: the answer for a name is the last line of the zone that has it. */
enum { ZONE_MAX = 30 };
static struct zone {
    struct {
        char name[200], text[600];
        enum dns_type type;
    } lines[ZONE_MAX];
    size_t count;
    bool silent; /* all answers are SERVFAIL */
    struct list answered;
    const struct world_ops *linux_ops;
} zone;

static inline void answer_line(struct world_query *query, const char *text)
{
    struct dns_answer *answer = &query->answer;
    struct dns_record *record = ARENA_NEW(query->arena, struct dns_record);

    answer->status = text[0] ? DNS_FOUND : DNS_NO_DATA;
    answer->count = text[0] != '\0';
    answer->records = record;
    if (query->type == DNS_A && text[0])
        assert_int_equal(endpoint_parse_address(slice_text(text), &record->address), 0);
    else if (query->type == DNS_TXT)
        record->text = slice_text(text);
    else
        record->name = slice_text(text);
}

static inline void answer_query(struct world *w, struct world_query *query)
{
    struct dns_answer *answer = &query->answer;

    (void)w;
    *answer = (struct dns_answer){.status = zone.silent ? DNS_TEMPORARY : DNS_NO_NAME,
                                  .why = SLICE("SERVFAIL"),
                                  .canonical = arena_copy(query->arena, slice_text(query->name))};
    for (size_t i = 0; i < zone.count && !zone.silent; i++) {
        if (strcmp(zone.lines[i].name, query->name) != 0)
            continue;
        if (answer->status == DNS_NO_NAME)
            answer->status = DNS_NO_DATA;
        if (zone.lines[i].type == query->type)
            answer_line(query, zone.lines[i].text);
    }
    list_add_last(&zone.answered, &query->link);
}

static inline void cancel_query(struct world *w, struct world_query *query)
{
    (void)w;
    list_remove(&query->link);
}

static inline void wait_with_answers(struct world *w, uint64_t until_us, struct world_news *news)
{
    zone.linux_ops->wait(w, list_empty(&zone.answered) ? until_us : 0, news);
    LIST_FOREACH_SAFE (link, &zone.answered) {
        list_remove(link);
        list_add_last(&news->queries, link);
    }
}

/* What the domain's own name server knows. */
static inline bool find_text(void *context, struct slice name, struct slice *ret)
{
    bool known = false;

    (void)context;
    for (size_t i = 0; i < zone.count; i++) {
        if (zone.lines[i].type != DNS_TXT || !slice_equal(slice_text(zone.lines[i].name), name))
            continue;
        *ret = slice_text(zone.lines[i].text);
        known = ret->size > 0;
    }
    return known;
}

static inline void publish_type(enum dns_type type, const char *name, const char *text)
{
    assert_true(zone.count < ZONE_MAX);
    zone.lines[zone.count].type = type;
    snprintf(zone.lines[zone.count].name, sizeof zone.lines[0].name, "%s", name);
    snprintf(zone.lines[zone.count++].text, sizeof zone.lines[0].text, "%s", text);
}

static inline void publish(const char *name, const char *text)
{
    publish_type(DNS_TXT, name, text);
}

struct fixture {
    struct site_world world;
    struct onboard_service service;
    struct name_server server;
    struct authority_stub stub;
    struct scope scope;
    struct control_set sets[3];
};

static inline void open_fixture(struct task *t, struct fixture *f)
{
    zone.count = 0;
    zone.silent = false;
    site_world_open(t, &f->world);
    scope_open(&f->scope, t);
    f->server = (struct name_server){.find = find_text};
    name_server_open(t, &f->scope, &f->server);
    f->stub = (struct authority_stub){SLICE("example.org"), f->server.at};
    publish_type(DNS_SOA, "example.org", "ns1.example.org");
    f->service = (struct onboard_service){f->world.service.store,
                                          f->world.service.pusher,
                                          IDENTITY_TIMES_DEFAULT,
                                          {.stubs = &f->stub, .stub_count = 1}};
    f->sets[0] = site_operations(&f->world.service);
    f->sets[1] = onboard_operations(&f->service);
    f->sets[2] = identity_operations(&f->world.service);
}

static inline void close_fixture(struct fixture *f)
{
    scope_close(&f->scope);
    name_server_close(&f->server);
    site_world_close(&f->world);
}

static inline json_t *ask(struct task *t, struct fixture *f, const char *operation,
                          const char *input)
{
    json_t *reply = site_world_ask(t, f->sets, ARRAY_LEN(f->sets), operation, input);

    if (!json_is_true(json_object_get(reply, "ok")))
        fail_msg("%s: %s", operation, json_at(reply, "error.message"));
    return reply;
}

/* Adds a site and yields the reply, with the records. */
static inline json_t *add_site(struct task *t, struct fixture *f, const char *site)
{
    char input[128];

    snprintf(input, sizeof input,
             "{\"site\": \"%s\", \"domain\": \"example.org\", \"senders\": \"any\"}", site);
    return ask(t, f, "site.add", input);
}

static inline void publish_record(const json_t *added, int i)
{
    char name[64], value[64];

    snprintf(name, sizeof name, "output.identity.records.%d.name", i);
    snprintf(value, sizeof value, "output.identity.records.%d.value", i);
    publish(json_at(added, name), json_at(added, value));
}

static inline void withdraw_record(const json_t *added, int i)
{
    char name[64];

    snprintf(name, sizeof name, "output.identity.records.%d.name", i);
    publish(json_at(added, name), "");
}

static inline void assert_state(struct task *t, struct fixture *f, const char *site,
                                const char *state)
{
    char input[64];
    json_t *reply;

    snprintf(input, sizeof input, "{\"site\": \"%s\"}", site);
    reply = ask(t, f, "identity.check", input);
    assert_string_equal(json_at(reply, "output.identities.0.state"), state);
    assert_true(strlen(json_at(reply, "output.identities.0.why")) > 0);
    assert_true(strlen(json_at(reply, "output.identities.0.next_step")) > 0);
    json_decref(reply);
}

static inline bool is_sending(const struct fixture *f, uint64_t site_id)
{
    return directory_site_by_id(f->world.directory, site_id)->identities[0].sending;
}

static inline void add_verified(struct task *t, struct fixture *f, json_t **ret_added)
{
    open_fixture(t, f);
    *ret_added = add_site(t, f, "one");
    for (int i = 0; i < IDENTITY_KEYS; i++)
        publish_record(*ret_added, i);
    assert_state(t, f, "one", "SUCCESS");
}

/* As run_in_world, with the little DNS. */
static inline void run_with_dns(void **state)
{
    const struct world_linux_options options = {0};
    struct world_ops ops;
    char *problem = NULL;
    struct world *w;

    assert_int_equal(world_linux_new(&options, &w, &problem), 0);
    list_init(&zone.answered);
    zone.linux_ops = w->ops;
    ops = *w->ops;
    ops.query_start = answer_query;
    ops.query_cancel = cancel_query;
    ops.wait = wait_with_answers;
    w->ops = &ops;
    assert_int_equal(loop_run(w, (task_function *)*state, NULL), 0);
    w->ops = zone.linux_ops;
    world_free(w);
}

#define DNS_TEST(function)                                                                         \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run_with_dns, .initial_state = (void *)(function)          \
    }

#endif
