/* STARTTLS as the plan says (deliver/tls_policy.h), and what came of it: words for people, and a
 * line for TLS reports. */
#include "deliver/client_inside.h"

static const uint64_t HANDSHAKE_US = 60 * SECOND_US;

/* RFC 3463 §3.8, as other servers use them: security that is not supported; cryptography that
 * failed. */
static const struct smtp_status NO_TLS = {4, 7, 4}, BAD_TLS = {4, 7, 5};

static const struct tls_plan opportunistic = {.kind = TLS_PLAN_OPPORTUNISTIC,
                                              .reported = WIRE_TLS_NO_POLICY};

static const struct tls_plan *plan_of(const struct client_options *options)
{
    return options->plan ? options->plan : &opportunistic;
}

/* The first finding counts: what the policy had against the host, then what the server did. */
static void find(struct client *c, enum wire_tls_result finding, struct slice reason)
{
    if (c->tls_result)
        return;
    c->tls_result = finding;
    c->tls_reason = reason;
}

/* Without TLS, or without a good certificate, the plan gives this host no mail. */
static int insist(const struct tls_plan *plan, struct client *c, struct smtp_status status,
                  struct slice what)
{
    c->problem = arena_printf(&c->arena, "%.*s, but %.*s demands TLS%s", SLICE_ARG(what),
                              SLICE_ARG(plan->by),
                              plan->kind == TLS_PLAN_ENCRYPTED ? "" : " with a valid certificate");
    c->problem_code = 0;
    c->problem_status = status;
    return -ECONNABORTED;
}

static int no_tls(const struct tls_plan *plan, struct client *c, enum wire_tls_result finding,
                  struct slice what)
{
    find(c, finding, what);
    return tls_plan_insists(plan) ? insist(plan, c, NO_TLS, what) : 0;
}

static const enum tls_judge judges[] = {
    [TLS_PLAN_OPPORTUNISTIC] = TLS_ANY, [TLS_PLAN_OBSERVED] = TLS_OBSERVE,
    [TLS_PLAN_ENCRYPTED] = TLS_ANY,     [TLS_PLAN_AUTHORITIES] = TLS_AUTHORITIES,
    [TLS_PLAN_DANE] = TLS_DANE,
};

/* Sessions are resumed at the same address, from the same source, by the same policy. */
static struct slice session_key(const struct client_options *options, const struct tls_plan *plan,
                                struct client *c)
{
    char source[ENDPOINT_TEXT_BYTES] = "", target[ENDPOINT_TEXT_BYTES];

    if (options->source)
        endpoint_format_address(options->source, source);
    endpoint_format_address(&options->address, target);
    return arena_printf(&c->arena, "%s %s %u %d %d %.*s", source, target, options->address.port,
                        plan->kind, plan->reported, SLICE_ARG(plan->by));
}

static int handshake(struct task *t, const struct client_options *options,
                     const struct tls_plan *plan, struct client *c)
{
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, HANDSHAKE_US);
    const struct tls_demand demand = {
        .judge = judges[plan->kind],
        .server_name = plan->server_name.size ? plan->server_name : options->host_name,
        .other_names = plan->other_names,
        .other_name_count = plan->other_name_count,
        .records = plan->records,
        .record_count = plan->record_count,
        .session_key = session_key(options, plan, c),
    };

    return stream_start_tls_demanding(t, c->stream, options->tls_context, &demand);
}

/* Its words, or those for an errno. */
static struct slice handshake_words(struct client *c, int r)
{
    const char *words = stream_tls_error(c->stream);

    if (r == -EPROTO && !*words) /* RFC 3207 §6, CVE-2011-0411 */
        words = "The server sent more than its answer to STARTTLS before TLS began.";
    return arena_printf(&c->arena, "TLS handshake: %s",
                        *words            ? words
                        : r == -ETIMEDOUT ? "no answer in time"
                                          : strerror(-r));
}

static int handshake_failed(const struct tls_plan *plan, struct client *c, int r)
{
    enum wire_tls_result finding = stream_tls_result(c->stream);
    struct slice words;

    if (r == -ECANCELED)
        return client_problem(c, r, "TLS handshake");
    words = handshake_words(c, r);
    find(c, finding ? finding : WIRE_TLS_VALIDATION_FAILURE, words);
    if (tls_plan_insists(plan))
        return insist(plan, c, BAD_TLS, words);
    c->tls_failed = true;
    c->problem = words;
    c->problem_code = 0;
    return r;
}

/* What was agreed, for events: "TLSv1.3", and who vouches for the server. */
static void note_success(const struct tls_plan *plan, struct client *c)
{
    const char *vouched = plan->kind == TLS_PLAN_DANE          ? ", verified by DANE"
                          : plan->kind == TLS_PLAN_AUTHORITIES ? ", verified"
                                                               : "";

    c->verified = *vouched != 0;
    c->protection = arena_printf(&c->arena, "%s%s", stream_tls_version(c->stream), vouched);
    if (stream_tls_result(c->stream)) /* observed only */
        find(c, stream_tls_result(c->stream),
             arena_printf(&c->arena, "%s", stream_tls_error(c->stream)));
}

