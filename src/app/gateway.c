#include "app/gateway.h"

#include "base/log.h"
#include "deliver/shaping_remote.h"
#include "queue/pump.h"
#include "queue/remote.h"
#include "site/return_keys.h"
#include "submit/remote.h"
#include "submit/report_sender.h"
#include "submit/status.h"
#include "wire/ipc.h"

static const uint64_t STOP_DELIVERY_US = 10 * SECOND_US;
static const uint64_t LOOK_AT_DRAIN_US = SECOND_US;

struct gateway {
    struct gateway_options options;
    struct peer *vault, *steward;
    struct directory *directory;
    struct return_keys return_keys;
    struct queue *queue;
    struct transport *transport;
    struct deliver *deliver;
    struct submit_service *submit;
    struct submit_remote *remote;
    struct inbound_service inbound;
    struct report_sender reports;
    struct condition changed; /* the directory or the shaping came, or it is time to end */
    bool ending;
    int result; /* why it ends, when nobody asked for it */
};

static int answer_status(struct task *t, struct gateway *g, struct buffer *reply)
{
    struct submit_status status;
    int r = queue_remote_request(t, g->queue, IPC_GATEWAY_STATUS, SLICE_NONE, reply);

    if (r == 0 && !g->submit)
        r = -EAGAIN;
    if (r < 0)
        return r;
    submit_status_of(g->submit, &g->inbound, &status);
    submit_status_write(reply, &status);
    transport_status_write(g->transport, reply);
    return 0;
}

/* Whether there is anything that the site may send as, and it is not stopped. */
static bool may_send(const struct directory_site *site)
{
    for (size_t i = 0; site && !site->quota.held && i < site->identity_count; i++)
        if (site->identities[i].sending)
            return true;
    return false;
}

/* Mail that waited for an identity of the site to be verified again goes out now. */
static int site_changed(struct task *t, struct gateway *g, uint64_t site_id)
{
    deliver_site_changed(g->deliver, site_id);
    if (!g->queue || !may_send(directory_site_by_id(g->directory, site_id)))
        return 0;
    return queue_release_withheld(t, g->queue, site_id);
}

static int apply_directory(struct task *t, struct gateway *g, uint8_t type, struct slice body)
{
    struct cursor c = cursor_of(body);
    int r = directory_apply(g->directory, type, body);

    condition_broadcast(&g->changed);
    if (r < 0)
        return r;
    if (type == IPC_DIRECTORY_SITE || type == IPC_DIRECTORY_REMOVE)
        return site_changed(t, g, cursor_u64(&c)); /* which both begin with */
    if (type == IPC_DIRECTORY_END)
        deliver_sites_changed(g->deliver);
    return 0;
}

/* What the steward asks. Until the queue is open only the directory can be served. */
static int steward_request(struct task *t, void *context, uint8_t type, struct slice body,
                           struct buffer *reply)
{
    struct gateway *g = context;
    int r;

    switch (type) {
    case IPC_DIRECTORY_BEGIN:
    case IPC_DIRECTORY_SITE:
    case IPC_DIRECTORY_REMOVE:
    case IPC_DIRECTORY_SUPPRESSED:
    case IPC_DIRECTORY_END:
        return apply_directory(t, g, type, body);
    case IPC_RETURN_KEYS:
        r = return_keys_apply(&g->return_keys, body);
        condition_broadcast(&g->changed);
        return r;
    case IPC_SUBMIT_BEGIN:
    case IPC_SUBMIT_CONTENT:
    case IPC_SUBMIT_END:
        return g->remote ? submit_remote_request(t, g->remote, type, body, reply) : -EAGAIN;
    case IPC_GATEWAY_STATUS:
        return g->queue ? answer_status(t, g, reply) : -EAGAIN;
    case IPC_SHAPING:
        r = g->deliver ? deliver_shaping_request(t, g->deliver, type, body, reply) : -EAGAIN;
        condition_broadcast(&g->changed);
        return r;
    case IPC_SHAPING_SUSPEND:
    case IPC_SHAPING_LIST:
    case IPC_SHAPING_SHOW:
    case IPC_SHAPING_SENT:
        return g->deliver ? deliver_shaping_request(t, g->deliver, type, body, reply) : -EAGAIN;
    case IPC_QUEUE_ACT:
        /* Whoever asks for a retry does not mean: when the destination has rested. */
        if (g->queue)
            deliver_wake(g->deliver);
        __attribute__((fallthrough));
    default:
        return g->queue ? queue_remote_request(t, g->queue, type, body, reply) : -EAGAIN;
    }
}

static int vault_request(struct task *t, void *context, uint8_t type, struct slice body,
                         struct buffer *reply)
{
    (void)t;
    (void)context;
    (void)type;
    (void)body;
    (void)reply;
    return -EPERM; /* the vault answers; it never asks */
}

