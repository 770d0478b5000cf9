/* A connection to a site's relay: the host from the directory, its addresses looked up anew and
 * judged by the address policy, TLS verified by the host's name, signed in by the vault. */
#include "deliver/client_auth.h"
#include "deliver/inside.h"

/* The account, copied: the directory may change while somebody is waited for. */
struct call {
    const struct directory_relay *relay;
    struct client_vault_account account;
    struct tls_plan plan;
    struct slice why;     /* it did not work */
    bool sign_in_refused; /* for good, by the server's word */
    bool too_often;       /* by our own vault's word: the account is not to blame */
};

static struct directory_relay *copy_relay(struct arena *arena, const struct directory_relay *relay)
{
    struct directory_relay *copy = ARENA_NEW(arena, struct directory_relay);

    *copy = *relay;
    copy->host = arena_copy(arena, relay->host);
    copy->user = arena_copy(arena, relay->user);
    copy->sealed = arena_copy(arena, relay->sealed);
    return copy;
}

static void prepare(struct work *w, const struct queue_job *job,
                    const struct directory_relay *relay, struct call *call)
{
    const struct directory_relay *copy = copy_relay(&w->arena, relay);

    *call = (struct call){
        .relay = copy,
        .account = {.vault = w->deliver->options->sign.vault,
                    .relay = {job->site_id, copy->id, copy->host},
                    .sealed = copy->sealed,
                    .user = copy->user},
        .plan = {.kind = TLS_PLAN_AUTHORITIES,
                 .reported = WIRE_TLS_NO_POLICY,
                 .by =
                     arena_printf(&w->arena, "the site's account (%llu.%llu)",
                                  (unsigned long long)copy->id, (unsigned long long)copy->version),
                 .server_name = copy->host},
    };
}

static struct slice words_of(struct work *w, struct client *c, const struct client_auth *auth)
{
    switch (auth->verdict) {
    case CLIENT_AUTH_REFUSED:
    case CLIENT_AUTH_NO_SENSE:
        return arena_printf(
            &w->arena, "signing in was refused: %.*s",
            SLICE_ARG(wire_reply_escape(&c->arena, &auth->reply, QUEUE_TEXT_BYTES / 2)));
    case CLIENT_AUTH_NOT_OFFERED:
        return SLICE("the server does not offer to sign in");
    case CLIENT_AUTH_NO_MECHANISM:
        return SLICE("the server offers no way to sign in that Letterhead can use");
    default:
        return SLICE("the connection is not protected, so nothing was said of the password");
    }
}

static int sign_in(struct task *t, struct work *w, struct call *call)
{
    const struct client_account account = client_account_of_vault(&call->account);
    struct client *c = &w->connection.client;
    struct client_auth auth;
    int r = client_auth(t, c, &account, &auth);

    if (r < 0) {
        call->why = arena_copy(&w->arena, c->problem);
        call->too_often = r == -EDQUOT;
        if (call->too_often)
            return -EACCES;
        return task_check(t) < 0 ? -ECANCELED : -EHOSTUNREACH;
    }
    if (auth.verdict == CLIENT_AUTH_ACCEPTED)
        return 0;
    call->why = words_of(w, c, &auth);
    call->sign_in_refused = wire_reply_class(auth.reply.code) == SMTP_CLASS_PERMANENT;
    return -EACCES;
}

/* -EHOSTUNREACH: another address may do better; -EACCES: none will. */
static int try_address(struct task *t, struct work *w, const struct endpoint *address,
                       struct call *call)
{
    const struct deliver_options *o = w->deliver->options;
    struct client *c = &w->connection.client;
    const struct client_options options = {
        .hostname = o->hostname,
        .tls_context = o->relay_tls_context,
        .tls = call->relay->implicit_tls ? CLIENT_TLS_FIRST : CLIENT_TLS_PLANNED,
        .plan = &call->plan,
        .host_name = call->relay->host,
        .address = *address,
    };
    int r = client_dial(t, &options, c);

    if (r == 0)
        r = sign_in(t, w, call);
    else
        call->why = arena_copy(&w->arena, c->problem);
    if (r == 0)
        return 0;
    client_close(c);
    if (task_check(t) < 0)
        return -ECANCELED;
    return r == -EACCES ? r : -EHOSTUNREACH;
}

