/* A worker: takes a job of its provider, has it signed, offers it, settles it, takes the next. */
#include "deliver/inside.h"
#include "runtime/world.h"
#include "wire/return_path.h"

/* A worker waits so long for more before it leaves; others may use its connection meanwhile. */
static const uint64_t LINGER_US = 2 * SECOND_US;
/* The same, when it is only a rate that it waits for. */
static const uint64_t RATE_US = 10 * SECOND_US;

void worker_settle_all(struct deliver *d, struct arena *arena, struct queue_job *job,
                       const struct queue_outcome *outcome)
{
    struct queue_outcome *outcomes = ARENA_ARRAY(arena, struct queue_outcome, job->recipient_count);

    for (size_t i = 0; i < job->recipient_count; i++) {
        outcomes[i] = *outcome;
        if (i > 0)
            outcomes[i].tls_sessions = SLICE_NONE;
    }
    queue_settle(d->queue, job, outcomes);
}

/* Draws the consequences, then settles the job. */
static void settle(struct work *w, struct queue_job *job, struct queue_outcome *outcomes,
                   bool broken, bool data_sent)
{
    bool done = true;

    worker_tell_sessions(w, &outcomes[0]);
    if (w->provider->kind == PROVIDER_RELAY)
        done = relay_judge_outcomes(w, job, outcomes, broken, data_sent);
    else
        worker_judge(w, job, outcomes);
    if (done)
        queue_settle(w->deliver->queue, job, outcomes);
    else
        queue_return(w->deliver->queue, job);
}

/* Fills in for recipients that the link left without an answer. */
static void settle_broken(struct work *w, struct queue_job *job, struct queue_outcome *outcomes,
                          bool data_sent)
{
    struct client *client = &w->connection.client;

    for (size_t i = 0; i < job->recipient_count; i++)
        if (outcomes[i].result == 0)
            outcomes[i] = (struct queue_outcome){.result = QUEUE_DEFERRED,
                                                 .signed_by = outcomes[i].signed_by,
                                                 .ambiguous = data_sent,
                                                 .enhanced = {4, 4, 2},
                                                 .text = client->problem,
                                                 .remote = client->remote,
                                                 .tls = client->protection};
    settle(w, job, outcomes, true, data_sent);
}

/* The signature is made once a message and kept with it. */
static int ensure_signature(struct task *t, struct work *w, struct queue_job *job,
                            struct signature *ret)
{
    const char *why = NULL;
    struct queue_outcome outcome = {.result = QUEUE_DEFERRED, .enhanced = {4, 7, 5}};
    int r;

    *ret = (struct signature){SLICE_NONE, SLICE_NONE};
    if (!sign_is_wanted(&w->deliver->options->sign, job))
        return 0;
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
    outcome.withheld = r == -EKEYREVOKED;
    outcome.text =
        arena_printf(&w->arena, "the message cannot be signed: %s", why ? why : strerror(-r));
    worker_settle_all(w->deliver, &w->arena, job, &outcome);
    return -EAGAIN;
}

/* The site's MAIL FROM domain while its records are right, the platform's otherwise. */
static struct slice bounce_domain_of(const struct deliver_options *options,
                                     const struct queue_job *job)
{
    const struct directory_site *site = directory_site_by_id(options->sign.directory, job->site_id);

    return site && site->mail_from_good ? site->mail_from : options->bounce_domain;
}

/* Each recipient has its own, so a job has one recipient (queue_options.job_recipients_max). */
static struct slice return_path(struct work *w, const struct queue_job *job)
{
    const struct deliver_options *options = w->deliver->options;
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    const struct return_path path = {
        .id = job->id,
        .recipient = (uint16_t)job->recipients[0].index,
        .last_day = return_path_last_day(job->expires_us),
    };

    if (job->envelope_from.size == 0)
        return SLICE_NONE;
    assert(job->recipient_count == 1);
    return_path_write(&text, &options->return_keys->current, &path);
    buffer_add_byte(&text, '@');
    buffer_add(&text, bounce_domain_of(options, job));
    return arena_copy(&w->arena, buffer_slice(&text));
}

/* What the account sends as; servers insist on it. */
static struct slice sender_of(struct work *w, const struct queue_job *job)
{
    const struct directory_relay *relay = relay_of_key(w->deliver, job->destination);

    if (!relay || (relay->return_path_ours && job->recipient_count == 1))
        return return_path(w, job);
    return arena_copy(&w->arena, relay->outgoing_address);
}

static struct client_message message_of(struct work *w, const struct queue_job *job,
                                        const struct signature *signature)
{
    return (struct client_message){
        .envelope_from = sender_of(w, job),
        .eight_bit = job->eight_bit,
        .requiretls = job->tls_required,
        .smtputf8 = job->smtputf8,
        .envid = job->envid,
        .ret = job->ret,
        .recipients = job->recipients,
        .recipient_count = job->recipient_count,
        .signature = signature->fields,
        .content = job->content,
    };
}