static void meet_neighbours(struct scope *scope, struct gateway *g)
{
    const struct peer_handlers to_steward = {.request = steward_request, .context = g};
    const struct peer_handlers to_vault = {.request = vault_request, .context = g};

    g->directory = directory_new();
    g->vault = peer_new(scope, "vault", g->options.vault_socket, &to_vault);
    g->steward = peer_new(scope, "steward", g->options.steward_socket, &to_steward);
}

/* --- What came back is for the steward; all else is for delivery. --- */

static bool is_inbound(struct slice name)
{
    return slice_equal(name, SLICE(INBOUND_POOL));
}

static void queue_destination(void *context, uint64_t site_id, struct slice domain,
                              struct buffer *ret_key)
{
    struct gateway *g = context;

    if (site_id == INBOUND_SITE)
        buffer_add(ret_key, SLICE(INBOUND_POOL));
    else
        deliver_destination(g->deliver, site_id, domain, ret_key);
}

static void queue_pool(void *context, struct slice destination, struct buffer *ret_key)
{
    struct gateway *g = context;

    if (is_inbound(destination))
        buffer_add(ret_key, destination);
    else
        deliver_pool(g->deliver, destination, ret_key);
}

static size_t queue_job_recipients(void *context, struct slice destination)
{
    struct gateway *g = context;

    return is_inbound(destination) ? 1 : deliver_job_recipients(g->deliver, destination);
}

static void queue_due(void *context, struct slice pool, size_t ready)
{
    struct gateway *g = context;

    if (is_inbound(pool))
        condition_broadcast(&g->reports.more);
    else
        deliver_due(g->deliver, pool, ready);
}

static void queue_holding(void *context, struct slice pool, uint64_t site_id, struct buffer *ret)
{
    struct gateway *g = context;

    if (is_inbound(pool))
        buffer_add(ret, SLICE("the steward has not taken it yet"));
    else
        deliver_holding(g->deliver, pool, site_id, ret);
}

/* Of no site, and on no site's list. */
static bool queue_suppressed(void *context, uint64_t site_id, struct slice address)
{
    struct gateway *g = context;

    return site_id != INBOUND_SITE && deliver_suppressed(g->deliver, site_id, address);
}

static void prepare_delivery(struct gateway *g)
{
    g->options.deliver.sign = (struct sign_options){g->directory, g->vault};
    g->options.deliver.return_keys = &g->return_keys.keys;
    g->options.queue.job_recipients_max = 1; /* each has a return path of its own */
    g->transport = transport_new(&g->options.transport, g->steward);
    g->options.deliver.tls_policy = transport_policy(g->transport);
    g->deliver = deliver_new(&g->options.deliver);
    g->options.queue.job_recipients = queue_job_recipients;
    g->options.queue.destination = queue_destination;
    g->options.queue.pool = queue_pool;
    g->options.queue.due = queue_due;
    g->options.queue.holding = queue_holding;
    g->options.queue.suppressed = queue_suppressed;
    g->options.queue.context = g;
}

/* Where a site's mail goes depends on what the directory says of the site, and the queue asks that
 * of all mail as soon as it is read. */
static int open_queue(struct task *t, struct scope *scope, struct gateway *g)
{
    int r = 0;

    while (r == 0 && !directory_ready(g->directory) && !g->ending)
        r = condition_wait(t, &g->changed);
    if (r == 0 && !g->ending)
        r = queue_open(t, scope, &g->options.queue, &g->queue);
    return r;
}

static void open_submission(struct task *t, struct gateway *g)
{
    g->options.submit.directory = g->directory;
    g->options.submit.vault = g->vault;
    g->options.submit.queue = g->queue;
    g->submit = submit_service_new(t, &g->options.submit);
    if (!g->options.draining)
        g->remote = submit_remote_new(g->submit);
}

static void open_inbound(struct gateway *g)
{
    g->options.inbound.keys = &g->return_keys.keys;
    g->options.inbound.queue = g->queue;
    g->options.inbound.directory = g->directory;
    inbound_init(&g->inbound, &g->options.inbound);
    g->reports.queue = g->queue;
    g->reports.steward = g->steward;
}

static void end(struct gateway *g, int result)
{
    if (!g->ending)
        g->result = result;
    g->ending = true;
    condition_broadcast(&g->changed);
}

static int serve(struct task *t, void *argument)
{
    struct gateway *g = argument;
    int r = submit_serve(t, g->submit, g->options.listeners, g->options.listener_count);

    end(g, r == -ECANCELED ? 0 : r);
    return r;
}

static int serve_inbound(struct task *t, void *argument)
{
    struct gateway *g = argument;
    int r = inbound_serve(t, &g->inbound, g->options.inbound_listeners,
                          g->options.inbound_listener_count);

    end(g, r == -ECANCELED ? 0 : r);
    return r;
}

