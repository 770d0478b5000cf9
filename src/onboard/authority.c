#include "onboard/authority.h"

#include "runtime/stream.h"
#include "runtime/world.h"
#include "site/domain.h"

#include <stdlib.h>

enum { DNS_PORT = 53 };

struct asking {
    const struct authority_options *options;
    struct arena *arena;
    const struct authority_question *questions;
    size_t question_count;
};

/* One server and its task. */
struct server_task {
    struct asking *asking;
    struct authority_server *server;
    struct endpoint addresses[LIMIT_DNS_SERVER_ADDRESSES];
    size_t address_count;
    bool answered[AUTHORITY_QUESTIONS_MAX];
};

/* --- one answer --- */

static void say(struct authority_answer *answer, enum authority_word word, const char *why)
{
    *answer = (struct authority_answer){.word = word, .why = why};
}

static const char *rcode_words(uint8_t rcode)
{
    switch (rcode) {
    case WIRE_DNS_SERVER_FAILURE:
        return "has a fault (SERVFAIL)";
    case WIRE_DNS_REFUSED:
        return "refuses the question (REFUSED)";
    case WIRE_DNS_NOT_IMPLEMENTED:
        return "does not know such questions (NOTIMP)";
    case WIRE_DNS_FORMAT_ERROR:
        return "did not understand the question (FORMERR)";
    default:
        return "gives an answer of an unknown kind";
    }
}

/* Follows the aliases that the message itself has: `name` becomes the last of them. */
static struct slice follow_aliases(const struct wire_dns_message *m, struct slice name,
                                   struct slice *ret_first)
{
    *ret_first = SLICE_NONE;
    for (size_t i = 0; i < m->record_count; i++) { /* in whichever order: once around is enough */
        for (size_t k = 0; k < m->record_count; k++) {
            const struct wire_dns_record *record = &m->records[k];

            if (!record->in_answer || record->type != WIRE_DNS_CNAME || !record->target.size ||
                !slice_equal(record->name, name))
                continue;
            if (!ret_first->size)
                *ret_first = record->target;
            name = record->target;
            break;
        }
    }
    return name;
}

static void read_answer(struct arena *arena, const struct wire_dns_message *m, struct slice name,
                        struct authority_answer *ret)
{
    struct slice owner;

    say(ret, AUTHORITY_ABSENT, NULL);
    owner = follow_aliases(m, name, &ret->alias);
    ret->texts = ARENA_ARRAY(arena, struct slice, m->record_count);
    for (size_t i = 0; i < m->record_count; i++)
        if (m->records[i].in_answer && m->records[i].type == WIRE_DNS_TXT &&
            slice_equal(m->records[i].name, owner))
            ret->texts[ret->count++] = m->records[i].text;
    if (ret->count || ret->alias.size)
        ret->word = AUTHORITY_FOUND;
}

static void judge_answer(struct arena *arena, const struct wire_dns_message *m, struct slice name,
                         struct authority_answer *ret)
{
    if (m->rcode != WIRE_DNS_NO_ERROR && m->rcode != WIRE_DNS_NAME_ERROR)
        say(ret, AUTHORITY_FAULT, rcode_words(m->rcode));
    else if (m->truncated)
        say(ret, AUTHORITY_FAULT, "cuts its answer short");
    else if (!m->authoritative)
        say(ret, AUTHORITY_LAME, "does not serve the domain");
    else
        read_answer(arena, m, name, ret);
}

/* --- one server --- */

static bool all_answered(const struct server_task *s)
{
    for (size_t i = 0; i < s->asking->question_count; i++)
        if (!s->answered[i])
            return false;
    return true;
}

