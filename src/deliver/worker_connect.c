/* A worker's connection: the one it has, one that another worker of the provider does not need at
 * the moment, or a new one. */
#include "deliver/inside.h"

/* What the message and its site demand; the site may have changed since the message came, and a
 * message can ask for more than it, not for less. */
static enum tls_wish worker_wish(const struct deliver *d, const struct queue_job *job)
{
    const struct directory_site *site =
        d->options->sign.directory ? directory_site_by_id(d->options->sign.directory, job->site_id)
                                   : NULL;

    if (job->tls_required)
        return TLS_WISH_REQUIRED;
    if (site && site->verified_tls)
        return TLS_WISH_VERIFIED;
    return job->tls_relaxed ? TLS_WISH_RELAXED : TLS_WISH_NONE;
}

void worker_tell_sessions(struct work *w, struct queue_outcome *outcome)
{
    outcome->tls_sessions = arena_copy(&w->arena, buffer_slice(&w->tls_sessions));
    buffer_done(&w->tls_sessions);
}

int worker_find_policy(struct task *t, const struct deliver *d, struct arena *arena,
                       struct slice destination, struct route *route, struct tls_domain *ret)
{
    int r = 0;

    *ret = (struct tls_domain){.domain = arena_copy(arena, destination),
                               .named_securely = route->secure,
                               .published = d->options->route.next_hop.size == 0};
    if (d->options->tls_context && route->host_count > 0)
        r = tls_domain_find(t, arena, &d->options->tls_policy, ret);
    route->policy = tls_domain_hash(ret);
    return r;
}

/* Whether what a connection was made for is as much as this wish. */
static bool protects(const struct link *c, enum tls_wish wish)
{
    switch (wish) {
    case TLS_WISH_RELAXED:
        return true;
    case TLS_WISH_NONE:
        return c->wish != TLS_WISH_RELAXED;
    case TLS_WISH_VERIFIED:
        return c->client.verified;
    case TLS_WISH_REQUIRED:
        return c->wish == TLS_WISH_REQUIRED;
    }
    return false;
}

