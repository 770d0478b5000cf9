#include "deliver/deliver.h"

#include "base/log.h"
#include "deliver/client.h"
#include "deliver/return_path.h"

#include <stdlib.h>
#include <uthash.h>

static const uint64_t LINGER_US =
    2 * SECOND_US; /* a worker waits so long for more before it leaves */
static const uint64_t REST_MIN_US = 60 * SECOND_US;
static const uint64_t REST_MAX_US = 1800 * SECOND_US;
enum { DESTINATIONS_IDLE_MAX = 10000 };

struct destination {
    struct deliver *deliver;
    struct slice key;
    size_t waiting;   /* jobs that are due, as the queue last said */
    size_t workers;   /* all that run */
    size_t starting;  /* of them: have not looked for a job yet */
    size_t lingering; /* of them: wait on `more` */
    struct condition more;
    bool proved; /* a connection stood since the last rest: more may be opened */
    uint64_t rest_until_us, rest_us;
    struct list in_line; /* deliver->line */
    struct condition rested;
    UT_hash_handle hh;
};

struct deliver {
    const struct deliver_options *options;
    struct scope *scope;
    struct queue *queue;
    struct destination *destinations;
    size_t connections;
    struct list line; /* destinations that want a worker more than connections_max allows */
    struct condition worker_left;
    bool stopping;
};

static int worker(struct task *t, void *argument);
static int wake_after_rest(struct task *t, void *argument);

struct deliver *deliver_new(const struct deliver_options *options)
{
    struct deliver *d = base_allocate(sizeof *d);

    d->options = options;
    list_init(&d->line);
    return d;
}

static void destination_free(struct deliver *d, struct destination *destination)
{
    HASH_DEL(d->destinations, destination);
    list_remove(&destination->in_line);
    free((char *)destination->key.data);
    free(destination);
}

void deliver_free(struct deliver *d)
{
    struct destination *destination, *next;

    if (!d)
        return;
    HASH_ITER (hh, d->destinations, destination, next)
        destination_free(d, destination);
    free(d);
}

static struct destination *destination_get(struct deliver *d, struct slice key)
{
    struct destination *destination;

    HASH_FIND(hh, d->destinations, key.data, key.size, destination);
    if (destination)
        return destination;
    destination = base_allocate(sizeof *destination);
    destination->deliver = d;
    destination->key = slice_of(slice_duplicate(key), key.size);
    destination->rest_us = REST_MIN_US;
    HASH_ADD_KEYPTR(hh, d->destinations, destination->key.data, destination->key.size, destination);
    return destination;
}

static void line_up(struct destination *destination)
{
    if (!list_linked(&destination->in_line))
        list_add_last(&destination->deliver->line, &destination->in_line);
}

/* Sees to it that for each job that is due there is a worker free to take it, as far as the limits
 * allow; one alone until a connection has stood. */
static void destination_staff(struct destination *destination)
{
    struct deliver *d = destination->deliver;
    size_t limit = destination->proved ? d->options->connections_per_destination_max : 1;

    if (!d->scope || d->stopping)
        return;
    condition_signal(&destination->more);
    while (destination->starting + destination->lingering < destination->waiting &&
           destination->workers < limit) {
        if (d->connections >= d->options->connections_max) {
            line_up(destination);
            return;
        }
        if (scope_spawn(d->scope, "deliver", worker, destination) < 0)
            return;
        destination->workers++;
        destination->starting++;
        d->connections++;
    }
}

void deliver_destination(void *context, uint64_t site_id, struct slice domain,
                         struct buffer *ret_key)
{
    const struct deliver *d = context;

    (void)site_id; /* a relay's key will have it */
    route_destination(&d->options->route, domain, ret_key);
}

void deliver_due(void *context, struct slice key, size_t waiting)
{
    struct destination *destination = destination_get(context, key);

    destination->waiting = waiting;
    if (destination->rest_until_us == 0)
        destination_staff(destination);
}

void deliver_start(struct deliver *d, struct scope *scope, struct queue *queue)
{
    struct destination *destination, *next;

    d->scope = scope;
    d->queue = queue;
    HASH_ITER (hh, d->destinations, destination, next)
        destination_staff(destination);
}

