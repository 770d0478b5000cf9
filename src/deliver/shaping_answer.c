/* The gateway's side of shaping: takes what the steward sends, and tells how things stand. */
#include "base/log.h"
#include "deliver/inside.h"
#include "deliver/shaping_remote.h"
#include "runtime/world.h"
#include "wire/ipc.h"

#include <stdlib.h>

enum { REPLY_BYTES_MAX = 60000 };

static int take_shaping(struct deliver *d, struct slice body)
{
    struct arena arena = ARENA_NONE;
    struct shaping shaping;
    int r = shaping_read(&arena, arena_copy(&arena, body), &shaping);

    if (r < 0) {
        arena_done(&arena);
        return r;
    }
    arena_done(&d->shaping_arena);
    d->shaping_arena = arena;
    d->shaping = shaping;
    d->shaped = true;
    sources_reload(d);
    LIST_FOREACH (link, &d->providers_all)
        provider_reload(LIST_ENTRY(link, struct provider, link));
    LIST_FOREACH (link, &d->destinations_all)
        LIST_ENTRY(link, struct destination, link)->known_until_us = 0;
    log_info("shaping: %zu providers, %zu rules for replies", shaping.provider_count,
             shaping.reply_count);
    return 0;
}

bool deliver_is_shaped(const struct deliver *d)
{
    return d->shaped;
}

static int read_suspensions(struct slice body, struct shaping_suspension *ret, size_t *ret_count)
{
    size_t count = 0;

    while (count < SHAPING_SUSPENSIONS_MAX && shaping_suspension_read(&body, &ret[count]))
        count++;
    *ret_count = count;
    return body.size == 0 ? 0 : -EBADMSG;
}

/* What was suspended and is not any more goes on; what is new stops. */
static int take_suspensions(struct deliver *d, struct slice body)
{
    struct arena arena = ARENA_NONE;
    struct shaping_suspension *all =
        ARENA_ARRAY(&arena, struct shaping_suspension, SHAPING_SUSPENSIONS_MAX);
    size_t count = 0;
    int r = read_suspensions(arena_copy(&arena, body), all, &count);

    if (r < 0) {
        arena_done(&arena);
        return r;
    }
    arena_done(&d->suspension_arena);
    d->suspension_arena = arena;
    d->suspensions = all;
    d->suspension_count = count;
    for (size_t i = 0; i < count; i++)
        if (!all[i].provider)
            (void)destination_get(d, all[i].name);
    LIST_FOREACH (link, &d->destinations_all)
        destination_suspend(LIST_ENTRY(link, struct destination, link));
    LIST_FOREACH (link, &d->providers_all)
        provider_suspend(LIST_ENTRY(link, struct provider, link));
    return 0;
}

static int take_sent(struct deliver *d, struct slice body)
{
    struct shaping_sent one;

    for (size_t i = 0; i < SHAPING_SENT_MAX && shaping_sent_read(&body, &one); i++)
        sources_learn(d, one.address, one.day, one.messages);
    return body.size == 0 ? 0 : -EBADMSG;
}

static uint64_t left_s(uint64_t until_us, uint64_t now_us)
{
    return until_us > now_us ? (until_us - now_us + SECOND_US - 1) / SECOND_US : 0;
}

/* `held` takes the sentence that the state points to. */
static struct shaping_state state_of(struct provider *p, struct buffer *held)
{
    const struct deliver *d = p->deliver;
    uint64_t now_us = world_now_us(d->world), until_us = p->pace.back_off_until_us;
    struct shaping_state state = {
        .name = provider_name(p),
        .limits = provider_limits(d, provider_name(p)),
        .waiting = p->waiting,
        .connections = p->workers,
        .connections_allowed = provider_connections(p),
        .delivered = p->delivered,
        .deferred = p->deferred,
        .back_off_age_s = until_us ? (now_us - p->pace.back_off_since_us) / SECOND_US : 0,
        .back_off_left_s = left_s(until_us, now_us),
        .back_off_why = until_us ? slice_text(p->why) : SLICE_NONE,
        .suspended_why = slice_text(p->suspended),
    };

    if (p->waiting)
        provider_holding(p, held);
    state.holding = buffer_slice(held);
    return state;
}

static int list(struct deliver *d, struct buffer *reply)
{
    LIST_FOREACH (link, &d->providers_all) {
        CLEANUP(buffer_done) struct buffer held = BUFFER_NONE;
        struct shaping_state state = state_of(LIST_ENTRY(link, struct provider, link), &held);

        if (reply->size > REPLY_BYTES_MAX - 4 * LOG_LINE_BYTES_MAX)
            return 0;
        shaping_state_write(reply, &state);
    }
    return 0;
}

static struct slice hosts_text(struct arena *arena, const struct route *route)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    for (size_t i = 0; i < route->host_count; i++)
        buffer_printf(&text, "%s%.*s", i ? " " : "", SLICE_ARG(route->hosts[i].name));
    return arena_copy(arena, buffer_slice(&text));
}

static void show_destination(const struct destination *dest, uint64_t now_us, struct buffer *held,
                             struct shaping_show *show)
{
    show->rest_left_s = left_s(dest->rest_until_us, now_us);
    show->rest_age_s = show->rest_left_s ? (now_us - dest->rest_since_us) / SECOND_US : 0;
    show->rest_why = show->rest_left_s ? slice_text(dest->why) : SLICE_NONE;
    show->suspended_why = slice_text(dest->suspended);
    if (dest->suspended || dest->rest_until_us)
        destination_holding(dest, held);
}

/* DNS is asked anew, so that what is shown is what a new connection would do. */
static int show(struct task *t, struct deliver *d, struct slice domain, struct buffer *reply)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer held = BUFFER_NONE, held_there = BUFFER_NONE;
    const struct destination *dest;
    struct shaping_show answer = {0};
    struct provider_name name;
    struct route route;
    int r;

    domain = arena_copy(&arena, domain);
    r = route_find(t, &arena, &d->options->route, domain, &route);
    if (r < 0)
        return r;
    answer.hosts = hosts_text(&arena, &route);
    answer.failure = route.host_count ? SLICE_NONE : route.failure.text;
    dest = destination_find(d, domain);
    if (dest)
        show_destination(dest, task_now_us(t), &held, &answer);
    if (route.host_count) {
        name = provider_name_of(&arena, &d->shaping, domain, &route);
        if (d->options->route.next_hop.size)
            name = (struct provider_name){PROVIDER_NEXT_HOP, d->options->route.next_hop, SLICE_NONE,
                                          SLICE("delivery.next_hop")};
        answer.rule = name.rule;
        answer.state = state_of(provider_get(d, name.name), &held_there);
    }
    answer.holding = held.size ? buffer_slice(&held) : answer.state.holding;
    shaping_show_write(reply, &answer);
    return 0;
}

int deliver_shaping_request(struct task *t, struct deliver *d, uint8_t type, struct slice body,
                            struct buffer *reply)
{
    if (type == IPC_SHAPING)
        return take_shaping(d, body);
    if (type == IPC_SHAPING_SENT)
        return take_sent(d, body);
    if (type == IPC_SHAPING_SUSPEND)
        return take_suspensions(d, body);
    if (!d->scope)
        return -EAGAIN;
    if (type == IPC_SHAPING_LIST)
        return list(d, reply);
    return type == IPC_SHAPING_SHOW ? show(t, d, body, reply) : -EOPNOTSUPP;
}