/* RFC 1035 §4.2.2: two bytes with the length before each message. */
static int send_questions(struct task *t, struct server_task *s, struct stream *stream,
                          uint16_t first_id)
{
    CLEANUP(buffer_done) struct buffer all = BUFFER_NONE;
    int r = 0;

    for (size_t i = 0; i < s->asking->question_count && r == 0; i++) {
        const struct authority_question *q = &s->asking->questions[i];
        CLEANUP(buffer_done) struct buffer one = BUFFER_NONE;

        if (s->answered[i])
            continue;
        r = wire_dns_question_write(&one, (uint16_t)(first_id + i), q->name, (uint16_t)q->type);
        buffer_add_u16(&all, (uint16_t)one.size);
        buffer_add(&all, buffer_slice(&one));
    }
    if (r == 0)
        r = stream_write(t, stream, buffer_slice(&all));
    return r == 0 ? stream_flush(t, stream) : r;
}

static int read_frame(struct task *t, struct stream *stream, struct slice *ret)
{
    int r = 0;

    for (;;) {
        struct cursor c = cursor_of(stream_buffered(stream));
        size_t size = cursor_u16(&c);
        struct slice frame = cursor_bytes(&c, size);

        if (!c.failed) {
            *ret = frame;
            return 0;
        }
        r = stream_fill(t, stream, WIRE_DNS_MESSAGE_BYTES_MAX + 2);
        if (r < 0)
            return r;
    }
}

/* An answer that belongs to no question of ours is no reason to trust the next. */
static int take_frame(struct server_task *s, struct slice frame, uint16_t first_id)
{
    struct asking *a = s->asking;
    struct wire_dns_message m;
    int r = wire_dns_message_read(a->arena, frame, &m);
    size_t which = (uint16_t)(m.id - first_id);

    if (r < 0)
        return r;
    if (!m.is_answer || which >= a->question_count || s->answered[which])
        return -EBADMSG;
    if (m.type && (m.type != a->questions[which].type ||
                   !slice_equal_nocase(m.name, a->questions[which].name)))
        return -EBADMSG;
    judge_answer(a->arena, &m, a->questions[which].name, &s->server->answers[which]);
    s->answered[which] = true;
    return 0;
}

/* Some servers close after the first answer: then what is left is asked for anew. *ret_progress:
 * there were answers. */
static int converse(struct task *t, struct server_task *s, const struct endpoint *address,
                    bool *ret_progress)
{
    CLEANUP(stream_free_pointer) struct stream *stream = NULL;
    uint16_t first_id;
    struct slice frame;
    int r = stream_connect(t, NULL, address, &stream);

    world_random(task_world(t), &first_id, sizeof first_id);
    if (r == 0)
        r = send_questions(t, s, stream, first_id);
    while (r == 0 && !all_answered(s)) {
        r = read_frame(t, stream, &frame);
        if (r == 0)
            r = take_frame(s, frame, first_id);
        if (r == 0) {
            stream_consume(stream, frame.size + 2);
            *ret_progress = true;
        }
    }
    return r;
}

static int ask_address(struct task *t, struct server_task *s, const struct endpoint *address)
{
    char text[ENDPOINT_TEXT_BYTES];
    bool progress = true;
    int r = 0;

    if (!s->server->literal.family)
        s->server->address =
            arena_copy(s->asking->arena, slice_text(endpoint_format_address(address, text)));
    while (progress && !all_answered(s)) {
        progress = false;
        r = converse(t, s, address, &progress);
        if (r == -ECANCELED || r == -ETIMEDOUT)
            return r;
    }
    return 0;
}

static uint16_t port_of(const struct authority_options *options)
{
    return options->port ? options->port : DNS_PORT;
}

static int add_addresses(struct task *t, struct server_task *s, enum dns_type type)
{
    const struct authority_options *options = s->asking->options;
    struct dns_answer answer;
    int r = resolver_query(t, s->asking->arena, s->server->name, type, &answer);

    if (r < 0)
        return r == -EINVAL ? 0 : r; /* the NS record names nothing that could be a host */
    for (size_t i = 0; answer.status == DNS_FOUND && i < answer.count &&
                       s->address_count < LIMIT_DNS_SERVER_ADDRESSES;
         i++) {
        struct endpoint address = answer.records[i].address;

        if (!address_policy_allows(&options->policy, &address))
            continue;
        address.port = port_of(options);
        s->addresses[s->address_count++] = address;
    }
    return 0;
}

