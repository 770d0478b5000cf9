/* identities: the life of one identity in simulated worlds. Its client installs records, breaks
 * them, takes them away and restores them; its name servers fail, fall silent, serve nothing; the
 * resolver fails or lies; connections break. The check on trial is the real one
 * (onboard/check.h), by its own times.
 *
 *   identities --seeds N | --seed N [--verbose]
 *
 * The judge knows what the zone truly had at each moment, and demands: whoever is verified stays so
 * while the zone is whole, whatever else happens; sending stops only when all records were gone at
 * two moments far enough apart, or some for as long as the grace; and when the faults end, what is
 * gone for good stops and what is back goes on. */
#include "base/log.h"
#include "onboard/check.h"
#include "runtime/listener.h"
#include "runtime/loop.h"
#include "site/identity.h"
#include "site/pusher.h"
#include "site/site.h"
#include "wire/dkim_key.h"
#include "wire/dns_text.h"
#include "world_sim.h"

#include <stdio.h>
#include <stdlib.h>

#define DOMAIN "client.example"
#define S_US ((int64_t)SECOND_US)

enum {
    SERVERS = 3,
    ACTS = 14, /* of the client, before all is calm */
    PAUSE_S = 6 * 3600 /* at most, between two */,
    CALM_S = 5 * 3600, /* enough for every schedule to come round */
    WINDOW_S = 100,    /* that one check takes at most */
    GRACE_S = 4 * 3600,
    REVOKE_S = 600,
};

enum habit { SERVES, FAILS, SILENT, LAME, HABITS };
enum mood { WELL, TROUBLED, DEAD, LYING, MOODS }; /* of the resolver */

struct run {
    struct sim_world *w;
    struct chance *chance;
    struct onboard_service service;
    struct peer_group no_gateways;
    struct endpoint at[SERVERS];
    int sockets[SERVERS];
    enum habit habits[SERVERS];
    enum mood mood;
    char names[IDENTITY_KEYS][100]; /* of the records */
    char texts[IDENTITY_KEYS][100];
    bool there[IDENTITY_KEYS], foreign[IDENTITY_KEYS];
    int64_t empty_us, broken_us; /* since the last SUCCESS: first moment with no, not all records */
    enum identity_state state;
    unsigned checks, revocations, returns;
    bool ending;
    char problem[300];
};

/* --- the truth --- */

static size_t count_there(const struct run *run)
{
    size_t count = 0;

    for (size_t i = 0; i < IDENTITY_KEYS; i++)
        count += run->there[i] && !run->foreign[i];
    return count;
}

static void note_truth(struct run *run, int64_t now_us)
{
    size_t count = count_there(run);

    if (count == 0 && run->empty_us == 0)
        run->empty_us = now_us;
    if (count < IDENTITY_KEYS && run->broken_us == 0)
        run->broken_us = now_us;
}

static void set_records(struct run *run, int64_t now_us, unsigned there, unsigned foreign)
{
    for (size_t i = 0; i < IDENTITY_KEYS; i++) {
        run->there[i] = there >> i & 1;
        run->foreign[i] = foreign >> i & 1;
    }
    sim_trace(run->w, "client: records %x, foreign %x", there, foreign);
    note_truth(run, now_us);
}

/* The text at a name; empty: none. */
static struct slice text_at(const struct run *run, struct slice name)
{
    for (size_t i = 0; i < IDENTITY_KEYS; i++)
        if (slice_equal(name, slice_text(run->names[i])) && run->there[i])
            return run->foreign[i] ? SLICE("v=spf1 -all") : slice_text(run->texts[i]);
    return SLICE_NONE;
}

/* --- the resolver --- */

static void answer_found(struct world_query *query, struct slice name, struct slice text,
                         const struct endpoint *address)
{
    struct dns_record *record = ARENA_NEW(query->arena, struct dns_record);

    record->name = name;
    record->text = text;
    if (address)
        record->address = *address;
    query->answer.status = DNS_FOUND;
    query->answer.records = record;
    query->answer.count = 1;
}

static void answer_servers(struct world_query *query)
{
    struct dns_answer *answer = &query->answer;

    answer->status = DNS_FOUND;
    answer->records = ARENA_ARRAY(query->arena, struct dns_record, SERVERS);
    for (answer->count = 0; answer->count < SERVERS; answer->count++)
        answer->records[answer->count].name =
            arena_printf(query->arena, "ns%zu." DOMAIN, answer->count);
}

