/* A worker's connection: the one it has, one that another worker of the provider does not need at
 * the moment, or a new one. */
#include "deliver/inside.h"

static bool fits(const struct link *c, const struct destination *dest)
{
    return c->connected && !c->client.closing && c->route == dest->route;
}

void worker_drop(struct work *w)
{
    client_close(&w->connection.client);
    w->connection = (struct link){.connected = false};
}

void worker_disconnect(struct task *t, struct work *w)
{
    if (w->connection.connected)
        client_quit(t, &w->connection.client);
    worker_drop(w);
}

/* Exchanges connections with a worker that lingers on one that fits. */
static bool borrow(struct work *w, const struct destination *dest)
{
    LIST_FOREACH (link, &w->provider->works) {
        struct work *other = LIST_ENTRY(link, struct work, link);
        struct link ours = w->connection;

        if (other == w || !other->lingering || !fits(&other->connection, dest))
            continue;
        w->connection = other->connection;
        other->connection = ours;
        return true;
    }
    return false;
}

static bool has_connection(struct work *w, const struct queue_job *job)
{
    const struct destination *dest = destination_get(w->deliver, job->destination);

    return fits(&w->connection, dest) || borrow(w, dest);
}

/* Connects to one address; a failed opportunistic handshake gets a second, clear connection. */
static int connect_address(struct task *t, struct work *w, const struct route_host *host,
                           size_t address)
{
    const struct deliver_options *o = w->deliver->options;
    struct client *client = &w->connection.client;
    struct client_options options = {.hostname = o->hostname,
                                     .tls_context = o->tls_context,
                                     .host_name = host->name,
                                     .address = host->addresses[address]};
    int r = client_dial(t, &options, client);

    if (r < 0 && client->tls_failed) {
        client_close(client);
        options.tls = CLIENT_TLS_NONE;
        r = client_dial(t, &options, client);
    }
    return r;
}

/* Tries host after host. 0: connected. -EHOSTUNREACH: none would talk; *ret_outcome says why. */
static int connect_hosts(struct task *t, struct work *w, const struct route *route,
                         struct queue_outcome *ret_outcome)
{
    struct client *client = &w->connection.client;
    int r;

    for (size_t i = 0; i < route->host_count; i++)
        for (size_t j = 0; j < route->hosts[i].address_count; j++) {
            if (connect_address(t, w, &route->hosts[i], j) == 0)
                return 0;
            *ret_outcome = (struct queue_outcome){.result = QUEUE_DEFERRED,
                                                  .reply_code = client->problem_code,
                                                  .enhanced = {4, 4, 1},
                                                  .text = arena_copy(&w->arena, client->problem),
                                                  .remote = arena_copy(&w->arena, client->remote)};
            client_close(client);
            r = task_check(t);
            if (r < 0)
                return r;
        }
    return -EHOSTUNREACH;
}

/* A connection stands: what is known of provider and destination says so. */
static void note_success(struct task *t, struct work *w, const struct queue_job *job)
{
    struct provider *p = w->provider;
    struct destination *dest = destination_get(w->deliver, job->destination);

    w->connection.connected = true;
    w->connection.route = dest->route;
    w->connection.first = arena_copy(&w->connection.client.arena, job->destination);
    destination_proved(dest);
    p->good_us = task_now_us(t);
    p->good_route = dest->route;
    if (provider_pace_proved(&p->pace, &p->limits))
        provider_staff(p);
}

static int dial(struct task *t, struct work *w, struct queue_job *job, const struct route *route)
{
    struct queue_outcome outcome = {.result = QUEUE_DEFERRED};
    int r = connect_hosts(t, w, route, &outcome);

    if (r == 0) {
        note_success(t, w, job);
        return 0;
    }
    if (r != -EHOSTUNREACH || worker_judge_silence(w, job, &outcome))
        queue_return(w->deliver->queue, job);
    else
        worker_settle_all(w->deliver, &w->arena, job, &outcome);
    return r;
}

/* No host: the mail bounces, or its destination rests. */
static void settle_failure(struct work *w, struct queue_job *job,
                           const struct route_failure *failure)
{
    struct queue_outcome outcome = {.result = failure->permanent ? QUEUE_BOUNCED : QUEUE_DEFERRED,
                                    .text = failure->text};

    memcpy(outcome.enhanced, failure->enhanced, sizeof outcome.enhanced);
    if (!failure->permanent)
        destination_rest(destination_get(w->deliver, job->destination), 0, failure->text);
    worker_settle_all(w->deliver, &w->arena, job, &outcome);
}

/* What DNS says now counts: the destination may have moved to another provider, whose worker it
 * is then for. False: it has. */
static bool is_still_ours(struct task *t, struct work *w, const struct queue_job *job,
                          const struct route *route)
{
    struct destination *dest = destination_get(w->deliver, job->destination);
    struct provider_name name;

    if (w->provider->kind == PROVIDER_NEXT_HOP) {
        dest->route = route_hash(route);
        return true;
    }
    if (!dest->provider || task_now_us(t) >= dest->known_until_us) {
        name = provider_name_of(&w->arena, &w->deliver->shaping, job->destination, route);
        destination_learn(dest, &name, route);
    }
    return dest->provider == w->provider;
}

/* A new connection is wanted and the provider takes no more in this minute: false. */
static bool connection_allowed(struct task *t, struct provider *p)
{
    uint64_t now_us = task_now_us(t), limit = p->limits.connections_per_minute_max;

    if (pace_bucket_take(&p->pace.connections, limit, now_us))
        return true;
    clock_set(p->deliver, &p->timer,
              now_us + pace_bucket_wait_us(&p->pace.connections, limit, now_us));
    return false;
}

static int open_connection(struct task *t, struct work *w, struct queue_job *job)
{
    struct route route;
    int r = route_find(t, &w->arena, &w->deliver->options->route, job->destination, &route);

    if (r < 0) {
        queue_return(w->deliver->queue, job);
        return r;
    }
    if (route.host_count == 0) {
        settle_failure(w, job, &route.failure);
        return -EAGAIN;
    }
    if (!is_still_ours(t, w, job, &route)) {
        queue_return(w->deliver->queue, job);
        return -EAGAIN;
    }
    if (has_connection(w, job))
        return 0;
    worker_disconnect(t, w);
    if (!connection_allowed(t, w->provider)) {
        queue_return(w->deliver->queue, job);
        return -EHOSTUNREACH;
    }
    return dial(t, w, job, &route);
}

int worker_connect(struct task *t, struct work *w, struct queue_job *job)
{
    const struct destination *dest = destination_get(w->deliver, job->destination);

    if (dest->rest_until_us || dest->suspended || provider_connections(w->provider) == 0) {
        queue_return(w->deliver->queue, job); /* it began while this job was on its way here */
        return -EAGAIN;
    }
    if ((task_now_us(t) < dest->known_until_us || w->provider->kind == PROVIDER_NEXT_HOP) &&
        has_connection(w, job))
        return 0;
    return open_connection(t, w, job);
}
