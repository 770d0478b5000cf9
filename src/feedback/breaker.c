#include "feedback/breaker.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/table.h"

#include <stdlib.h>

enum { SPOOLS_MAX = 64 };
static const int64_t HOUR_US = 3600 * (int64_t)1000000;

struct domain {
    struct table_item item;
    struct list link; /* in breaker->domains: the one that was not met for longest is the first */
    int64_t hour;     /* that index 0 of the counts is for */
    uint64_t sent[2], unknown[2];
    uint64_t past_sent, past_unknown;
    bool changed;
    size_t name_size;
    char name[];
};

struct counted {
    uint64_t spool_id, sequence;
};

struct breaker {
    struct table table;
    struct list domains;
    struct counted spools[SPOOLS_MAX];
    size_t next_spool; /* the place that is given away next */
};

struct breaker *breaker_new(void)
{
    struct breaker *b = base_allocate(sizeof *b);

    list_init(&b->domains);
    return b;
}

static void domain_free(struct breaker *b, struct domain *d)
{
    table_remove(&b->table, &d->item);
    list_remove(&d->link);
    free(d);
}

void breaker_free(struct breaker *b)
{
    if (!b)
        return;
    LIST_FOREACH_SAFE (link, &b->domains)
        domain_free(b, LIST_ENTRY(link, struct domain, link));
    table_done(&b->table);
    free(b);
}

static struct domain *find(const struct breaker *b, struct slice name, uint64_t hash)
{
    struct table_item *item = table_find(&b->table, hash);

    for (; item; item = table_find_more(item)) {
        struct domain *d = CONTAINER_OF(item, struct domain, item);

        if (slice_equal(slice_of(d->name, d->name_size), name))
            return d;
    }
    return NULL;
}

static struct domain *need(struct breaker *b, struct slice name)
{
    uint64_t hash = table_hash(name);
    struct domain *d = find(b, name, hash);

    if (d) {
        list_remove(&d->link);
    } else {
        if (b->table.count >= LIMIT_BREAKER_DOMAINS)
            domain_free(b, LIST_FIRST(&b->domains, struct domain, link));
        d = base_allocate(sizeof *d + name.size);
        d->name_size = name.size;
        memcpy(d->name, name.data, name.size);
        table_add(&b->table, &d->item, hash);
    }
    list_add_last(&b->domains, &d->link);
    return d;
}

static uint64_t fade(uint64_t count, int64_t hours)
{
    return hours >= BREAKER_HOURS_KEPT ? 0 : count - count * (uint64_t)hours / BREAKER_HOURS_KEPT;
}

/* An event that comes late counts for the hour at hand. What is remembered from before a restart
 * has no hour, and does not fade for the time away. */
static void roll(struct domain *d, int64_t hour)
{
    int64_t gap = hour - d->hour;
    bool next = gap == 1; /* the hour at hand becomes the one before */

    if (gap <= 0)
        return;
    d->past_sent =
        fade(d->past_sent, d->hour ? gap : 0) + fade(d->sent[1] + (next ? 0 : d->sent[0]), gap - 1);
    d->past_unknown = fade(d->past_unknown, d->hour ? gap : 0) +
                      fade(d->unknown[1] + (next ? 0 : d->unknown[0]), gap - 1);
    d->sent[1] = next ? d->sent[0] : 0;
    d->unknown[1] = next ? d->unknown[0] : 0;
    d->sent[0] = d->unknown[0] = 0;
    d->hour = hour;
}

static struct domain *domain_at(struct breaker *b, struct slice name, int64_t time_us)
{
    struct domain *d = need(b, name);

    roll(d, time_us / HOUR_US);
    d->changed = true;
    return d;
}

/* The place of the spool's last event that was counted. */
static uint64_t *counted_of(struct breaker *b, uint64_t spool_id)
{
    struct counted *place;

    for (size_t i = 0; i < SPOOLS_MAX; i++)
        if (b->spools[i].spool_id == spool_id)
            return &b->spools[i].sequence;
    place = &b->spools[b->next_spool++ % SPOOLS_MAX];
    *place = (struct counted){spool_id, 0};
    return &place->sequence;
}

static void note_accepted(struct breaker *b, const struct queue_event *event)
{
    struct slice addresses = event->accepted.addresses, address;

    while (queue_event_address(&addresses, &address)) {
        size_t at = (size_t)(slice_find_last(address, '@') + 1);

        domain_at(b, slice_part(address, at, address.size), event->time_us)->sent[0]++;
    }
}

void breaker_note_sent(struct breaker *b, uint64_t spool_id, struct cursor events)
{
    uint64_t *counted = counted_of(b, spool_id);
    struct queue_event event;

    while (events.rest.size && queue_event_read(&events, &event) == 0) {
        if (event.sequence <= *counted)
            continue;
        *counted = event.sequence;
        if (event.type == QUEUE_EVENT_ACCEPTED)
            note_accepted(b, &event);
    }
}

static bool trips(const struct breaker_counts *c)
{
    uint64_t sent = c->sent > c->unknown ? c->sent : c->unknown;

    return c->unknown >= BREAKER_UNKNOWN_MIN && c->unknown * 100 >= sent * BREAKER_PERCENT_MIN &&
           c->past_sent >= BREAKER_PAST_SENT_MIN &&
           c->past_unknown * 100 <= c->past_sent * BREAKER_PAST_PERCENT_MAX;
}

bool breaker_note_unknown(struct breaker *b, struct slice domain, int64_t time_us,
                          struct breaker_counts *ret)
{
    struct domain *d = domain_at(b, domain, time_us);

    d->unknown[0]++;
    *ret = (struct breaker_counts){d->sent[0] + d->sent[1], d->unknown[0] + d->unknown[1],
                                   d->past_sent, d->past_unknown};
    return trips(ret);
}

void breaker_remember(struct breaker *b, struct slice domain, uint64_t past_sent,
                      uint64_t past_unknown)
{
    struct domain *d = need(b, domain);

    d->past_sent = past_sent;
    d->past_unknown = past_unknown;
}

int breaker_keep(struct breaker *b,
                 int (*keep)(void *context, struct slice domain, uint64_t sent, uint64_t unknown),
                 void *context)
{
    int r = 0;

    LIST_FOREACH (link, &b->domains) {
        struct domain *d = LIST_ENTRY(link, struct domain, link);

        if (!d->changed)
            continue;
        r = keep(context, slice_of(d->name, d->name_size), d->past_sent + d->sent[0] + d->sent[1],
                 d->past_unknown + d->unknown[0] + d->unknown[1]);
        if (r != 0)
            break;
        d->changed = false;
    }
    return r;
}