/* Nobody there can be talked to: nothing goes to it until the rest is over. */
static void destination_rest(struct task *t, struct destination *destination)
{
    if (destination->rest_until_us != 0)
        return;
    destination->proved = false;
    destination->rest_until_us = task_now_us(t) + destination->rest_us;
    log_info("destination %.*s rests for %llu s", SLICE_ARG(destination->key),
             (unsigned long long)(destination->rest_us / SECOND_US));
    destination->rest_us =
        destination->rest_us * 2 < REST_MAX_US ? destination->rest_us * 2 : REST_MAX_US;
    if (scope_spawn(destination->deliver->scope, "rest", wake_after_rest, destination) < 0)
        destination->rest_until_us = 0;
}

static int wake_after_rest(struct task *t, void *argument)
{
    struct destination *destination = argument;
    int r =
        condition_wait_for(t, &destination->rested, destination->rest_until_us - task_now_us(t));

    destination->rest_until_us = 0;
    if (r == 0 && destination->waiting == 0)
        destination->waiting = 1; /* ask the queue: it does not repeat what it said before */
    if (r == 0)
        destination_staff(destination);
    return r;
}

void deliver_wake(struct deliver *d)
{
    struct destination *destination, *next;

    HASH_ITER (hh, d->destinations, destination, next) {
        destination->rest_us = REST_MIN_US;
        condition_signal(&destination->rested);
    }
}

static void destination_proved(struct destination *destination)
{
    destination->rest_us = REST_MIN_US;
    if (!destination->proved) {
        destination->proved = true;
        destination_staff(destination);
    }
}

/* One worker's state. */
struct work {
    struct destination *destination;
    struct deliver *deliver;
    struct client client;
    bool connected;
    struct arena arena; /* what outcomes point to; emptied with each job */
};

static void settle_all(struct work *w, struct queue_job *job, const struct queue_outcome *outcome)
{
    struct queue_outcome *outcomes =
        ARENA_ARRAY(&w->arena, struct queue_outcome, job->recipient_count);

    for (size_t i = 0; i < job->recipient_count; i++)
        outcomes[i] = *outcome;
    queue_settle(w->deliver->queue, job, outcomes);
}

/* Fills in for recipients that the link left without an answer. */
static void settle_broken(struct work *w, struct queue_job *job, struct queue_outcome *outcomes,
                          bool data_sent)
{
    for (size_t i = 0; i < job->recipient_count; i++)
        if (outcomes[i].result == 0)
            outcomes[i] = (struct queue_outcome){
                .result = QUEUE_DEFERRED,
                .signed_by = outcomes[i].signed_by,
                .ambiguous = data_sent,
                .enhanced = {4, 4, 2},
                .text = w->client.problem,
                .remote = w->client.remote,
                .tls = slice_text(w->client.stream ? stream_tls_version(w->client.stream) : NULL)};
    queue_settle(w->deliver->queue, job, outcomes);
}

/* Connects to one address; a failed opportunistic handshake gets a second, clear connection. */
static int connect_address(struct task *t, struct work *w, const struct route_host *host,
                           size_t address)
{
    struct client_options options = {.hostname = w->deliver->options->hostname,
                                     .tls_context = w->deliver->options->tls_context,
                                     .host_name = host->name,
                                     .address = host->addresses[address]};
    int r = client_dial(t, &options, &w->client);

    if (r < 0 && w->client.tls_failed) {
        client_close(&w->client);
        options.tls = CLIENT_TLS_NONE;
        r = client_dial(t, &options, &w->client);
    }
    w->connected = r == 0;
    return r;
}

/* Tries host after host. 0: connected. -EHOSTUNREACH: none would talk; *ret_outcome says why. */
static int connect_hosts(struct task *t, struct work *w, const struct route *route,
                         struct queue_outcome *ret_outcome)
{
    int r = -EHOSTUNREACH;

