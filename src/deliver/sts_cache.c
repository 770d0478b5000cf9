#include "deliver/sts_cache.h"

#include "base/list.h"
#include "base/table.h"
#include "runtime/resolver.h"
#include "wire/dns_text.h"

#include <stdio.h>
#include <stdlib.h>

static const uint64_t ANSWER_US = 8 * SECOND_US; /* so long mail waits for the steward */
static const uint64_t LATE_US = 30 * SECOND_US;  /* and when it was late, it is not asked again */
static const uint64_t SILENT_US = 5 * SECOND_US;
static const uint64_t AGAIN_US = 3600 * SECOND_US;

struct entry {
    struct table_item item;
    struct list link; /* cache->ages, the one not used for longest first */
    char *domain;
    char asked_id[WIRE_MTA_STS_ID_BYTES + 1]; /* the question's id */
    struct buffer answer;                     /* its body; empty: never answered */
    uint64_t again_us;                        /* asked again after this */
    uint64_t expires_us;                      /* of a policy */
    bool asking;
    size_t users; /* tasks that hold it */
    struct condition answered;
};

struct sts_cache {
    struct sts_cache_options options;
    struct table table;
    struct list ages;
    size_t bytes;
    uint64_t silent_until_us; /* the steward does not even answer what takes no fetching */
};

struct sts_cache *sts_cache_new(const struct sts_cache_options *options)
{
    struct sts_cache *c = base_allocate(sizeof *c);

    c->options = *options;
    list_init(&c->ages);
    return c;
}

static void forget(struct sts_cache *c, struct entry *e)
{
    assert(e->users == 0);
    c->bytes -= e->answer.size;
    table_remove(&c->table, &e->item);
    list_remove(&e->link);
    buffer_done(&e->answer);
    free(e->domain);
    free(e);
}

void sts_cache_free(struct sts_cache *c)
{
    if (!c)
        return;
    while (!list_empty(&c->ages))
        forget(c, LIST_FIRST(&c->ages, struct entry, link));
    table_done(&c->table);
    free(c);
}

/* Makes room, of those that nobody holds. */
static void trim(struct sts_cache *c)
{
    LIST_FOREACH_SAFE (link, &c->ages) {
        struct entry *e = LIST_ENTRY(link, struct entry, link);

        if (c->table.count <= c->options.domains_max && c->bytes <= c->options.bytes_max)
            return;
        if (e->users == 0)
            forget(c, e);
    }
}

static struct entry *get(struct sts_cache *c, struct slice domain)
{
    uint64_t hash = table_hash(domain);
    struct entry *e;

    for (struct table_item *i = table_find(&c->table, hash); i; i = table_find_more(i)) {
        e = CONTAINER_OF(i, struct entry, item);
        if (slice_equal(slice_text(e->domain), domain)) {
            list_remove(&e->link);
            list_add_last(&c->ages, &e->link);
            return e;
        }
    }
    e = base_allocate(sizeof *e);
    e->domain = slice_duplicate(domain);
    table_add(&c->table, &e->item, hash);
    list_add_last(&c->ages, &e->link);
    return e;
}

/* The id that the domain publishes; empty for all cases in which that says nothing. */
static int find_id(struct task *t, struct arena *arena, struct slice domain, struct slice *ret)
{
    struct slice name = arena_printf(arena, "_mta-sts.%.*s", SLICE_ARG(domain));
    struct wire_mta_sts_records records = {.count = 0};
    struct dns_answer answer;
    int r = resolver_query(t, arena, name, DNS_TXT, &answer);

    *ret = SLICE_NONE;
    if (r == -EINVAL)
        return 0;
    if (r < 0 || answer.status != DNS_FOUND)
        return r;
    for (size_t i = 0; i < answer.count; i++)
        wire_mta_sts_records_add(&records, answer.records[i].text);
    if (wire_mta_sts_records_id(&records, ret) < 0)
        *ret = SLICE_NONE;
    return 0;
}