static void answer_truly(struct run *run, struct world_query *query)
{
    struct slice name = slice_text(query->name);
    struct slice text = query->type == DNS_TXT ? text_at(run, name) : SLICE_NONE;
    bool apex = slice_equal(name, SLICE(DOMAIN));

    query->answer = (struct dns_answer){.status = apex ? DNS_NO_DATA : DNS_NO_NAME};
    query->answer.canonical = arena_copy(query->arena, name);
    if (text.size)
        answer_found(query, SLICE_NONE, text, NULL);
    else if (apex && query->type == DNS_NS)
        answer_servers(query);
    else if (apex && query->type == DNS_SOA)
        answer_found(query, SLICE("ns0." DOMAIN), SLICE_NONE, NULL);
    else if (query->type == DNS_A && slice_starts(name, SLICE("ns")))
        answer_found(query, SLICE_NONE, SLICE_NONE, &run->at[name.data[2] - '0']);
}

static void resolve(void *context, struct world_query *query, uint64_t *ret_delay_us)
{
    struct run *run = context;
    bool dead = run->mood == DEAD || (run->mood == TROUBLED && chance_ppm(run->chance, 400000));

    *ret_delay_us = chance_skewed(run->chance, 3 * SECOND_US);
    answer_truly(run, query);
    if (dead)
        query->answer = (struct dns_answer){.status = DNS_TEMPORARY, .why = SLICE("SERVFAIL")};
    else if (run->mood == LYING && query->type == DNS_TXT && chance_ppm(run->chance, 700000))
        query->answer.status = DNS_NO_NAME;
}

static void never_crashes(void *context)
{
    (void)context;
}

/* --- the name servers --- */

static void write_answer(struct run *run, size_t which, const struct wire_dns_message *m,
                         struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer rdata = BUFFER_NONE;
    enum habit habit = run->habits[which];
    struct slice text = habit == SERVES ? text_at(run, m->name) : SLICE_NONE;
    unsigned flags = 0x8000 | (habit == LAME ? 0 : 0x0400) | (habit == FAILS ? 2 : 0);
    int r = wire_dns_question_write(out, m->id, m->name, m->type);

    assert(r == 0);
    out->data[2] = (char)(flags >> 8);
    out->data[3] = (char)flags;
    if (!text.size)
        return;
    out->data[7] = 1;
    wire_dns_text_encode(&rdata, text);
    buffer_add_u16(out, 0xc00c);
    buffer_add_u16(out, WIRE_DNS_TXT);
    buffer_add_u16(out, 1);
    buffer_add_u32(out, 60);
    buffer_add_u16(out, (uint16_t)rdata.size);
    buffer_add(out, buffer_slice(&rdata));
}

static int answer_questions(struct task *t, struct run *run, size_t which, struct stream *s)
{
    int r = 0;

    while (r == 0) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        CLEANUP(buffer_done) struct buffer answer = BUFFER_NONE, frame = BUFFER_NONE;
        struct cursor c = cursor_of(stream_buffered(s));
        struct slice bytes = cursor_bytes(&c, cursor_u16(&c));
        struct wire_dns_message m;

        if (c.failed || run->habits[which] == SILENT) {
            r = stream_fill(t, s, 65537);
            continue;
        }
        r = wire_dns_message_read(&arena, bytes, &m);
        if (r < 0)
            return r;
        write_answer(run, which, &m, &answer);
        stream_consume(s, bytes.size + 2);
        buffer_add_u16(&frame, (uint16_t)answer.size);
        buffer_add(&frame, buffer_slice(&answer));
        r = stream_write(t, s, buffer_slice(&frame));
        if (r == 0)
            r = stream_flush(t, s);
    }
    return r;
}

struct server {
    struct run *run;
    size_t which;
};

static int serve(struct task *t, void *argument)
{
    struct server *server = argument;
    CLEANUP(listener_free_pointer) struct listener *listener = NULL;
    struct stream *s;
    int r = listener_new(t, server->run->sockets[server->which], &listener);

    while (r == 0 && (r = listener_accept(t, listener, &s)) == 0) {
        CLEANUP(task_deadline_end)
        struct task_deadline limit = task_deadline_after(t, 20 * SECOND_US);

        if (answer_questions(t, server->run, server->which, s) == -ECANCELED)
            r = -ECANCELED;
        stream_free(s);
    }
    return r == -ECANCELED ? 0 : r;
}

/* --- what goes wrong, and what the client does --- */

static void break_things(struct run *run)
{
    struct sim_faults *faults = sim_world_faults(run->w);

    *faults = (struct sim_faults){.latency_most_us = 300000};
    run->mood = (enum mood)chance_below(run->chance, MOODS);
    for (size_t i = 0; i < SERVERS; i++)
        run->habits[i] =
            run->mood == LYING ? SERVES : (enum habit)chance_below(run->chance, HABITS);
    if (run->mood == LYING)
        return; /* a resolver that lies is found out by servers that can be reached */
    faults->short_read = faults->short_write = 100000;
    faults->reset = chance_ppm(run->chance, 500000) ? 100000 : 0;
    faults->half_open = chance_ppm(run->chance, 300000) ? 50000 : 0;
    faults->refused = chance_ppm(run->chance, 300000) ? 300000 : 0;
}