/* What goes out counts against the source's plan for the day; what may have, too. */
static void note_sent(struct work *w, const struct queue_job *job,
                      const struct queue_outcome *outcomes, bool ambiguous)
{
    bool sent = ambiguous;

    for (size_t i = 0; i < job->recipient_count; i++)
        sent |= outcomes[i].result == QUEUE_DELIVERED;
    if (sent)
        sources_keep(w->deliver, &w->part);
    else
        sources_give_back(w->deliver, &w->part);
}

/* Offers one job on the standing connection. -EPIPE: the link was stale (a reused connection that
 * failed before anything was decided); the job is still ours. Otherwise the job is settled. */
static int offer(struct task *t, struct work *w, struct queue_job *job,
                 const struct signature *signature)
{
    struct queue_outcome *outcomes =
        ARENA_ARRAY(&w->arena, struct queue_outcome, job->recipient_count);
    const struct client_message message = message_of(w, job, signature);
    struct link *c = &w->connection;
    bool reused = c->client.transactions > 0, data_sent;
    int r = client_send(t, &c->client, &w->arena, &message, outcomes, &data_sent);

    note_sent(w, job, outcomes, r < 0 && data_sent);

    for (size_t i = 0; i < job->recipient_count; i++)
        outcomes[i].signed_by = signature->signed_by;
    if (r == 0) {
        settle(w, job, outcomes, false, data_sent);
        return 0;
    }
    if (reused && !data_sent && outcomes[0].result == 0 && (r == -EPIPE || r == -ECONNRESET)) {
        worker_drop(w);
        return -EPIPE;
    }
    settle_broken(w, job, outcomes, data_sent);
    worker_drop(w);
    return 0;
}

/* A site's mail goes its own way and no other: what lies at a destination of before stays there. */
static bool is_astray(const struct work *w, const struct queue_job *job)
{
    return !is_simulator(w->deliver, job->destination) &&
           relay_is_wanted(w->deliver, job->site_id) != relay_is_key(job->destination);
}

static int keep_back(struct work *w, struct queue_job *job)
{
    const struct queue_outcome outcome = {
        .result = QUEUE_DEFERRED,
        .enhanced = {4, 3, 5},
        .text = SLICE("the way that this site's mail goes out has changed since it came; it goes "
                      "on when the gateway is started again")};

    worker_settle_all(w->deliver, &w->arena, job, &outcome);
    return 0;
}

/* To connect may have taken minutes, and the client its records away meanwhile: then not a message
 * more goes out. */
static int withhold(struct work *w, struct queue_job *job, struct slice why)
{
    const struct queue_outcome outcome = {
        .result = QUEUE_DEFERRED,
        .withheld = true,
        .enhanced = {4, 7, 5},
        .text = why,
    };

    sources_give_back(w->deliver, &w->part);
    worker_settle_all(w->deliver, &w->arena, job, &outcome);
    return 0;
}

/* For the site's reputation (site/directory_quota.h). */
static bool is_stopped(const struct work *w, const struct queue_job *job)
{
    const struct directory *directory = w->deliver->options->sign.directory;
    const struct directory_site *site =
        directory ? directory_site_by_id(directory, job->site_id) : NULL;

    return site && site->quota.held && !is_simulator(w->deliver, job->destination);
}

/* A relay, or the simulator, is not one of the receivers that source addresses are warmed up
 * for. */
static bool is_admitted(const struct work *w, const struct queue_job *job)
{
    return w->provider->kind == PROVIDER_RELAY || is_simulator(w->deliver, job->destination) ||
           sources_admit(w->deliver, job->site_id);
}

static void simulate(struct work *w, struct queue_job *job, const struct signature *signature)
{
    struct queue_outcome *outcomes =
        ARENA_ARRAY(&w->arena, struct queue_outcome, job->recipient_count);

    for (size_t i = 0; i < job->recipient_count; i++) {
        outcomes[i] = simulator_answer(job->recipients[i].address);
        outcomes[i].signed_by = signature->signed_by;
    }
    queue_settle(w->deliver->queue, job, outcomes);
}

/* Nothing goes out before it is on disk that it may. */
static int announce(struct task *t, struct work *w, struct queue_job *job)
{
    int r = queue_attempt(t, w->deliver->queue, job);

    if (r < 0)
        queue_return(w->deliver->queue, job);
    return r == -EIO ? -EAGAIN : r;
}

