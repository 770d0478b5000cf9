/* Destinations: which provider each belongs to, and whether it rests.
 *
 * In the queue a destination lies in one of three pools: "?key" while its provider is not known,
 * "!key" while it rests, which nobody takes from, and otherwise its provider's. */
#include "base/log.h"
#include "deliver/inside.h"
#include "runtime/world.h"

#include <stdio.h>
#include <stdlib.h>

enum { DESTINATIONS_MAX = 20000 }; /* that are remembered without need */
static const uint64_t KNOWN_US = 300 * SECOND_US;

static void timer_rings(struct task *t, struct timer *timer);

static void destination_free(struct destination *dest)
{
    struct provider *p = dest->provider;

    table_remove(&dest->deliver->destinations, &dest->item);
    clock_unset(dest->deliver, &dest->timer);
    list_remove(&dest->link);
    list_remove(&dest->in_search);
    free(dest->why);
    free(dest->suspended);
    free(dest->found);
    free(dest);
    if (p && --p->destinations == 0)
        provider_release(p);
}

void destination_free_all(struct deliver *d)
{
    LIST_FOREACH_SAFE (link, &d->destinations_all)
        destination_free(LIST_ENTRY(link, struct destination, link));
}

/* Forgets the one that has been known longest, unless it is in use. */
static void make_room(struct deliver *d)
{
    struct destination *oldest;

    if (d->destinations.count < DESTINATIONS_MAX)
        return;
    oldest = LIST_FIRST(&d->destinations_all, struct destination, link);
    if (oldest->rest_until_us || oldest->suspended || oldest->searching ||
        list_linked(&oldest->in_search)) {
        list_remove(&oldest->link);
        list_add_last(&d->destinations_all, &oldest->link);
        return;
    }
    destination_free(oldest);
}

struct destination *destination_find(const struct deliver *d, struct slice key)
{
    struct table_item *item = table_find(&d->destinations, table_hash(key));

    for (; item; item = table_find_more(item)) {
        struct destination *dest = CONTAINER_OF(item, struct destination, item);

        if (slice_equal(destination_key(dest), key))
            return dest;
    }
    return NULL;
}

static void set_provider(struct destination *dest, struct provider *p)
{
    struct provider *before = dest->provider;

    if (before == p)
        return;
    p->destinations++;
    dest->provider = p;
    if (before && --before->destinations == 0)
        provider_release(before);
}

struct destination *destination_get(struct deliver *d, struct slice key)
{
    struct destination *dest = destination_find(d, key);

    if (dest)
        return dest;
    make_room(d);
    dest = base_allocate(sizeof *dest + key.size);
    dest->deliver = d;
    dest->timer.rings = timer_rings;
    dest->key_size = key.size;
    memcpy(dest->key, key.data, key.size);
    dest->suspended = destination_why_suspended(d, key);
    list_add_last(&d->destinations_all, &dest->link);
    table_add(&d->destinations, &dest->item, table_hash(key));
    if (relay_is_key(key)) /* both without asking DNS */
        set_provider(dest, relay_provider_get(d, key));
    else if (d->options->route.next_hop.size || is_simulator(d, key))
        set_provider(dest, provider_get(d, key));
    return dest;
}

void destination_pool(const struct destination *dest, struct buffer *ret_key)
{
    bool stays = dest->rest_until_us || dest->suspended;

    if (!stays && dest->provider) {
        buffer_add(ret_key, provider_name(dest->provider));
        return;
    }
    buffer_add_byte(ret_key, stays ? '!' : '?');
    buffer_add(ret_key, destination_key(dest));
}

void destination_move(struct destination *dest)
{
    CLEANUP(buffer_done) struct buffer pool = BUFFER_NONE;

    destination_pool(dest, &pool);
    queue_pool_move(dest->deliver->queue, destination_key(dest), buffer_slice(&pool));
}

void destination_renew(struct destination *dest)
{
    set_provider(dest, relay_provider_get(dest->deliver, destination_key(dest)));
    free(dest->suspended);
    dest->suspended = destination_why_suspended(dest->deliver, destination_key(dest));
    if (dest->deliver->queue)
        destination_move(dest);
}

static int compare_names(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

uint64_t route_hash(const struct route *route)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct slice names[LIMIT_MX_HOSTS];

    for (size_t i = 0; i < route->host_count; i++)
        names[i] = route->hosts[i].name;
    qsort(names, route->host_count, sizeof *names, compare_names);
    for (size_t i = 0; i < route->host_count; i++)
        buffer_printf(&text, "%.*s ", SLICE_ARG(names[i]));
    buffer_add_u64(&text, route->policy);
    return table_hash(buffer_slice(&text));
}

void destination_learn(struct destination *dest, const struct provider_name *name,
                       const struct route *route)
{
    struct deliver *d = dest->deliver;

    set_provider(dest, provider_get(d, name->name));
    dest->route = route_hash(route);
    dest->known_until_us = world_now_us(d->world) + KNOWN_US;
    free(dest->found);
    if (asprintf(&dest->found, "%.*s: %.*s", SLICE_ARG(name->host), SLICE_ARG(name->rule)) < 0)
        abort();
    destination_move(dest);
}

void destination_rest(struct destination *dest, uint64_t pause_s, struct slice why)
{
    struct deliver *d = dest->deliver;
    uint64_t now_us = world_now_us(d->world);
    struct shaping_limits limits =
        provider_limits(d, dest->provider ? provider_name(dest->provider) : SLICE_NONE);
    uint64_t length_s = dest->rest_s ? dest->rest_s * 2ull : limits.back_off_min_s;

    if (dest->rest_until_us)
        return;
    if (length_s > limits.back_off_max_s)
        length_s = limits.back_off_max_s;
    if (pause_s > length_s)
        length_s = pause_s;
    dest->rest_s = (uint32_t)length_s;
    dest->rest_since_us = now_us;
    dest->rest_until_us = now_us + length_s * SECOND_US;
    free(dest->why);
    dest->why = slice_duplicate(slice_part(why, 0, QUEUE_TEXT_BYTES));
    log_info("nothing goes to the domain %.*s for %llu s: %s", SLICE_ARG(destination_key(dest)),
             (unsigned long long)length_s, dest->why);
    clock_set(d, &dest->timer, dest->rest_until_us);
    destination_move(dest);
}

static void end_rest(struct destination *dest)
{
    dest->rest_until_us = 0;
    clock_unset(dest->deliver, &dest->timer);
    destination_move(dest);
}

static void timer_rings(struct task *t, struct timer *timer)
{
    (void)t;
    end_rest(CONTAINER_OF(timer, struct destination, timer));
}

void destination_wake(struct destination *dest)
{
    dest->rest_s = 0;
    if (dest->rest_until_us)
        end_rest(dest);
}

void destination_proved(struct destination *dest)
{
    dest->rest_s = 0;
}