static int shake_hands(struct task *t, const struct client_options *options,
                       const struct tls_plan *plan, struct client *c)
{
    int r;

    c->stage = CLIENT_STAGE_HANDSHAKE;
    r = handshake(t, options, plan, c);
    if (r < 0)
        return handshake_failed(plan, c, r);
    note_success(plan, c);
    return 0;
}

/* After a handshake both sides forget what was said before it (RFC 3207 §4.2). */
static int go_under_tls(struct task *t, const struct client_options *options,
                        const struct tls_plan *plan, struct client *c)
{
    int r = shake_hands(t, options, plan, c);

    c->capabilities_in_clear = c->capabilities;
    return r == 0 ? client_hello(t, options, c) : r;
}

int client_start_tls_first(struct task *t, const struct client_options *options, struct client *c)
{
    assert(options->tls_context && plan_of(options)->kind != TLS_PLAN_FORBIDDEN);
    c->tls_asked = true;
    return shake_hands(t, options, plan_of(options), c);
}

/* A server that refuses STARTTLS, or says something else, leaves a connection in clear that is
 * still good, unless the plan insists. */
static int ask_for_tls(struct task *t, const struct client_options *options,
                       const struct tls_plan *plan, struct client *c)
{
    struct smtp_reply reply;
    int r;

    r = client_send_command(t, c, SLICE("STARTTLS\r\n"), "sending STARTTLS");
    if (r == 0)
        r = client_read_reply(t, c, CLIENT_COMMAND_US, "waiting for the answer to STARTTLS",
                              &reply);
    if (r < 0) {
        find(c, WIRE_TLS_VALIDATION_FAILURE, c->problem);
        return r;
    }
    if (reply.code == 220)
        return go_under_tls(t, options, plan, c);
    return no_tls(plan, c, WIRE_TLS_STARTTLS_NOT_SUPPORTED,
                  arena_printf(&c->arena, "STARTTLS was refused: %.*s",
                               SLICE_ARG(wire_reply_escape(&c->arena, &reply, 200))));
}

static bool lacks_requiretls(const struct tls_plan *plan, struct client *c)
{
    static const struct smtp_status required = {5, 7, 30}; /* RFC 8689 §6 */

    if (!plan->requiretls || c->capabilities.requiretls)
        return false;
    c->problem = SLICE("the message demands TLS all the way (REQUIRETLS), and the server does not "
                       "offer that");
    c->problem_code = 0;
    c->problem_status = required;
    return true;
}

int client_start_tls(struct task *t, const struct client_options *options, struct client *c)
{
    const struct tls_plan *plan = plan_of(options);
    int r;

    assert(plan->kind != TLS_PLAN_FORBIDDEN);
    if (options->tls == CLIENT_TLS_FIRST)
        return 0;
    if (options->tls == CLIENT_TLS_NONE || !options->tls_context) {
        assert(!tls_plan_insists(plan));
        return 0;
    }
    c->tls_asked = true;
    c->stage = CLIENT_STAGE_STARTTLS;
    find(c, plan->finding, arena_copy(&c->arena, plan->why));
    if (c->capabilities.starttls)
        r = ask_for_tls(t, options, plan, c);
    else
        r = no_tls(plan, c, WIRE_TLS_STARTTLS_NOT_SUPPORTED,
                   SLICE("the server does not offer STARTTLS"));
    if (r == 0 && lacks_requiretls(plan, c))
        return -ECONNABORTED;
    return r;
}

static struct slice address_text(struct arena *arena, const struct endpoint *address)
{
    char text[ENDPOINT_TEXT_BYTES];

    if (!address->family)
        return SLICE_NONE;
    endpoint_format_address(address, text);
    return arena_printf(arena, "%s", text);
}

void client_report(struct client *c, const struct client_options *options, struct slice domain,
                   struct buffer *sessions)
{
    if (!c->tls_asked || domain.size == 0)
        return;
    wire_tls_session_write(sessions,
                           &(struct wire_tls_session){
                               .policy = plan_of(options)->reported,
                               .result = c->tls_result,
                               .domain = domain,
                               .mx_host = options->host_name,
                               .sending_ip = address_text(&c->arena, stream_local(c->stream)),
                               .receiving_ip = address_text(&c->arena, &options->address),
                               .reason = c->tls_reason,
                           });
    c->tls_asked = false;
}

int client_reach(struct task *t, struct client_options *options, struct slice domain,
                 struct buffer *sessions, struct client *c)
{
    int r = client_dial(t, options, c);

    client_report(c, options, domain, sessions);
    if (r == 0 || !c->tls_failed || tls_plan_insists(plan_of(options)))
        return r;
    client_close(c);
    options->tls = CLIENT_TLS_NONE;
    return client_dial(t, options, c);
}