    for (size_t i = 0; i < route->host_count; i++)
        for (size_t j = 0; j < route->hosts[i].address_count; j++) {
            r = connect_address(t, w, &route->hosts[i], j);
            if (r == 0)
                return 0;
            *ret_outcome =
                (struct queue_outcome){.result = QUEUE_DEFERRED,
                                       .reply_code = w->client.problem_code,
                                       .enhanced = {4, 4, 1},
                                       .text = arena_copy(&w->arena, w->client.problem),
                                       .remote = arena_copy(&w->arena, w->client.remote)};
            client_close(&w->client);
            r = task_check(t);
            if (r < 0)
                return r;
        }
    return -EHOSTUNREACH;
}

/* 0: connected. Otherwise the job has been settled or given back, and the worker ends. */
static int connect_destination(struct task *t, struct work *w, struct queue_job *job)
{
    struct queue_outcome outcome = {.result = QUEUE_DEFERRED};
    struct route route;
    int r = route_find(t, &w->arena, &w->deliver->options->route, job->destination, &route);

    if (r == 0 && route.host_count > 0) {
        r = connect_hosts(t, w, &route, &outcome);
        if (r == 0) {
            destination_proved(w->destination);
            return 0;
        }
    }
    if (r == 0) {
        outcome.result = route.failure.permanent ? QUEUE_BOUNCED : QUEUE_DEFERRED;
        outcome.text = route.failure.text;
        memcpy(outcome.enhanced, route.failure.enhanced, sizeof outcome.enhanced);
        settle_all(w, job, &outcome);
        if (route.failure.permanent)
            return -EAGAIN; /* the next job of this worker is told the same */
    } else if (r == -EHOSTUNREACH) {
        settle_all(w, job, &outcome);
    } else {
        queue_return(w->deliver->queue, job);
        return r;
    }
    destination_rest(t, w->destination);
    return -EHOSTUNREACH;
}

/* The signature is made once a message and kept with it. */
static int ensure_signature(struct task *t, struct work *w, struct queue_job *job,
                            struct signature *ret)
{
    const char *why = NULL;
    struct queue_outcome outcome = {.result = QUEUE_DEFERRED, .enhanced = {4, 7, 5}};
    int r;

    r = sign_message(t, &w->arena, &w->deliver->options->sign, job, ret, &why);
    if (r == 0) {
        if (job->signature.size == 0)
            queue_keep_signature(w->deliver->queue, &job->id, ret->fields);
        return 0;
    }
    if (r == -ECANCELED) {
        queue_return(w->deliver->queue, job);
        return r;
    }
    outcome.text =
        arena_printf(&w->arena, "the message cannot be signed: %s", why ? why : strerror(-r));
    settle_all(w, job, &outcome);
    return -EAGAIN;
}

static struct slice return_path(struct work *w, const struct queue_job *job)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    if (job->envelope_from.size == 0)
        return SLICE_NONE;
    return_path_write(&text, &job->id,
                      job->recipient_count == 1 ? (int64_t)job->recipients[0].index : -1,
                      w->deliver->options->bounce_domain);
    return arena_copy(&w->arena, buffer_slice(&text));
}

/* Offers one job on the standing connection. -EPIPE: the link was stale (a reused connection that
 * failed before anything was decided); the job is still ours. Otherwise the job is settled. */
static int offer(struct task *t, struct work *w, struct queue_job *job,
                 const struct signature *signature)
{
    struct queue_outcome *outcomes =
        ARENA_ARRAY(&w->arena, struct queue_outcome, job->recipient_count);
    const struct client_message message = {
        .envelope_from = return_path(w, job),
        .eight_bit = job->eight_bit,
        .smtputf8 = job->smtputf8,
        .envid = job->envid,
        .ret = job->ret,
        .recipients = job->recipients,
        .recipient_count = job->recipient_count,
        .signature = signature->fields,
        .content = job->content,
    };
    bool reused = w->client.transactions > 0, data_sent;
    int r = client_send(t, &w->client, &w->arena, &message, outcomes, &data_sent);

    for (size_t i = 0; i < job->recipient_count; i++)
        outcomes[i].signed_by = signature->signed_by;
    if (r == 0) {
        queue_settle(w->deliver->queue, job, outcomes);
        return 0;
    }
    w->connected = false;
    if (reused && !data_sent && outcomes[0].result == 0 && (r == -EPIPE || r == -ECONNRESET)) {
        client_close(&w->client);
        return -EPIPE;
    }
    settle_broken(w, job, outcomes, data_sent);
    client_close(&w->client);
    return 0;
}

