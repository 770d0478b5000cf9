/* Which limit holds mail back, in a sentence for people. */
#include "deliver/inside.h"
#include "runtime/world.h"

#include <time.h>

/* "14:05 UTC", in so many microseconds. */
static void add_time(const struct deliver *d, uint64_t at_us, struct buffer *ret)
{
    int64_t wall_us = world_wall_us(d->world) + (int64_t)(at_us - world_now_us(d->world));
    time_t seconds = (time_t)(wall_us / (int64_t)SECOND_US);
    struct tm parts;
    char text[32];

    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%H:%M UTC", &parts);
    buffer_add(ret, slice_text(text));
}

void destination_holding(const struct destination *dest, struct buffer *ret)
{
    struct slice key = destination_key(dest);

    if (dest->suspended && relay_is_key(key)) {
        buffer_printf(ret, "the site's SMTP account gets no mail: %s", dest->suspended);
    } else if (dest->suspended) {
        buffer_printf(ret, "the domain %.*s is suspended: %s", SLICE_ARG(key), dest->suspended);
    } else if (dest->rest_until_us) {
        buffer_printf(ret, "nothing goes to the domain %.*s until ", SLICE_ARG(key));
        add_time(dest->deliver, dest->rest_until_us, ret);
        buffer_printf(ret, ", since: %s", dest->why);
    } else if (!dest->provider) {
        buffer_printf(ret, "DNS is being asked who receives mail for %.*s", SLICE_ARG(key));
    }
}

/* A relay is known by its site. */
static struct slice shown(const struct provider *p)
{
    return p->kind == PROVIDER_RELAY ? SLICE("the site's SMTP account") : provider_name(p);
}

static void rate_holding(struct provider *p, uint64_t now_us, struct buffer *ret)
{
    const struct shaping_limits *l = &p->limits;

    if (pace_bucket_wait_us(&p->pace.messages, l->messages_per_minute_max, now_us))
        buffer_printf(ret, "%.*s gets %llu messages a minute at most", SLICE_ARG(shown(p)),
                      (unsigned long long)l->messages_per_minute_max);
    else if (pace_bucket_wait_us(&p->pace.connections, l->connections_per_minute_max, now_us))
        buffer_printf(ret, "%.*s gets %llu new connections a minute at most", SLICE_ARG(shown(p)),
                      (unsigned long long)l->connections_per_minute_max);
}

static const char KEPT[] = "; the others are kept for transactional mail";

static void connections_holding(const struct provider *p, struct buffer *ret)
{
    const struct deliver *d = p->deliver;
    uint64_t allowed = provider_connections(p), all = d->options->connections_max;
    const char *more =
        allowed < p->limits.connections_max ? "; more when its answers allow it" : "";

    if (p->workers >= provider_open(p, allowed))
        buffer_printf(ret, "%zu of %llu connections to %.*s are in use%s", p->workers,
                      (unsigned long long)allowed, SLICE_ARG(shown(p)),
                      p->workers < allowed ? KEPT : more);
    else if (d->connections >= provider_open(p, all))
        buffer_printf(ret, "%zu of the %llu connections of this gateway are in use%s",
                      d->connections, (unsigned long long)all, d->connections < all ? KEPT : "");
}

void provider_holding(struct provider *p, struct buffer *ret)
{
    const struct deliver *d = p->deliver;
    size_t before = ret->size;

    if (p->suspended) {
        buffer_printf(ret, "%.*s is suspended: %s", SLICE_ARG(shown(p)), p->suspended);
    } else if (p->pace.back_off_until_us) {
        buffer_printf(ret, "nothing goes to %.*s until ", SLICE_ARG(shown(p)));
        add_time(d, p->pace.back_off_until_us, ret);
        buffer_printf(ret, ", since: %s", p->why);
    } else {
        rate_holding(p, world_now_us(d->world), ret);
    }
    if (ret->size == before)
        connections_holding(p, ret);
}

void deliver_holding(void *context, struct slice pool, uint64_t site_id, struct buffer *ret)
{
    struct deliver *d = context;
    struct destination *dest;
    struct provider *p;

    if (!d->scope) {
        buffer_add(ret, SLICE("delivery has not begun"));
        return;
    }
    if (!sources_ready(d, site_id)) {
        sources_why_not(d, site_id, 0, ret);
        return;
    }
    if (slice_starts(pool, SLICE("?")) || slice_starts(pool, SLICE("!"))) {
        dest = destination_find(d, slice_part(pool, 1, pool.size));
        if (dest)
            destination_holding(dest, ret);
        return;
    }
    p = provider_find(d, pool);
    if (p)
        provider_holding(p, ret);
}