/* From taking a job to its outcome. 0: go on; otherwise the worker ends. */
static int handle(struct task *t, struct work *w, struct queue_job *job)
{
    struct signature signature;
    int r;

    if (is_astray(w, job))
        return keep_back(w, job);
    if (is_stopped(w, job))
        return withhold(w, job,
                        SLICE("the site's mail is stopped, since too much of it came back "
                              "(letterhead reputation)"));
    if (!is_admitted(w, job)) {
        queue_return(w->deliver->queue, job);
        return 0;
    }
    r = ensure_signature(t, w, job, &signature);
    if (r == 0 && is_simulator(w->deliver, job->destination)) {
        simulate(w, job, &signature);
        return 0;
    }
    if (r == 0)
        r = announce(t, w, job);
    while (r == 0) {
        r = worker_connect(t, w, job);
        if (r == 0 && !sign_is_allowed(&w->deliver->options->sign, job))
            return withhold(w, job, SLICE("the identity is not verified any more"));
        if (r == 0)
            r = offer(t, w, job, &signature);
        if (r != -EPIPE)
            break;
        r = 0;
    }
    return r == -EAGAIN ? 0 : r;
}

/* Whether the provider may be given a message now. When only a rate forbids it, the clock rings in
 * time. */
static bool message_allowed(struct task *t, struct provider *p)
{
    uint64_t now_us = task_now_us(t);

    if (pace_bucket_take(&p->pace.messages, p->limits.messages_per_minute_max, now_us))
        return true;
    clock_set(
        p->deliver, &p->timer,
        now_us + pace_bucket_wait_us(&p->pace.messages, p->limits.messages_per_minute_max, now_us));
    return false;
}

/* Waits a moment for more work; true if there may be some. Others that had nothing to do may have
 * been faster, so a wake-up alone means nothing. */
static bool linger(struct task *t, struct work *w, bool rate)
{
    struct provider *p = w->provider;
    uint64_t until_us = task_now_us(t) + (rate ? RATE_US : LINGER_US);
    int r = 0;

    if (!rate)
        p->waiting = 0;
    p->lingering++;
    w->lingering = true;
    do
        r = condition_wait_for(t, &p->more, until_us - task_now_us(t));
    while (r == 0 && !rate && p->waiting == 0 && !w->deliver->stopping &&
           !p->pace.back_off_until_us && !p->suspended && task_now_us(t) < until_us);
    w->lingering = false;
    p->lingering--;
    return r == 0 && p->waiting > 0 && !w->deliver->stopping && task_now_us(t) < until_us;
}

/* True if this worker is one too many, or its provider wants to be left alone. */
static bool is_surplus(const struct work *w)
{
    return provider_has_surplus(w->provider);
}

/* Ends a connection that has done its share. True if the worker goes as well. */
static bool renew(struct task *t, struct work *w)
{
    struct link *c = &w->connection;

    if (!c->connected || (!c->client.closing &&
                          c->client.transactions < w->provider->limits.messages_per_connection_max))
        return false;
    worker_disconnect(t, w);
    return provider_line_waits(w->deliver); /* others wait for a connection, too */
}

/* The next job; NULL: none, the worker goes. */
static int next_job(struct task *t, struct work *w, struct queue_job **ret)
{
    struct provider *p = w->provider;
    int r = 0;

    *ret = NULL;
    while (r == 0 && !*ret) {
        bool rate = false;

        if (is_surplus(w) || w->deliver->stopping)
            return 0;
        rate = !message_allowed(t, p);
        if (!rate)
            r = queue_take(t, w->deliver->queue, provider_name(p), w->connection.first, ret);
        if (r == 0 && !*ret && !rate)
            pace_bucket_give_back(&p->pace.messages);
        if (r == 0 && !*ret && !linger(t, w, rate))
            return task_check(t);
    }
    return r;
}

static int work(struct task *t, struct work *w)
{
    struct queue_job *job;
    int r;

    for (;;) {
        if (renew(t, w))
            return 0;
        r = next_job(t, w, &job);
        if (r < 0 || !job)
            return r;
        w->begun_us = task_now_us(t);
        r = handle(t, w, job);
        arena_done(&w->arena);
        if (r < 0)
            return r;
    }
}

/* Others may go on where this one ends. */
static void leave(struct work *w)
{
    struct provider *p = w->provider;
    struct deliver *d = w->deliver;

    list_remove(&w->link);
    p->workers--;
    d->connections--;
    condition_broadcast(&d->worker_left);
    if (p->waiting > 0 && !p->pace.back_off_until_us)
        provider_line_up(p);
    provider_serve_line(d);
    provider_release(p);
}

int worker_main(struct task *t, void *argument)
{
    struct provider *p = argument;
    struct work w = {.provider = p, .deliver = p->deliver};
    int r;

    p->starting--;
    list_add_last(&p->works, &w.link);
    r = work(t, &w);
    worker_disconnect(t, &w);
    arena_done(&w.arena);
    buffer_done(&w.tls_sessions);
    leave(&w);
    return r == -EHOSTUNREACH || r == -ECANCELED ? 0 : r;
}
