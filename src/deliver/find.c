/* Asks DNS which provider receives a destination's mail; so many at one time, the others wait in
 * line. What has no route is told so to the mail that waits for it. */
#include "deliver/inside.h"

enum { SEARCHERS_MAX = 50 };

/* As the mail's next job would be told: all of it when that is for good, otherwise one job, and the
 * others wait for the rest to be over. */
static int refuse(struct task *t, struct deliver *d, struct arena *arena, struct slice key,
                  const struct route_failure *failure)
{
    const struct queue_outcome outcome = {
        .result = failure->permanent ? QUEUE_BOUNCED : QUEUE_DEFERRED,
        .enhanced = {failure->enhanced[0], failure->enhanced[1], failure->enhanced[2]},
        .text = failure->text};
    struct slice pool = arena_printf(arena, "?%.*s", SLICE_ARG(key));
    struct queue_job *job = NULL;
    int r;

    do {
        r = queue_take(t, d->queue, pool, SLICE_NONE, &job);
        if (r == 0 && job)
            worker_settle_all(d, arena, job, &outcome);
        if (r == 0)
            r = task_check(t);
    } while (r == 0 && job && failure->permanent);
    return r;
}

static int ask(struct task *t, struct deliver *d, struct slice key)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct tls_domain policy;
    struct route route;
    int r;

    key = arena_copy(&arena, key); /* the entry may be gone when the answer comes */
    r = route_find(t, &arena, &d->options->route, key, &route);
    if (r == 0)
        r = worker_find_policy(t, d, &arena, key, &route, &policy);
    if (r < 0)
        return r;
    if (route.host_count == 0)
        r = refuse(t, d, &arena, key, &route.failure);
    if (r < 0)
        return r;
    if (route.host_count) {
        struct provider_name name = provider_name_of(&arena, &d->shaping, key, &route);

        destination_learn(destination_get(d, key), &name, &route);
    } else if (!route.failure.permanent) {
        destination_rest(destination_get(d, key), 0, route.failure.text);
    }
    return 0;
}

/* The next to be asked for; NULL: none. */
static struct destination *next_search(struct deliver *d)
{
    struct list *from = list_empty(&d->searches_urgent) ? &d->searches : &d->searches_urgent;

    return list_empty(from) ? NULL : LIST_FIRST(from, struct destination, in_search);
}

static int searcher(struct task *t, void *argument)
{
    struct deliver *d = argument;
    struct destination *dest;
    int r = 0;

    while (r == 0 && !d->stopping && (dest = next_search(d))) {
        list_remove(&dest->in_search);
        dest->searching = true;
        dest->has_waiting = false;
        r = ask(t, d, destination_key(dest));
        dest->searching = false;
        if (r == 0 && dest->has_waiting && !dest->provider)
            destination_search(dest); /* something came meanwhile */
    }
    d->searchers--;
    condition_broadcast(&d->worker_left);
    return r == -ECANCELED ? 0 : r;
}

static bool is_urgent(const struct destination *dest)
{
    CLEANUP(buffer_done) struct buffer pool = BUFFER_NONE;

    if (!dest->deliver->queue)
        return false;
    destination_pool(dest, &pool);
    return queue_transactional(dest->deliver->queue, buffer_slice(&pool)) > 0;
}

static void search_line_up(struct destination *dest)
{
    struct deliver *d = dest->deliver;
    bool urgent = is_urgent(dest);

    if (list_linked(&dest->in_search) && (dest->in_search_urgent || !urgent))
        return;
    list_remove(&dest->in_search);
    list_add_last(urgent ? &d->searches_urgent : &d->searches, &dest->in_search);
    dest->in_search_urgent = urgent;
}

void destination_search(struct destination *dest)
{
    struct deliver *d = dest->deliver;

    dest->has_waiting = true;
    if (dest->rest_until_us || dest->suspended || dest->searching || dest->provider)
        return;
    search_line_up(dest);
    destination_search_begin(d);
}

void destination_search_begin(struct deliver *d)
{
    if (!d->scope || d->stopping || d->searchers >= SEARCHERS_MAX || !next_search(d))
        return;
    if (scope_spawn(d->scope, "find provider", searcher, d) == 0)
        d->searchers++;
}