static int find_addresses(struct task *t, struct server_task *s)
{
    int r;

    if (s->server->literal.family) {
        s->addresses[s->address_count++] = s->server->literal;
        return 0;
    }
    r = add_addresses(t, s, DNS_A);
    return r == 0 ? add_addresses(t, s, DNS_AAAA) : r;
}

static int ask_in_time(struct task *t, struct server_task *s)
{
    int r = find_addresses(t, s);

    for (size_t i = 0; i < s->address_count && r == 0 && !all_answered(s); i++)
        r = ask_address(t, s, &s->addresses[i]);
    return r;
}

static int ask_server(struct task *t, void *argument)
{
    struct server_task *s = argument;
    int r;

    for (size_t i = 0; i < s->asking->question_count; i++)
        say(&s->server->answers[i], AUTHORITY_SILENT, "does not answer");
    {
        CLEANUP(task_deadline_end)
        struct task_deadline limit = task_deadline_after(t, AUTHORITY_SERVER_S * SECOND_US);

        r = ask_in_time(t, s);
    }
    if (s->address_count == 0 && r == 0)
        for (size_t i = 0; i < s->asking->question_count; i++)
            say(&s->server->answers[i], AUTHORITY_SILENT, "has no address that may be asked");
    return task_check(t); /* its own time being over is its own affair */
}

/* --- which servers --- */

/* The stubs of the longest zone that the domain is in. */
static struct slice stub_zone(const struct authority_options *options, struct slice domain)
{
    struct slice best = SLICE_NONE;

    for (size_t i = 0; i < options->stub_count; i++) {
        struct slice zone = options->stubs[i].zone;
        size_t above = domain.size - zone.size;

        if (slice_ends_nocase(domain, zone) && zone.size > best.size &&
            (above == 0 || domain.data[above - 1] == '.'))
            best = zone;
    }
    return best;
}

static void add_stubs(const struct authority_options *options, struct arena *arena,
                      struct slice zone, struct authority_look *look)
{
    look->count = 0;
    look->trouble = SLICE_NONE;
    if (!look->zone.size)
        look->zone = zone;
    for (size_t i = 0; i < options->stub_count && look->count < LIMIT_DNS_SERVERS; i++) {
        const struct authority_stub *stub = &options->stubs[i];
        char text[ENDPOINT_TEXT_BYTES];

        if (!slice_equal_nocase(stub->zone, zone))
            continue;
        look->list[look->count++] = (struct authority_server){
            .name = arena_copy(arena, slice_text(endpoint_format(&stub->address, text))),
            .literal = stub->address,
        };
    }
}