static int try_addresses(struct task *t, struct work *w, struct call *call)
{
    const struct deliver_options *o = w->deliver->options;
    struct route route;
    int r = route_find_host(t, &w->arena, &o->route, call->relay->host, call->relay->port, &route);

    if (r < 0)
        return r;
    if (route.host_count == 0)
        call->why = route.failure.text;
    else if (!o->relay_tls_context)
        call->why = SLICE("this gateway has no TLS");
    r = -EHOSTUNREACH;
    for (size_t i = 0; o->relay_tls_context && route.host_count &&
                       i < route.hosts[0].address_count && r == -EHOSTUNREACH;
         i++)
        r = try_address(t, w, &route.hosts[0].addresses[i], call);
    return r;
}

/* The first job tells the reason in its story; what waits behind it is not touched. */
static void settle_trouble(struct work *w, struct queue_job *job, const struct call *call)
{
    const struct queue_outcome outcome = {
        .result = QUEUE_DEFERRED,
        .enhanced = {4, 3, 5}, /* RFC 3463 §3.4: a set-up that is wrong */
        .text = arena_printf(&w->arena, "the site's SMTP account cannot be used: %.*s",
                             SLICE_ARG(call->why)),
        .remote =
            arena_printf(&w->arena, "%.*s:%u", SLICE_ARG(call->relay->host), call->relay->port),
    };

    struct account *a = account_get(w->deliver, job->destination);
    bool news = account_is_news(a, job, call->why);

    account_trouble(w, a, call->why, call->sign_in_refused);
    if (news)
        worker_settle_all(w->deliver, &w->arena, job, &outcome);
    else
        queue_return(w->deliver->queue, job);
}

static void note_success(struct task *t, struct work *w, const struct queue_job *job)
{
    struct provider *p = w->provider;

    w->connection.connected = true;
    w->connection.route = table_hash(provider_name(p));
    w->connection.wish = TLS_WISH_VERIFIED;
    w->connection.first = arena_copy(&w->connection.client.arena, job->destination);
    p->good_us = task_now_us(t);
    account_get(w->deliver, job->destination)->refusals = 0;
    if (provider_pace_proved(&p->pace, &p->limits))
        provider_staff(p);
}

static int open_connection(struct task *t, struct work *w, struct queue_job *job)
{
    const struct directory_relay *relay = relay_of_key(w->deliver, job->destination);
    struct call *call = ARENA_NEW(&w->arena, struct call);
    int r;

    worker_disconnect(t, w);
    prepare(w, job, relay, call);
    r = try_addresses(t, w, call);
    if (r == 0) {
        note_success(t, w, job);
        return 0;
    }
    if ((r == -EHOSTUNREACH || r == -EACCES) && !call->too_often)
        settle_trouble(w, job, call);
    else
        queue_return(w->deliver->queue, job);
    if (call->too_often)
        provider_back_off(w->provider, 0, w->begun_us, call->why);
    return r == -EACCES ? -EHOSTUNREACH : r;
}

static bool fits(const struct work *w)
{
    const struct link *c = &w->connection;

    return c->connected && !c->client.closing && c->route == table_hash(provider_name(w->provider));
}

/* The account has changed, or must not be used any more, since this job was on its way here. */
static bool is_still_ours(const struct work *w, const struct queue_job *job)
{
    const struct destination *dest = destination_get(w->deliver, job->destination);

    return dest->provider == w->provider && !dest->suspended && !dest->rest_until_us &&
           provider_connections(w->provider) > 0 && relay_of_key(w->deliver, job->destination);
}

int relay_connect(struct task *t, struct work *w, struct queue_job *job)
{
    struct account *a = account_get(w->deliver, job->destination);

    if (!is_still_ours(w, job)) {
        queue_return(w->deliver->queue, job);
        return -EAGAIN;
    }
    if (!account_is_open(w, a, job->recipient_count)) {
        queue_return(w->deliver->queue, job);
        return -EHOSTUNREACH;
    }
    return fits(w) ? 0 : open_connection(t, w, job);
}
