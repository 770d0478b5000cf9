#include "site/relay.h"

#include "base/buffer.h"
#include "site/relay_provider.h"

/* Where neither the operator nor the provider says anything. */
enum { CONNECTIONS = 2, MESSAGES_PER_CONNECTION = 50 };

const char *relay_tls_name(enum relay_tls tls)
{
    return tls == RELAY_TLS ? "tls" : "starttls";
}

static uint64_t first_of(uint64_t own, uint64_t of_provider, uint64_t otherwise)
{
    if (own)
        return own;
    return of_provider ? of_provider : otherwise;
}

struct relay_limits relay_limits_of(const struct relay *relay)
{
    const struct relay_provider *p = relay_provider_find(relay->host);
    const struct relay_limits *own = &relay->own;

    return (struct relay_limits){
        .connections_max = first_of(own->connections_max, p->connections_max, CONNECTIONS),
        .messages_per_connection_max =
            first_of(own->messages_per_connection_max, 0, MESSAGES_PER_CONNECTION),
        .messages_per_minute_max =
            first_of(own->messages_per_minute_max, p->messages_per_minute, 0),
        .recipients_per_day_max = first_of(own->recipients_per_day_max, p->recipients_per_day, 0),
    };
}

static void read_limits(struct query *q, int column, struct relay_limits *ret)
{
    ret->connections_max = (uint64_t)query_int(q, column);
    ret->messages_per_connection_max = (uint64_t)query_int(q, column + 1);
    ret->messages_per_minute_max = (uint64_t)query_int(q, column + 2);
    ret->recipients_per_day_max = (uint64_t)query_int(q, column + 3);
}

static void read_relay(struct query *q, struct arena *arena, struct relay *ret)
{
    *ret = (struct relay){
        .id = query_int(q, 0),
        .site_id = query_int(q, 1),
        .version = query_int(q, 2),
        .host = arena_copy(arena, query_text(q, 3)),
        .port = (uint16_t)query_int(q, 4),
        .tls = slice_equal(query_text(q, 5), SLICE("tls")) ? RELAY_TLS : RELAY_STARTTLS,
        .user = arena_copy(arena, query_text(q, 6)),
        .sealed = arena_copy(arena, query_blob(q, 7)),
        .outgoing_address = arena_copy(arena, query_text(q, 8)),
        .return_path_ours = slice_equal(query_text(q, 9), SLICE("ours")),
        .state = relay_state_parse(query_text(q, 14)),
        .since_us = query_int(q, 15),
        .why = arena_copy(arena, query_text(q, 16)),
        .next_step = arena_copy(arena, query_text(q, 17)),
        .failures = (unsigned)query_int(q, 18),
        .created_us = query_int(q, 19),
        .changed_us = query_int(q, 20),
        .probed_us = query_int(q, 21),
        .next_probe_us = query_int(q, 22),
    };
    read_limits(q, 10, &ret->own);
}

static int read_one(struct store *s, enum store_statement statement, struct arena *arena,
                    int64_t id, struct relay *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, statement);
    int r;

    query_bind_int(&q, id);
    r = query_step(&q);
    if (r == 1)
        read_relay(&q, arena, ret);
    return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

int relay_of_site(struct store *s, struct arena *arena, int64_t site_id, struct relay *ret)
{
    return read_one(s, STORE_RELAY_OF_SITE, arena, site_id, ret);
}

int relay_find(struct store *s, struct arena *arena, int64_t id, struct relay *ret)
{
    return read_one(s, STORE_RELAY_BY_ID, arena, id, ret);
}

int relay_list(struct store *s, struct arena *arena, struct relay **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_LIST);
    CLEANUP(buffer_done) struct buffer rows = BUFFER_NONE;
    struct relay relay;
    int r;

    while ((r = query_step(&q)) == 1 && rows.size / sizeof relay < RELAYS_MAX) {
        read_relay(&q, arena, &relay);
        relay.site_name = arena_copy(arena, query_text(&q, 23));
        buffer_add(&rows, slice_of(&relay, sizeof relay));
    }
    if (r < 0)
        return r;
    *ret = (struct relay *)(uintptr_t)arena_copy(arena, buffer_slice(&rows)).data;
    *ret_count = rows.size / sizeof relay;
    return 0;
}

static void bind_limit(struct query *q, uint64_t limit)
{
    if (limit)
        query_bind_int(q, (int64_t)limit);
    else
        query_bind_null(q);
}

static void bind_account(struct query *q, const struct relay *relay)
{
    query_bind_int(q, relay->id);
    query_bind_int(q, relay->site_id);
    query_bind_int(q, relay->version);
    query_bind_text(q, relay->host);
    query_bind_int(q, relay->port);
    query_bind_text(q, slice_text(relay_tls_name(relay->tls)));
    query_bind_text(q, relay->user);
    query_bind_blob(q, relay->sealed);
    query_bind_text(q, relay->outgoing_address);
    query_bind_text(q, relay->return_path_ours ? SLICE("ours") : SLICE("account"));
    bind_limit(q, relay->own.connections_max);
    bind_limit(q, relay->own.messages_per_connection_max);
    bind_limit(q, relay->own.messages_per_minute_max);
    bind_limit(q, relay->own.recipients_per_day_max);
}