static void mend_things(struct run *run)
{
    *sim_world_faults(run->w) = (struct sim_faults){.latency_most_us = 300000};
    run->mood = WELL;
    for (size_t i = 0; i < SERVERS; i++)
        run->habits[i] = SERVES;
}

static int act(struct task *t, struct run *run)
{
    static const unsigned there[] = {7, 7, 0, 0, 3, 6, 7, 7};
    static const unsigned foreign[] = {0, 0, 0, 0, 0, 0, 1, 7};
    unsigned which = (unsigned)chance_below(run->chance, ARRAY_LEN(there));

    if (chance_ppm(run->chance, 600000))
        break_things(run);
    else
        mend_things(run);
    set_records(run, task_wall_us(t), there[which], foreign[which]);
    return task_sleep(t, chance_ppm(run->chance, 500000)
                             ? chance_skewed(run->chance, PAUSE_S * SECOND_US) + SECOND_US
                             : chance_between(run->chance, SECOND_US, PAUSE_S * SECOND_US));
}

/* --- the judge --- */

static void complain(struct run *run, const char *what)
{
    if (run->problem[0] == 0)
        snprintf(run->problem, sizeof run->problem, "%s (check %u)", what, run->checks);
}

static void judge_stop(struct run *run, int64_t now_us)
{
    bool revoked = run->empty_us && now_us - run->empty_us >= (REVOKE_S - WINDOW_S) * S_US;
    bool overdue = run->broken_us && now_us - run->broken_us >= (GRACE_S - WINDOW_S) * S_US;

    run->revocations++;
    if (!revoked && !overdue)
        complain(run, "sending stopped, and the records were not gone for long enough");
}

static void judge(struct run *run, enum identity_state before, enum identity_state after,
                  int64_t now_us)
{
    if (identity_sends(before) && !identity_sends(after))
        judge_stop(run, now_us);
    if (before == IDENTITY_SUCCESS && after != IDENTITY_SUCCESS && run->broken_us == 0)
        complain(run, "a verified identity changed its state while its zone was whole");
    run->returns += before == IDENTITY_FAILED && after == IDENTITY_SUCCESS;
    if (after != IDENTITY_SUCCESS)
        return;
    run->empty_us = run->broken_us = 0;
    note_truth(run, now_us - WINDOW_S * S_US); /* it may have changed while it was looked at */
}

static int read_state(struct run *run, enum identity_state *ret_state, int64_t *ret_next_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct identity identity;
    int r = identity_find(run->service.store, &arena, 1, &identity);

    if (r == 0)
        r = identity_state_parse(identity.state, ret_state);
    if (r == 0)
        *ret_next_us = identity.next_check_us;
    return r;
}

static int keep_checking(struct task *t, void *argument)
{
    struct run *run = argument;
    enum identity_state before, after;
    int64_t next_us = 0, now_us;
    int r = read_state(run, &before, &next_us);

    while (r == 0 && !run->ending) {
        now_us = task_wall_us(t);
        if (next_us > now_us)
            r = task_sleep(t, (uint64_t)(next_us - now_us));
        if (r == 0)
            r = onboard_check(t, &run->service, 1, false);
        if (r == 0)
            r = read_state(run, &after, &next_us);
        if (r < 0)
            break;
        run->checks++;
        sim_trace(run->w, "check %u: %s", run->checks, identity_state_name(after));
        judge(run, before, after, task_wall_us(t));
        run->state = before = after;
    }
    return r;
}

/* --- a run --- */

static void make_key(struct arena *arena, struct run *run, struct identity *identity, size_t i)
{
    struct identity_key *key = &identity->keys[i];
    char *public_key = arena_allocate(arena, 32);

    memset(public_key, (int)i + 1, 32);
    *key = (struct identity_key){
        .id = 10 + (int64_t)i,
        .slot = slice_text(identity_slots[i]),
        .selector = arena_printf(arena, "s%zu", i),
        .algorithm = KEY_ED25519_SHA256,
        .sealed = SLICE("sealed"),
        .origin = SLICE("made"),
        .public_key = slice_of(public_key, 32),
    };
    snprintf(run->names[i], sizeof run->names[i], "s%zu._domainkey." DOMAIN, i);
}