/* From taking a job to its outcome. 0: go on; otherwise the worker ends. */
static int handle(struct task *t, struct work *w, struct queue_job *job)
{
    struct signature signature;
    int r = ensure_signature(t, w, job, &signature);

    while (r == 0) {
        if (!w->connected)
            r = connect_destination(t, w, job);
        if (r == 0)
            r = offer(t, w, job, &signature);
        if (r != -EPIPE)
            break;
        r = 0;
    }
    return r == -EAGAIN ? 0 : r;
}

/* Waits a moment for more work; true if some came. Others that had nothing to do may have been
 * faster, so a wake-up alone means nothing. */
static bool linger(struct task *t, struct work *w)
{
    struct destination *destination = w->destination;
    uint64_t until_us = task_now_us(t) + LINGER_US;
    int r = 0;

    destination->waiting = 0;
    destination->lingering++;
    while (r == 0 && destination->waiting == 0 && !w->deliver->stopping &&
           task_now_us(t) < until_us)
        r = condition_wait_for(t, &destination->more, until_us - task_now_us(t));
    destination->lingering--;
    return r == 0 && destination->waiting > 0 && !w->deliver->stopping;
}

static void end_connection(struct task *t, struct work *w)
{
    if (w->connected)
        client_quit(t, &w->client);
    client_close(&w->client);
    w->connected = false;
}

static int work(struct task *t, struct work *w)
{
    const struct deliver_options *options = w->deliver->options;
    struct queue_job *job;
    int r;

    for (;;) {
        if (w->connected &&
            (w->client.closing || w->client.transactions >= options->messages_per_connection_max)) {
            end_connection(t, w);
            if (!list_empty(&w->deliver->line)) /* others wait for a connection, too */
                return 0;
        }
        if (w->destination->rest_until_us != 0 || w->deliver->stopping)
            return 0;
        r = queue_take(t, w->deliver->queue, w->destination->key, SLICE_NONE, &job);
        if (r < 0)
            return r;
        if (!job && linger(t, w))
            continue;
        if (!job)
            return task_check(t);
        r = handle(t, w, job);
        arena_done(&w->arena);
        if (r < 0)
            return r;
    }
}

/* A connection has become free: it is for who has waited longest. */
static void serve_line(struct deliver *d)
{
    while (!list_empty(&d->line) && d->connections < d->options->connections_max) {
        struct destination *first = LIST_FIRST(&d->line, struct destination, in_line);

        list_remove(&first->in_line);
        if (first->rest_until_us == 0)
            destination_staff(first);
    }
}

static int worker(struct task *t, void *argument)
{
    struct destination *destination = argument;
    struct deliver *d = destination->deliver;
    struct work w = {.destination = destination, .deliver = d};
    int r;

    destination->starting--;
    r = work(t, &w);

    end_connection(t, &w);
    arena_done(&w.arena);
    destination->workers--;
    d->connections--;
    condition_broadcast(&d->worker_left);
    if (r == 0 && destination->waiting > 0 && destination->rest_until_us == 0)
        line_up(destination);
    serve_line(d);
    if (destination->workers == 0 && destination->rest_until_us == 0 && destination->waiting == 0 &&
        HASH_COUNT(d->destinations) > DESTINATIONS_IDLE_MAX)
        destination_free(d, destination);
    return r == -EHOSTUNREACH || r == -ECANCELED ? 0 : r;
}

int deliver_stop(struct task *t, struct deliver *d, uint64_t grace_us)
{
    uint64_t until_us = task_now_us(t) + grace_us;
    struct destination *destination, *next;
    int r = 0;

    d->stopping = true;
    HASH_ITER (hh, d->destinations, destination, next)
        condition_broadcast(&destination->more);
    while (r == 0 && d->connections > 0 && task_now_us(t) < until_us)
        r = condition_wait_for(t, &d->worker_left, until_us - task_now_us(t));
    return r;
}
