/* A key that the client has made, or brings from elsewhere, takes the place of the next one. */
#include "base/log.h"
#include "onboard/rotate.h"
#include "site/identity_key.h"
#include "site/service.h"
#include "vault/client.h"

enum { IMPORT_S = 30 };

static int seal(struct task *t, struct rotate_service *service, struct arena *arena,
                const struct identity *identity, struct slice file, struct identity_key *key)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, IMPORT_S * SECOND_US);
    const struct vault_key_binding binding = {.site_id = (uint64_t)identity->site_id,
                                              .domain = identity->domain,
                                              .selector = key->selector,
                                              .algorithm = VAULT_RSA_SHA256};
    struct vault_new_key made = {BUFFER_NONE, BUFFER_NONE};
    int r = vault_import_key(t, service->site->vault, &binding, file, &made);

    if (r < 0)
        return r;
    key->sealed = arena_copy(arena, buffer_slice(&made.sealed));
    key->public_key = arena_copy(arena, buffer_slice(&made.public_key));
    vault_new_key_done(&made);
    return 0;
}

static const struct identity_key *find_next(const struct identity *identity)
{
    for (size_t i = 0; i < identity->key_count; i++)
        if (slice_equal(identity->keys[i].slot, SLICE("next")))
            return &identity->keys[i];
    return NULL;
}

/* The rows are read again: the vault took its time. */
static int put(struct rotate_service *service, struct arena *arena, int64_t identity_id,
               struct identity_key *key, int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = service->site->store;
    const struct identity_key *next;
    struct identity identity;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = identity_find(s, arena, identity_id, &identity);
    if (r < 0)
        return r;
    next = find_next(&identity);
    if (!next)
        return -EAGAIN;
    r = identity_key_remove(s, next);
    if (r == 0)
        r = store_new_id(s, &key->id);
    if (r == 0)
        r = identity_key_insert(s, identity_id, key, now_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

int rotate_import(struct task *t, struct rotate_service *service, int64_t identity_id,
                  struct slice selector, struct slice file)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct identity_key key = {.slot = SLICE("next"),
                               .selector = selector,
                               .algorithm = KEY_RSA_SHA256,
                               .origin = SLICE("imported")};
    struct identity identity;
    int r = identity_find(service->site->store, &arena, identity_id, &identity);

    if (r == 0 && identity_is_cname(&identity))
        r = -EOPNOTSUPP;
    if (r == 0 && !find_next(&identity))
        r = -EAGAIN;
    if (r == 0)
        r = seal(t, service, &arena, &identity, file, &key);
    return r == 0 ? put(service, &arena, identity_id, &key, task_wall_us(t)) : r;
}