static int compare_names(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* All of them for the look's `servers`; the first of these in their order are asked. */
static void add_servers(struct arena *arena, const struct dns_answer *found,
                        struct authority_look *look)
{
    CLEANUP(buffer_done) struct buffer all = BUFFER_NONE;
    struct slice *names = ARENA_ARRAY(arena, struct slice, found->count);

    for (size_t i = 0; i < found->count; i++)
        names[i] = found->records[i].name;
    qsort(names, found->count, sizeof names[0], compare_names);
    for (size_t i = 0; i < found->count; i++) {
        buffer_printf(&all, "%s%.*s", i ? " " : "", SLICE_ARG(names[i]));
        if (look->count < LIMIT_DNS_SERVERS)
            look->list[look->count++].name = names[i];
    }
    look->servers = arena_copy(arena, buffer_slice(&all));
}

static int find_primary(struct task *t, struct arena *arena, struct authority_look *look)
{
    struct dns_answer answer;
    int r = resolver_query(t, arena, look->zone, DNS_SOA, &answer);

    if (r == 0 && answer.status == DNS_FOUND)
        look->primary = answer.records[0].name;
    return r;
}

static void note_trouble(struct arena *arena, const struct dns_answer *answer,
                         struct authority_look *look)
{
    look->trouble =
        arena_printf(arena, "Its name servers could not be found: %.*s", SLICE_ARG(answer->why));
}

/* From the name upwards, the first that has name servers. An answer that proves nothing ends the
 * search: what is above would say nothing about the domain. */
static int find_zone(struct task *t, struct arena *arena, struct slice domain,
                     struct authority_look *look, struct dns_answer *ret)
{
    struct slice name = arena_printf(arena, "_domainkey.%.*s", SLICE_ARG(domain)), label;
    bool missing = false;

    for (int i = 0; i < LIMIT_DNS_ZONE_DEPTH && name.size; i++) {
        int r = resolver_query(t, arena, name, DNS_NS, ret);

        if (r < 0)
            return r;
        if (ret->status == DNS_TEMPORARY || ret->status == DNS_BOGUS) {
            note_trouble(arena, ret, look);
            return 0;
        }
        missing |= ret->status == DNS_NO_NAME && slice_equal(name, domain);
        if (ret->status == DNS_FOUND && slice_equal(ret->canonical, name)) {
            look->zone = name;
            look->domain_missing = missing && site_domain_is_public_suffix(arena, name);
            return find_primary(t, arena, look);
        }
        slice_cut(&name, '.', &label);
    }
    look->trouble = SLICE("No name servers are known for it or any domain above it.");
    return 0;
}

int authority_find(struct task *t, const struct authority_options *options, struct arena *arena,
                   struct slice domain, struct authority_look *ret)
{
    struct authority_look look = {
        .list = ARENA_ARRAY(arena, struct authority_server, LIMIT_DNS_SERVERS)};
    struct slice stub = stub_zone(options, domain);
    struct dns_answer found;
    int r = find_zone(t, arena, domain, &look, &found);

    if (r < 0)
        return r;
    if (look.zone.size)
        add_servers(arena, &found, &look);
    if (stub.size)
        add_stubs(options, arena, stub, &look);
    *ret = look;
    return 0;
}

int authority_ask(struct task *t, const struct authority_options *options, struct arena *arena,
                  const struct authority_question *questions, size_t count,
                  struct authority_look *look)
{
    struct asking asking = {options, arena, questions, count};
    struct server_task *tasks = ARENA_ARRAY(arena, struct server_task, look->count);
    struct scope scope;
    int r = 0;

    assert(count <= AUTHORITY_QUESTIONS_MAX);
    scope_open(&scope, t);
    for (size_t i = 0; i < look->count && r == 0; i++) {
        tasks[i] = (struct server_task){.asking = &asking, .server = &look->list[i]};
        r = scope_spawn(&scope, "name server", ask_server, &tasks[i]);
    }
    if (r == 0)
        r = scope_wait(t, &scope);
    scope_close(&scope);
    return r;
}

/* --- what they say together --- */

bool authority_has(const struct authority_answer *answer, const struct record_expected *expected)
{
    if (answer->word != AUTHORITY_FOUND)
        return false;
    if (expected->alias.size)
        return slice_equal_nocase(answer->alias, expected->alias);
    for (size_t i = 0; i < answer->count; i++)
        if (record_text_is(expected, answer->texts[i]))
            return true;
    return false;
}

enum identity_authority authority_conclude(const struct authority_look *look,
                                           const struct record_expected *expected, size_t count)
{
    size_t gone = 0;

    for (size_t s = 0; s < look->count; s++) {
        size_t without = 0;

        for (size_t i = 0; i < count; i++) {
            const struct authority_answer *answer = &look->list[s].answers[i];

            if (authority_has(answer, &expected[i]))
                return IDENTITY_AUTHORITY_THERE;
            without += answer->word >= AUTHORITY_ABSENT;
        }
        gone += without == count;
    }
    return gone > 0 && 2 * gone >= look->count ? IDENTITY_AUTHORITY_GONE
                                               : IDENTITY_AUTHORITY_UNPROVEN;
}