/* No record takes nothing away, so only a new id is news. */
static bool is_current(const struct entry *e, struct slice id, uint64_t now_us)
{
    return now_us < e->again_us && (id.size == 0 || slice_equal(id, slice_text(e->asked_id)));
}

/* Without a record there is nothing to fetch: a steward that is late with that has other troubles,
 * and mail to all the world is not to wait for it in turn. One that is late with a fetch is not. */
static bool in_vain(const struct sts_cache *c, struct slice id, uint64_t now_us)
{
    return id.size == 0 && now_us < c->silent_until_us;
}

static void keep(struct sts_cache *c, struct entry *e, struct slice body, uint64_t now_us)
{
    struct sts_answer answer;
    uint64_t lifetime_us;

    if (sts_answer_read(body, &answer) < 0) {
        e->again_us = now_us + LATE_US;
        return;
    }
    c->bytes -= e->answer.size;
    e->answer.size = 0;
    buffer_add(&e->answer, body);
    c->bytes += e->answer.size;
    lifetime_us = answer.lifetime_s * SECOND_US;
    e->expires_us = now_us + answer.policy.max_age_s * SECOND_US;
    e->again_us = now_us + (lifetime_us < AGAIN_US ? lifetime_us : AGAIN_US);
}

static int ask(struct task *t, struct sts_cache *c, struct entry *e, struct slice id)
{
    CLEANUP(buffer_done) struct buffer question = BUFFER_NONE, answer = BUFFER_NONE;
    int r;

    e->asking = true;
    snprintf(e->asked_id, sizeof e->asked_id, "%.*s", SLICE_ARG(id));
    sts_question_write(&question, &(struct sts_question){slice_text(e->domain), id});
    {
        CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, ANSWER_US);

        r = c->options.ask(t, c->options.context, buffer_slice(&question), &answer);
    }
    if (r == 0)
        keep(c, e, buffer_slice(&answer), task_now_us(t));
    else
        e->again_us = task_now_us(t) + LATE_US;
    if (id.size == 0)
        c->silent_until_us = r < 0 ? task_now_us(t) + SILENT_US : 0;
    e->asking = false;
    condition_broadcast(&e->answered);
    return task_check(t);
}

/* Somebody else has asked: his answer will do. */
static int wait_for_answer(struct task *t, struct entry *e)
{
    uint64_t until_us = task_now_us(t) + ANSWER_US;
    int r = 0;

    while (r == 0 && e->asking && task_now_us(t) < until_us)
        r = condition_wait_for(t, &e->answered, until_us - task_now_us(t));
    return r;
}

static void read_known(const struct entry *e, struct arena *arena, uint64_t now_us,
                       struct sts_known *ret)
{
    struct slice body = arena_copy(arena, buffer_slice(&e->answer));
    struct sts_answer answer;

    *ret = (struct sts_known){.has_policy = false};
    if (body.size == 0 || sts_answer_read(body, &answer) < 0)
        return;
    if (answer.state == STS_POLICY && now_us < e->expires_us) {
        ret->has_policy = true;
        ret->policy = answer.policy;
    } else if (answer.state == STS_FAILED) {
        ret->failure = answer.failure;
        ret->why = answer.why;
    }
}

int sts_cache_ask(struct task *t, struct sts_cache *c, struct arena *arena, struct slice domain,
                  struct sts_known *ret)
{
    struct entry *e;
    struct slice id;
    int r;

    *ret = (struct sts_known){.has_policy = false};
    if (!wire_dns_host_valid(domain)) /* nobody can publish a policy for it */
        return 0;
    r = find_id(t, arena, domain, &id);
    if (r < 0)
        return r;
    e = get(c, domain);
    e->users++;
    if (!is_current(e, id, task_now_us(t)) && !in_vain(c, id, task_now_us(t)))
        r = e->asking ? wait_for_answer(t, e) : ask(t, c, e, id);
    if (r == 0)
        read_known(e, arena, task_now_us(t), ret);
    e->users--;
    trim(c);
    return r;
}
