#include "onboard/second_key.h"

#include "site/identity_key.h"
#include "site/publication.h"

enum { MAKE_S = 30 };

static int check_soon(struct store *s, int64_t identity_id, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_CHECK_SOON);

    query_bind_int(&q, identity_id);
    query_bind_int(&q, now_us);
    return query_run(&q);
}

static void wake_publisher(const struct site_service *service, const struct identity *identity)
{
    if (identity_is_cname(identity) && service->wake_publisher)
        service->wake_publisher(service->context);
}

static int make(struct task *t, const struct site_service *service, struct arena *arena,
                const struct identity *identity, struct identity_key *key)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, MAKE_S * SECOND_US);

    *key = (struct identity_key){.slot = SLICE("second"),
                                 .selector = identity_selector(t, arena),
                                 .algorithm = KEY_ED25519_SHA256,
                                 .origin = SLICE("made")};
    return identity_key_make(t, service, arena, identity, key);
}

/* The rows are read again: the vault took its time. */
static int put(const struct site_service *service, struct arena *arena, int64_t identity_id,
               struct identity_key *key, int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = service->store;
    struct identity identity;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = identity_find(s, arena, identity_id, &identity);
    if (r == 0 && identity_has_second(&identity))
        r = -EEXIST;
    if (r == 0)
        r = store_new_id(s, &key->id);
    if (r == 0)
        r = identity_key_insert(s, identity_id, key, now_us);
    if (r == 0)
        r = identity_key_publish(s, &identity, key, now_us);
    if (r == 0)
        r = check_soon(s, identity_id, now_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

int second_key_add(struct task *t, const struct site_service *service, int64_t identity_id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct identity identity;
    struct identity_key key;
    int r = identity_find(service->store, &arena, identity_id, &identity);

    if (r == 0 && identity_has_second(&identity))
        r = -EEXIST;
    if (r == 0)
        r = make(t, service, &arena, &identity, &key);
    if (r == 0)
        r = put(service, &arena, identity_id, &key, task_wall_us(t));
    if (r == 0)
        wake_publisher(service, &identity);
    return r;
}

static int take_down(struct store *s, struct arena *arena, const struct identity *identity,
                     int64_t now_us)
{
    struct publication nothing = {.identity_id = identity->id, .wanted_us = now_us};

    if (!identity_is_cname(identity))
        return 0;
    nothing.name = identity_target_name(arena, identity, &identity->second);
    return publication_want(s, &nothing, now_us);
}

static int drop(struct store *s, struct arena *arena, int64_t identity_id, int64_t now_us,
                struct identity *identity)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = identity_find(s, arena, identity_id, identity);
    if (r == 0 && !identity_has_second(identity))
        r = -ENOENT;
    if (r == 0)
        r = identity_key_remove(s, &identity->second);
    if (r == 0)
        r = take_down(s, arena, identity, now_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

int second_key_remove(struct task *t, const struct site_service *service, int64_t identity_id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct identity identity;
    int r = drop(service->store, &arena, identity_id, task_wall_us(t), &identity);

    if (r == 0)
        wake_publisher(service, &identity);
    return r;
}