static bool fits(const struct link *c, const struct destination *dest, enum tls_wish wish)
{
    return c->connected && !c->client.closing && c->route == dest->route && protects(c, wish) &&
           (!c->own_names || slice_equal(c->first, destination_key(dest)));
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
static bool borrow(struct work *w, const struct queue_job *job, const struct destination *dest,
                   enum tls_wish wish)
{
    LIST_FOREACH (link, &w->provider->works) {
        struct work *other = LIST_ENTRY(link, struct work, link);
        struct link ours = w->connection;

        if (other == w || !other->lingering || !fits(&other->connection, dest, wish) ||
            !sources_take(w->deliver, job->site_id, other->connection.source, &w->part))
            continue;
        w->connection = other->connection;
        other->connection = ours;
        return true;
    }
    return false;
}

/* If so, it can send one message more from its source. */
static bool has_connection(struct work *w, const struct queue_job *job)
{
    const struct destination *dest = destination_get(w->deliver, job->destination);
    enum tls_wish wish = worker_wish(w->deliver, job);
    bool ours = fits(&w->connection, dest, wish) &&
                sources_take(w->deliver, job->site_id, w->connection.source, &w->part);

    return ours || borrow(w, job, dest, wish);
}

/* A search for a host that will talk, under TLS as it must be. */
struct search {
    const struct route *route;
    const struct tls_domain *domain;
    uint64_t site_id;
    enum tls_wish wish;
    struct tls_plan plan;         /* of the host that is being tried */
    struct queue_outcome outcome; /* why the last one would not do */
    bool reached;                 /* it was not for want of an answer */
    bool dialled;                 /* somebody was asked */
};

static struct queue_outcome outcome_of(struct work *w, const struct client *client)
{
    const struct smtp_status *status = &client->problem_status;
    bool ours = client->problem_code == 0 && status->class != 0;

    return (struct queue_outcome){
        .result = ours && status->class == 5 ? QUEUE_BOUNCED : QUEUE_DEFERRED,
        .reply_code = client->problem_code,
        .enhanced = {ours ? status->class : 4, ours ? (uint8_t)status->subject : 4,
                     ours ? (uint8_t)status->detail : 1},
        .text = arena_copy(&w->arena, client->problem),
        .remote = arena_copy(&w->arena, client->remote)};
}

static struct slice why_no_source(struct work *w, uint64_t site_id, uint8_t family)
{
    CLEANUP(buffer_done) struct buffer why = BUFFER_NONE;

    sources_why_not(w->deliver, site_id, family, &why);
    return arena_copy(&w->arena, slice_part(buffer_slice(&why), 0, QUEUE_TEXT_BYTES));
}

/* From the source that is next for the site. -EADDRNOTAVAIL: this machine does not have it, try
 * another; -ENOENT: there is none for this address. */
static int connect_from(struct task *t, struct work *w, struct search *s,
                        struct client_options *options)
{
    struct slice domain = s->domain->published ? s->domain->domain : SLICE_NONE;
    struct source *source;
    int r;

    if (!sources_choose(w->deliver, s->site_id, options->address.family, &w->part))
        return -ENOENT;
    source = w->part.source;
    if (source) {
        options->hostname = arena_copy(&w->arena, source->entry->hostname);
        options->source = &source->address;
    }
    r = client_reach(t, options, domain, &w->tls_sessions, &w->connection.client);
    if (r == 0)
        return 0;
    sources_give_back(w->deliver, &w->part);
    if (r != -EADDRNOTAVAIL || !source)
        return -EHOSTUNREACH;
    client_close(&w->connection.client);
    sources_broken(w->deliver, source);
    return task_check(t) < 0 ? -EHOSTUNREACH : r;
}

/* What others said counts more than that we have no source for one of the addresses. */
static void pass_over_address(struct work *w, struct search *s, const struct route_host *host,
                              uint8_t family)
{
    if (!s->dialled)
        s->outcome = (struct queue_outcome){.result = QUEUE_DEFERRED,
                                            .enhanced = {4, 4, 4},
                                            .text = why_no_source(w, s->site_id, family),
                                            .remote = host->name};
}

static int connect_address(struct task *t, struct work *w, struct search *s,
                           const struct route_host *host, size_t address)
{
    const struct deliver_options *o = w->deliver->options;
    struct client *client = &w->connection.client;
    struct client_options options = {.hostname = o->hostname,
                                     .tls_context = o->tls_context,
                                     .plan = &s->plan,
                                     .host_name = host->name,
                                     .address = host->addresses[address]};
    int r;

    do
        r = connect_from(t, w, s, &options);
    while (r == -EADDRNOTAVAIL);
    if (r == 0)
        return 0;
    if (r == -ENOENT) {
        pass_over_address(w, s, host, options.address.family);
        return -EHOSTUNREACH;
    }
    s->dialled = true;
    s->outcome = outcome_of(w, client);
    s->reached = s->outcome.reply_code == 0 && s->outcome.enhanced[1] == 7;
    client_close(client);
    r = task_check(t);
    return r < 0 ? r : -EHOSTUNREACH;
}

/* A host that its policy forbids is not even dialled. */
static void pass_over(struct work *w, struct search *s, const struct route_host *host)
{
    s->reached = true;
    s->outcome = (struct queue_outcome){
        .result = QUEUE_DEFERRED, .enhanced = {4, 7, 5}, .text = s->plan.why, .remote = host->name};
    if (s->plan.requiretls) { /* RFC 8689 §4.2.1: nobody vouches, and waiting mends nothing */
        s->outcome.result = QUEUE_BOUNCED;
        memcpy(s->outcome.enhanced, (const uint8_t[]){5, 7, 30}, sizeof s->outcome.enhanced);
    }
    wire_tls_session_write(&w->tls_sessions, &(struct wire_tls_session){.policy = s->plan.reported,
                                                                        .result = s->plan.finding,
                                                                        .domain = s->domain->domain,
                                                                        .mx_host = host->name,
                                                                        .reason = s->plan.why});
}

static int connect_host(struct task *t, struct work *w, struct search *s,
                        const struct route_host *host)
{
    const struct tls_host asked = {.name = host->name,
                                   .canonical = host->canonical,
                                   .secure = host->secure,
                                   .port = host->addresses[0].port};
    int r = 0;

    if (w->deliver->options->tls_context)
        r = tls_host_plan(t, &w->arena, &w->deliver->options->tls_policy, s->domain, &asked,
                          s->wish, &s->plan);
    if (r < 0)
        return r;
    if (s->plan.kind == TLS_PLAN_FORBIDDEN) {
        pass_over(w, s, host);
        return -EHOSTUNREACH;
    }
    r = -EHOSTUNREACH;
    for (size_t i = 0; i < host->address_count && r == -EHOSTUNREACH; i++)
        r = connect_address(t, w, s, host, i);
    return r;
}

/* Tries host after host. 0: connected. -EHOSTUNREACH: none would talk; s->outcome says why. */
static int connect_hosts(struct task *t, struct work *w, struct search *s)
{
    int r = -EHOSTUNREACH;

    for (size_t i = 0; i < s->route->host_count && r == -EHOSTUNREACH; i++)
        r = connect_host(t, w, s, &s->route->hosts[i]);
    return r;
}

/* A connection stands: what is known of provider and destination says so. */
static void note_success(struct task *t, struct work *w, const struct queue_job *job,
                         const struct search *s)
{
    struct provider *p = w->provider;
    struct destination *dest = destination_get(w->deliver, job->destination);

    w->connection.connected = true;
    w->connection.route = route_hash(s->route);
    w->connection.source = w->part.source;
    w->connection.wish = s->wish;
    w->connection.own_names = s->plan.own_names;
    w->connection.first = arena_copy(&w->connection.client.arena, job->destination);
    destination_proved(dest);
    p->good_us = task_now_us(t);
    p->good_route = w->connection.route;
    if (provider_pace_proved(&p->pace, &p->limits))
        provider_staff(p);
}

/* The hosts answer, but not as somebody demands. What the domain publishes keeps all of its mail
 * waiting, what a site or a message wants only this one; the provider has nothing to do with it. */
static int refuse_by_policy(struct work *w, struct queue_job *job, struct search *s)
{
    if (s->wish == TLS_WISH_NONE)
        destination_rest(destination_get(w->deliver, job->destination), 0, s->outcome.text);
    worker_tell_sessions(w, &s->outcome);
    worker_settle_all(w->deliver, &w->arena, job, &s->outcome);
    return -EAGAIN;
}

/* Nobody was asked, so nobody was silent. Others may have taken what the plans allowed when the job
 * was taken; then it waits for more. */
static int refuse_for_source(struct work *w, struct queue_job *job, const struct search *s)
{
    if (sources_admit(w->deliver, job->site_id))
        worker_settle_all(w->deliver, &w->arena, job, &s->outcome);
    else
        queue_return(w->deliver->queue, job);
    return -EAGAIN;
}

static int dial(struct task *t, struct work *w, struct queue_job *job, struct search *s)
{
    int r = connect_hosts(t, w, s);

    if (r == 0) {
        note_success(t, w, job, s);
        return 0;
    }
    if (r == -EHOSTUNREACH && s->reached)
        return refuse_by_policy(w, job, s);
    if (r == -EHOSTUNREACH && !s->dialled)
        return refuse_for_source(w, job, s);
    if (r != -EHOSTUNREACH || worker_judge_silence(w, job, &s->outcome)) {
        queue_return(w->deliver->queue, job);
        return r;
    }
    worker_tell_sessions(w, &s->outcome);
    worker_settle_all(w->deliver, &w->arena, job, &s->outcome);
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

    dest->route = route_hash(route);
    if (w->provider->kind == PROVIDER_NEXT_HOP)
        return true;
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
    struct tls_domain domain;
    struct route route;
    struct search search = {.route = &route,
                            .domain = &domain,
                            .site_id = job->site_id,
                            .wish = worker_wish(w->deliver, job)};
    int r = route_find(t, &w->arena, &w->deliver->options->route, job->destination, &route);

    if (r == 0)
        r = worker_find_policy(t, w->deliver, &w->arena, job->destination, &route, &domain);
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
    return dial(t, w, job, &search);
}

int worker_connect(struct task *t, struct work *w, struct queue_job *job)
{
    const struct destination *dest;

    if (w->provider->kind == PROVIDER_RELAY)
        return relay_connect(t, w, job);
    dest = destination_get(w->deliver, job->destination);
    if (dest->rest_until_us || dest->suspended || provider_connections(w->provider) == 0) {
        queue_return(w->deliver->queue, job); /* it began while this job was on its way here */
        return -EAGAIN;
    }
    if ((task_now_us(t) < dest->known_until_us || w->provider->kind == PROVIDER_NEXT_HOP) &&
        has_connection(w, job))
        return 0;
    return open_connection(t, w, job);
}
