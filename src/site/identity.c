#include "site/identity.h"

#include "site/identity_key.h"
#include "wire/dkim_key.h"

const char *const identity_slots[IDENTITY_KEYS] = {"active", "next", "retiring"};

static void read_key(struct query *q, struct arena *arena, struct identity_key *ret)
{
    ret->id = query_int(q, 0);
    ret->slot = arena_copy(arena, query_text(q, 1));
    ret->selector = arena_copy(arena, query_text(q, 2));
    ret->algorithm = slice_equal(query_text(q, 3), SLICE("ed25519-sha256")) ? KEY_ED25519_SHA256
                                                                            : KEY_RSA_SHA256;
    ret->sealed = arena_copy(arena, query_blob(q, 4));
    ret->public_key = arena_copy(arena, query_blob(q, 5));
    ret->record_state = arena_copy(arena, query_text(q, 6));
    ret->record_since_us = query_int(q, 7);
    ret->record_checked_us = query_int(q, 8);
    ret->record_seen = arena_copy(arena, query_text(q, 9));
    ret->record_advice = arena_copy(arena, query_text(q, 10));
    ret->record_trouble = arena_copy(arena, query_text(q, 11));
    ret->record_cause = arena_copy(arena, query_text(q, 12));
    ret->record_server = arena_copy(arena, query_text(q, 13));
    ret->slot_since_us = query_int(q, 14);
    ret->origin = arena_copy(arena, query_text(q, 15));
    ret->created_us = query_int(q, 16);
    ret->seen_us = query_int(q, 17);
    ret->withdrawn_us = query_int(q, 18);
}

static int read_keys(struct store *s, struct arena *arena, struct identity *identity)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_KEY_LIST);
    int r;

    query_bind_int(&q, identity->id);
    identity->key_count = 0;
    while ((r = query_step(&q)) == 1) {
        bool second = slice_equal(query_text(&q, 1), SLICE("second"));

        if (second || identity->key_count < IDENTITY_KEYS)
            read_key(&q, arena,
                     second ? &identity->second : &identity->keys[identity->key_count++]);
    }
    return r < 0 ? r : 0;
}

static int read_parts(struct store *s, struct arena *arena, struct identity *identity)
{
    int r = read_keys(s, arena, identity);

    return r < 0 ? r
                 : alignment_list(s, arena, identity->id, &identity->alignments,
                                  &identity->alignment_count);
}

static void read_identity(struct query *q, struct arena *arena, struct identity *ret)
{
    *ret = (struct identity){.id = query_int(q, 0)};
    ret->site_id = query_int(q, 1);
    ret->domain = arena_copy(arena, query_text(q, 2));
    ret->covers_subdomains = query_int(q, 3) != 0;
    ret->state = arena_copy(arena, query_text(q, 4));
    ret->since_us = query_int(q, 5);
    ret->why = arena_copy(arena, query_text(q, 6));
    ret->next_step = arena_copy(arena, query_text(q, 7));
    ret->created_us = query_int(q, 8);
    ret->checked_us = query_int(q, 9);
    ret->succeeded_us = query_int(q, 10);
    ret->next_check_us = query_int(q, 11);
    ret->gone_since_us = query_int(q, 12);
    ret->must_ask = query_int(q, 13) != 0;
    ret->zone_servers = arena_copy(arena, query_text(q, 14));
    ret->zone_primary = arena_copy(arena, query_text(q, 15));
    ret->dkim_zone = arena_copy(arena, query_text(q, 16));
    ret->rotated_us = query_int(q, 17);
    ret->rotate_us = query_int(q, 18);
}

int identity_list(struct store *s, struct arena *arena, int64_t site_id, struct identity **ret,
                  size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_LIST);
    struct identity *identities = ARENA_ARRAY(arena, struct identity, DIRECTORY_IDENTITIES_MAX);
    size_t count = 0;
    int r;

    query_bind_int(&q, site_id);
    while ((r = query_step(&q)) == 1 && count < DIRECTORY_IDENTITIES_MAX)
        read_identity(&q, arena, &identities[count++]);
    for (size_t i = 0; i < count && r >= 0; i++)
        r = read_parts(s, arena, &identities[i]);
    if (r < 0)
        return r;
    *ret = identities;
    *ret_count = count;
    return 0;
}

int identity_find(struct store *s, struct arena *arena, int64_t id, struct identity *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_BY_ID);
    int r;

    query_bind_int(&q, id);
    r = query_step(&q);
    if (r < 0)
        return r;
    if (r == 0)
        return -ENOENT;
    read_identity(&q, arena, ret);
    return read_parts(s, arena, ret);
}

static int insert_row(struct store *s, const struct identity *identity)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_ADD);

    query_bind_int(&q, identity->id);
    query_bind_int(&q, identity->site_id);
    query_bind_text(&q, identity->domain);
    query_bind_int(&q, identity->covers_subdomains);
    query_bind_int(&q, identity->created_us);
    query_bind_text(&q, identity->why);
    query_bind_text(&q, identity->next_step);
    query_bind_text(&q, identity->dkim_zone);
    return query_run(&q);
}

int identity_insert(struct store *s, const struct identity *identity)
{
    int r = insert_row(s, identity);

    for (size_t i = 0; i < identity->key_count && r == 0; i++)
        r = identity_key_insert(s, identity->id, &identity->keys[i], identity->created_us);
    return r;
}

bool identity_is_sending(const struct identity *identity)
{
    return slice_equal(identity->state, SLICE("SUCCESS")) ||
           slice_equal(identity->state, SLICE("TEMPORARY_FAILURE"));
}

struct slice identity_record_name(struct arena *arena, const struct identity *identity,
                                  const struct identity_key *key)
{
    return arena_printf(arena, "%.*s._domainkey.%.*s", SLICE_ARG(key->selector),
                        SLICE_ARG(identity->domain));
}

bool identity_is_cname(const struct identity *identity)
{
    return identity->dkim_zone.size > 0;
}

struct slice identity_target_name(struct arena *arena, const struct identity *identity,
                                  const struct identity_key *key)
{
    return arena_printf(arena, "%.*s.%.*s", SLICE_ARG(key->selector),
                        SLICE_ARG(identity->dkim_zone));
}

static bool is_usable(const struct identity_key *key)
{
    return key->seen_us && !key->withdrawn_us && key->sealed.size;
}

const struct identity_key *identity_signing_key(const struct identity *identity)
{
    const struct identity_key *other = NULL;

    for (size_t i = 0; i < identity->key_count; i++) {
        const struct identity_key *key = &identity->keys[i];

        if (is_usable(key) && slice_equal(key->record_state, SLICE("right")))
            return key;
        if (is_usable(key) && !other)
            other = key;
    }
    return other;
}

bool identity_has_second(const struct identity *identity)
{
    return identity->second.selector.size > 0;
}

const struct identity_key *identity_second_signing_key(const struct identity *identity)
{
    const struct identity_key *key = &identity->second;

    return identity_has_second(identity) && is_usable(key) &&
                   slice_equal(key->record_state, SLICE("right"))
               ? key
               : NULL;
}

int identity_record_text(struct arena *arena, const struct identity_key *key, struct slice *ret)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    int r;

    if (key->withdrawn_us) {
        *ret = SLICE("v=DKIM1; p=");
        return 0;
    }
    r = wire_dkim_key_format(
        &text, key->algorithm == KEY_ED25519_SHA256 ? WIRE_DKIM_KEY_ED25519 : WIRE_DKIM_KEY_RSA,
        key->public_key);
    if (r < 0)
        return r;
    *ret = arena_copy(arena, buffer_slice(&text));
    return 0;
}
