/* What the tests of operations share: a control database in memory, the real vault behind one
 * peer, and a gateway that is nothing but its directory behind another. Tests of folders above
 * use it too. */
#ifndef LETTERHEAD_SITE_WORLD_TEST_H
#define LETTERHEAD_SITE_WORLD_TEST_H

#include "control/perform.h"
#include "runtime/loop_test.h"
#include "runtime/peer.h"
#include "site/pusher.h"
#include "site/service.h"
#include "vault/service.h"
#include "wire/ipc.h"

struct site_world {
    struct scope scope;
    struct vault *vault;
    struct vault_worker *worker;
    struct directory *directory;
    bool gateway_is_deaf; /* it does not answer */
    struct peer *ends[4]; /* steward's and vault's, steward's and gateway's */
    struct peer_group gateways;
    struct site_service service;
};

static inline int site_world_vault(struct task *t, void *context, uint8_t type, struct slice body,
                                   struct buffer *reply)
{
    struct site_world *w = context;

    (void)t;
    return vault_worker_answer(w->worker, VAULT_CALLER_STEWARD, type, body, reply);
}

static inline int site_world_gateway(struct task *t, void *context, uint8_t type, struct slice body,
                                     struct buffer *reply)
{
    struct site_world *w = context;

    (void)reply;
    if (w->gateway_is_deaf)
        return task_sleep(t, 3600 * SECOND_US);
    return directory_apply(w->directory, type, body);
}

static inline struct store *site_world_store(void)
{
    struct store_options options = {.path = ":memory:", .schema = STORE_CONTROL};
    struct store *s = NULL;
    char *problem = NULL;

    if (store_open(&options, &s, &problem) < 0)
        fail_msg("%s", problem);
    return s;
}

static inline void site_world_peers(struct site_world *w)
{
    const struct peer_handlers none = {0};
    const struct peer_handlers vault = {.request = site_world_vault, .context = w};
    const struct peer_handlers gateway = {.request = site_world_gateway, .context = w};
    int pair[2];

    make_pair(SOCK_SEQPACKET, pair);
    w->ends[0] = peer_new(&w->scope, "vault", pair[0], &none);
    w->ends[1] = peer_new(&w->scope, "steward", pair[1], &vault);
    make_pair(SOCK_SEQPACKET, pair);
    w->ends[2] = peer_new(&w->scope, "gateway", pair[0], &none);
    w->ends[3] = peer_new(&w->scope, "steward", pair[1], &gateway);
}

/* In place, since tasks of its scope point into it. */
static inline void site_world_open(struct task *t, struct site_world *w)
{
    const struct vault_options options = {.master_key = SLICE("0123456789abcdef0123456789abcdef"),
                                          .region = SLICE("eu-west-1")};

    *w = (struct site_world){.directory = directory_new()};
    assert_int_equal(vault_new(&options, &w->vault), 0);
    w->worker = vault_worker_new(w->vault);
    scope_open(&w->scope, t);
    site_world_peers(w);
    w->service = (struct site_service){.store = site_world_store(),
                                       .vault = w->ends[0],
                                       .hostname = SLICE("mail.example.net"),
                                       .ports = {{587, "STARTTLS"}},
                                       .port_count = 1,
                                       .key_bits = 1024};
    w->gateways = (struct peer_group){.members = {{.peer = w->ends[2], .number = 1}}, .count = 1};
    assert_int_equal(site_pusher_new(&w->scope, w->service.store, &w->gateways, &w->service.pusher),
                     0);
}

static inline void site_world_close(struct site_world *w)
{
    scope_close(&w->scope);
    for (size_t i = 0; i < ARRAY_LEN(w->ends); i++)
        peer_free(w->ends[i]);
    site_pusher_free(w->service.pusher);
    store_close(w->service.store);
    directory_free(w->directory);
    vault_worker_free(w->worker);
    vault_free(w->vault);
}

/* Asks as an operator; `input` is JSON. The caller frees the reply. */
static inline json_t *site_world_ask(struct task *t, const struct control_set *sets,
                                     size_t set_count, const char *operation, const char *input)
{
    const struct control_caller caller = {.role = CONTROL_OPERATOR, .name = "test"};
    json_t *parsed = json_loads(input, 0, NULL), *request, *reply;

    assert_non_null(parsed);
    request = json_pack("{s:s, s:o}", "operation", operation, "input", parsed);
    reply = control_perform(t, sets, set_count, &caller, request);
    json_decref(request);
    return reply;
}

/* The text at a path of names and numbers, "output.identity.records.0.name"; fails when there is
 * none. */
static inline const char *json_at(const json_t *value, const char *path)
{
    struct slice rest = slice_text(path), part;
    bool more = true;

    while (more) {
        CLEANUP(base_free_pointer) char *name = NULL;

        more = slice_cut(&rest, '.', &part);
        name = slice_duplicate(part);
        value = json_is_array(value) ? json_array_get(value, (size_t)strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
    }
    if (!json_is_string(value))
        fail_msg("there is no text at %s", path);
    return json_string_value(value);
}

/* A test that is a task: TASK_TEST(function) in the array of tests. */
static inline void run_in_world(void **state)
{
    assert_int_equal(run_tasks(NULL, (task_function *)*state, NULL), 0);
}
#define TASK_TEST(function)                                                                        \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run_in_world, .initial_state = (void *)(function)          \
    }

#endif
