#include "site/identity_key.h"

#include "runtime/world.h"
#include "site/publication.h"
#include "site/service.h"
#include "vault/client.h"
#include "wire/base32.h"

enum { SELECTOR_RANDOM_BYTES = 20 };

struct slice identity_selector(struct task *t, struct arena *arena)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    uint8_t random[SELECTOR_RANDOM_BYTES];

    world_random(task_world(t), random, sizeof random);
    wire_base32_encode(&text, slice_of(random, sizeof random));
    return arena_copy(arena, buffer_slice(&text));
}

int identity_key_make(struct task *t, const struct site_service *service, struct arena *arena,
                      const struct identity *identity, struct identity_key *key)
{
    const bool rsa = key->algorithm == KEY_RSA_SHA256;
    const struct vault_key_binding binding = {
        .site_id = (uint64_t)identity->site_id,
        .domain = identity->domain,
        .selector = key->selector,
        .algorithm = rsa ? VAULT_RSA_SHA256 : VAULT_ED25519_SHA256,
    };
    struct vault_new_key made = {BUFFER_NONE, BUFFER_NONE};
    int r = vault_create_key(t, service->vault, &binding, rsa ? service->key_bits : 0, &made);

    if (r < 0)
        return r;
    key->sealed = arena_copy(arena, buffer_slice(&made.sealed));
    key->public_key = arena_copy(arena, buffer_slice(&made.public_key));
    vault_new_key_done(&made);
    return 0;
}

static const char *algorithm_name(enum key_algorithm algorithm)
{
    return algorithm == KEY_ED25519_SHA256 ? "ed25519-sha256" : "rsa-sha256";
}

int identity_key_insert(struct store *s, int64_t identity_id, const struct identity_key *key,
                        int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_KEY_ADD);

    query_bind_int(&q, key->id);
    query_bind_int(&q, identity_id);
    query_bind_text(&q, key->slot);
    query_bind_text(&q, key->selector);
    query_bind_text(&q, slice_text(algorithm_name(key->algorithm)));
    query_bind_blob(&q, key->sealed);
    query_bind_blob(&q, key->public_key);
    query_bind_int(&q, now_us);
    query_bind_text(&q, key->origin);
    return query_run(&q);
}

int identity_key_publish(struct store *s, const struct identity *identity,
                         const struct identity_key *key, int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct publication wanted = {.identity_id = identity->id, .wanted_us = now_us};
    int r;

    if (!identity_is_cname(identity))
        return 0;
    wanted.name = identity_target_name(&arena, identity, key);
    r = identity_record_text(&arena, key, &wanted.wanted);
    return r == 0 ? publication_want(s, &wanted, now_us) : r;
}

int identity_key_remove(struct store *s, const struct identity_key *key)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_KEY_REMOVE);

    query_bind_int(&q, key->id);
    return query_run(&q);
}