int relay_insert(struct store *s, const struct relay *relay)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_ADD);

    bind_account(&q, relay);
    query_bind_int(&q, relay->created_us);
    query_bind_text(&q, relay->why);
    query_bind_text(&q, relay->next_step);
    return query_run(&q);
}

int relay_change(struct store *s, const struct relay *relay)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_CHANGE);

    bind_account(&q, relay);
    query_bind_int(&q, relay->changed_us);
    return query_run(&q);
}

int relay_set_state(struct store *s, const struct relay *relay)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_SET_STATE);

    query_bind_int(&q, relay->id);
    query_bind_text(&q, slice_text(relay_state_name(relay->state)));
    query_bind_int(&q, relay->since_us);
    query_bind_text(&q, relay->why);
    query_bind_text(&q, relay->next_step);
    query_bind_int(&q, relay->failures);
    return query_run(&q);
}

int relay_set_probed(struct store *s, int64_t id, int64_t probed_us, int64_t next_probe_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_SET_PROBED);

    query_bind_int(&q, id);
    if (probed_us)
        query_bind_int(&q, probed_us);
    else
        query_bind_null(&q);
    query_bind_int(&q, next_probe_us);
    return query_run(&q);
}

int relay_remove(struct store *s, int64_t site_id)
{
    static const enum store_statement statements[] = {
        STORE_RELAY_PROBE_REMOVE_OF_SITE,
        STORE_RELAY_USE_REMOVE_OF_SITE,
        STORE_RELAY_REMOVE,
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(statements) && r == 0; i++) {
        CLEANUP(query_done) struct query q = store_query(s, statements[i]);

        query_bind_int(&q, site_id);
        r = query_run(&q);
    }
    return r;
}

static int forget_probes(struct store *s, int64_t relay_id)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_PROBE_FORGET);

    query_bind_int(&q, relay_id);
    query_bind_int(&q, RELAY_PROBES_KEPT);
    return query_run(&q);
}

int relay_probe_add(struct store *s, const struct relay *relay, const struct relay_probe *probe)
{
    int64_t id;
    int r = store_new_id(s, &id);

    if (r == 0) {
        CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_PROBE_ADD);

        query_bind_int(&q, id);
        query_bind_int(&q, relay->id);
        query_bind_int(&q, relay->version);
        query_bind_int(&q, probe->begun_us);
        query_bind_text(&q, probe->occasion);
        query_bind_text(&q, slice_text(relay_finding_name(probe->finding)));
        query_bind_text(&q, slice_text(relay_state_name(probe->state)));
        query_bind_text(&q, probe->why);
        query_bind_text(&q, probe->report);
        r = query_run(&q);
    }
    return r == 0 ? forget_probes(s, relay->id) : r;
}

int relay_probe_list(struct store *s, struct arena *arena, int64_t relay_id,
                     struct relay_probe **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_PROBE_LIST);
    struct relay_probe *probes = ARENA_ARRAY(arena, struct relay_probe, RELAY_PROBES_SHOWN);
    size_t count = 0;
    int r;

    query_bind_int(&q, relay_id);
    query_bind_int(&q, RELAY_PROBES_SHOWN);
    while ((r = query_step(&q)) == 1)
        probes[count++] = (struct relay_probe){
            .begun_us = query_int(&q, 0),
            .occasion = arena_copy(arena, query_text(&q, 1)),
            .finding = relay_finding_parse(query_text(&q, 2)),
            .state = relay_state_parse(query_text(&q, 3)),
            .why = arena_copy(arena, query_text(&q, 4)),
            .report = arena_copy(arena, query_text(&q, 5)),
        };
    if (r < 0)
        return r;
    *ret = probes;
    *ret_count = count;
    return 0;
}

int relay_use_note(struct store *s, int64_t relay_id, const struct relay_use *use)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_USE_NOTE);

    query_bind_int(&q, relay_id);
    query_bind_int(&q, use->gateway);
    query_bind_int(&q, use->version);
    query_bind_int(&q, use->day_us);
    query_bind_int(&q, (int64_t)use->recipients);
    query_bind_int(&q, use->closed_until_us);
    query_bind_text(&q, use->closed_why);
    query_bind_text(&q, use->trouble);
    query_bind_int(&q, use->trouble_since_us);
    return query_run(&q);
}

int relay_use_list(struct store *s, struct arena *arena, int64_t relay_id, struct relay_use **ret,
                   size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_USE_LIST);
    struct relay_use *uses = ARENA_ARRAY(arena, struct relay_use, RELAY_USES_MAX);
    size_t count = 0;
    int r;

    query_bind_int(&q, relay_id);
    while ((r = query_step(&q)) == 1 && count < RELAY_USES_MAX)
        uses[count++] = (struct relay_use){
            .gateway = (unsigned)query_int(&q, 0),
            .version = query_int(&q, 1),
            .day_us = query_int(&q, 2),
            .recipients = (uint64_t)query_int(&q, 3),
            .closed_until_us = query_int(&q, 4),
            .closed_why = arena_copy(arena, query_text(&q, 5)),
            .trouble = arena_copy(arena, query_text(&q, 6)),
            .trouble_since_us = query_int(&q, 7),
        };
    if (r < 0)
        return r;
    *ret = uses;
    *ret_count = count;
    return 0;
}