static int hand_over(struct task *t, void *argument)
{
    struct gateway *g = argument;

    return report_sender_run(t, &g->reports);
}

/* The steward must know before the end, since it would wait for answers. */
static int tell_drained(struct task *t, struct gateway *g)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;

    return peer_call(t, g->steward, IPC_GATEWAY_DRAINED, SLICE_NONE, &reply);
}

static int drain(struct task *t, void *argument)
{
    struct gateway *g = argument;
    int r = 0;

    while (r == 0 && !queue_pump_is_done(g->queue))
        r = task_sleep(t, LOOK_AT_DRAIN_US);
    if (r == 0)
        r = tell_drained(t, g);
    if (r == 0)
        log_info("the spool is empty");
    end(g, r == -ECANCELED ? 0 : r < 0 ? r : GATEWAY_DRAINED);
    return r;
}

static int wait_for_stop(struct task *t, void *argument)
{
    struct gateway *g = argument;
    int r = g->options.wait_for_stop(t, g->options.context);

    end(g, 0);
    return r;
}

static int pump(struct task *t, void *argument)
{
    struct gateway *g = argument;

    return queue_pump_run(t, g->queue, g->steward);
}

static int tell_sent(struct task *t, void *argument)
{
    struct gateway *g = argument;

    return deliver_tell_sent(t, g->deliver, g->steward);
}

static int tell_relays(struct task *t, void *argument)
{
    struct gateway *g = argument;

    return deliver_tell_relays(t, g->deliver, g->steward);
}

/* Before that it is not known what to sign by, which address mail is to go out from, or where
 * bounces are to come back to. */
static bool knows_enough(const struct gateway *g)
{
    return directory_ready(g->directory) && deliver_is_shaped(g->deliver) &&
           return_keys_known(&g->return_keys);
}

/* From here on mail flows, out and in at the same time. */
static int work(struct task *t, struct gateway *g)
{
    CLEANUP(scope_close) struct scope delivery, front;
    int r;

    scope_open(&delivery, t);
    scope_open(&front, t);
    r = scope_spawn(&delivery, "events", pump, g);
    while (r == 0 && !knows_enough(g) && !g->ending)
        r = condition_wait(t, &g->changed);
    if (r < 0 || g->ending)
        return r;
    log_info("the directory of sites is here; mail is %sdelivered",
             g->options.draining ? "" : "taken and ");
    r = transport_start(g->transport, &delivery);
    if (r < 0)
        return r;
    deliver_start(g->deliver, &delivery, g->queue);
    r = scope_spawn(&delivery, "what was sent", tell_sent, g);
    if (r == 0)
        r = scope_spawn(&delivery, "relays", tell_relays, g);
    if (r == 0)
        r = scope_spawn(&delivery, "reports", hand_over, g);
    if (r < 0)
        return r;
    r = g->options.draining ? scope_spawn(&front, "drain", drain, g)
                            : scope_spawn(&front, "submission", serve, g);
    if (r == 0 && !g->options.draining && g->options.inbound_listener_count)
        r = scope_spawn(&front, "inbound", serve_inbound, g);
    while (r == 0 && !g->ending)
        r = condition_wait(t, &g->changed);
    scope_cancel(&front);
    scope_close(&front);
    if (r == 0)
        r = deliver_stop(t, g->deliver, STOP_DELIVERY_US);
    if (r == 0)
        r = deliver_tell_sent_last(t, g->deliver, g->steward);
    if (r == 0)
        r = deliver_tell_relays_last(t, g->deliver, g->steward);
    return r < 0 ? r : g->result;
}

int gateway_run(struct task *t, const struct gateway_options *options)
{
    struct gateway g = {.options = *options};
    CLEANUP(scope_close) struct scope core, neighbours, watch;
    int r;

    scope_open(&core, t);
    scope_open(&neighbours, t);
    scope_open(&watch, t);
    meet_neighbours(&neighbours, &g);
    prepare_delivery(&g);
    r = scope_spawn(&watch, "wait for stop", wait_for_stop, &g);
    if (r == 0)
        r = open_queue(t, &core, &g);
    if (r == 0 && g.queue) {
        open_submission(t, &g);
        open_inbound(&g);
        r = work(t, &g);
        scope_close(&neighbours); /* what they ask for works on what is freed now */
        submit_remote_free(TAKE(g.remote));
        submit_service_free(TAKE(g.submit));
        queue_close(t, TAKE(g.queue));
    }
    scope_close(&watch);
    scope_close(&neighbours);
    scope_close(&core);
    deliver_free(g.deliver);
    transport_free(g.transport);
    peer_free(g.steward);
    peer_free(g.vault);
    directory_free(g.directory);
    return_keys_done(&g.return_keys);
    return r < 0 ? r : g.result;
}