static int add_identity(struct run *run, int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct site site = {
        .id = 1, .name = SLICE("client"), .method = SITE_METHOD_DKIM, .created_us = now_us};
    struct identity identity = {.id = 1,
                                .site_id = 1,
                                .domain = SLICE(DOMAIN),
                                .created_us = now_us,
                                .key_count = IDENTITY_KEYS};
    struct slice text;
    int r = site_insert(run->service.store, &site);

    for (size_t i = 0; i < IDENTITY_KEYS && r == 0; i++) {
        make_key(&arena, run, &identity, i);
        r = identity_record_text(&arena, &identity.keys[i], &text);
        if (r == 0)
            snprintf(run->texts[i], sizeof run->texts[i], "%.*s", SLICE_ARG(text));
    }
    return r == 0 ? identity_insert(run->service.store, &identity) : r;
}

static int live(struct task *t, struct run *run)
{
    bool whole;
    int r = 0;

    for (unsigned i = 0; i < ACTS && r == 0; i++)
        r = act(t, run);
    if (r < 0)
        return r;
    mend_things(run);
    whole = chance_ppm(run->chance, 500000);
    set_records(run, task_wall_us(t), whole ? 7 : 0, 0);
    r = task_sleep(t, CALM_S * SECOND_US);
    if (r == 0 && run->state != (whole ? IDENTITY_SUCCESS : IDENTITY_FAILED) &&
        (whole || identity_sends(run->state)))
        complain(run, whole ? "all is well, and it is not verified"
                            : "all records are gone, and it still sends");
    run->ending = true;
    return r;
}

static int run_main(struct task *t, void *argument)
{
    struct run *run = argument;
    struct server servers[SERVERS];
    struct scope scope;
    int r;

    scope_open(&scope, t);
    r = site_pusher_new(&scope, run->service.store, &run->no_gateways, &run->service.pusher);
    if (r == 0)
        r = add_identity(run, task_wall_us(t));
    for (size_t i = 0; i < SERVERS && r == 0; i++) {
        servers[i] = (struct server){run, i};
        r = scope_spawn(&scope, "name server", serve, &servers[i]);
    }
    set_records(run, task_wall_us(t), 7, 0);
    if (r == 0)
        r = scope_spawn(&scope, "checks", keep_checking, run);
    if (r == 0)
        r = live(t, run);
    scope_close(&scope);
    if (r == 0 && scope.first_error < 0)
        r = scope.first_error;
    site_pusher_free(run->service.pusher);
    return r;
}

static void open_run(struct run *run, uint64_t seed, bool verbose)
{
    const struct sim_world_options options = {.seed = seed,
                                              .verbose = verbose,
                                              .resolve = resolve,
                                              .crashed = never_crashes,
                                              .context = run};
    const struct store_options store = {.path = ":memory:", .schema = STORE_CONTROL};
    char *problem = NULL;
    int r;

    *run = (struct run){.w = sim_world_new(&options)};
    run->chance = sim_world_chance(run->w);
    mend_things(run);
    for (size_t i = 0; i < SERVERS; i++) {
        run->at[i] = (struct endpoint){4, {93, 184, 0, (uint8_t)(10 + i)}, 53};
        run->sockets[i] = sim_world_listen(run->w, &run->at[i], false);
    }
    r = store_open(&store, &run->service.store, &problem);
    assert(r == 0);
    run->service.times = (struct identity_times){30 * 86400, GRACE_S, REVOKE_S};
    run->service.bounce_domain = SLICE("bounce.letterhead.example");
}

static bool run_seed(uint64_t seed, bool verbose, struct run *sum)
{
    struct run run;
    int r;

    open_run(&run, seed, verbose);
    r = loop_run(sim_world_base(run.w), run_main, &run);
    if (r < 0)
        complain(&run, strerror(-r));
    store_close(run.service.store);
    sim_world_free(run.w);
    sum->checks += run.checks;
    sum->revocations += run.revocations;
    sum->returns += run.returns;
    if (run.problem[0])
        printf("seed %llu: %s\nreplay: identities --seed %llu --verbose\n",
               (unsigned long long)seed, run.problem, (unsigned long long)seed);
    return run.problem[0] == 0;
}

int main(int argc, char **argv)
{
    bool one = argc > 2 && strcmp(argv[1], "--seed") == 0, verbose = argc > 3;
    uint64_t number = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, from = one ? number : 1;
    struct run sum = {.checks = 0};

    if (number == 0) {
        fprintf(stderr, "usage: identities --seeds N | --seed N [--verbose]\n");
        return 2;
    }
    log_init("identities", verbose ? LOG_DEBUG : LOG_SILENT);
    for (uint64_t seed = from; seed < from + (one ? 1 : number); seed++)
        if (!run_seed(seed, verbose, &sum))
            return EXIT_FAILURE;
    printf("%llu seeds hold: %u checks, stopped %u times, %u times back by itself\n",
           (unsigned long long)(one ? 1 : number), sum.checks, sum.revocations, sum.returns);
    return EXIT_SUCCESS;
}
