/* Does the server relay for strangers? A session without signing in asks about mail to a foreign
 * address, openly and in the disguises that open relays have fallen for. It never sends DATA.
 *
 * A disguise is an address within the client's own domain. A server that takes every local part of
 * that domain, to bounce it later, takes the disguise too, which proves nothing: so it is asked
 * about a mailbox that nobody has, for comparison. */
#include "onboard/probe_inside.h"

enum { DISGUISES = 5, RECIPIENTS = DISGUISES + 2 };

struct questions {
    struct slice recipients[RECIPIENTS]; /* openly; nobody's mailbox; disguised */
    const char *names[RECIPIENTS];
};

enum { OPENLY, NOBODY, FIRST_DISGUISE };

static struct slice domain_of(struct slice address)
{
    ssize_t at = slice_find_last(address, '@');

    return slice_part(address, (size_t)(at + 1), address.size);
}

static struct questions make_questions(struct probe *p)
{
    struct slice own = domain_of(p->account->outgoing_address), away = p->service->hostname;
    struct arena *a = p->arena;

    return (struct questions){
        .recipients =
            {
                arena_printf(a, "relay-test@%.*s", SLICE_ARG(away)),
                arena_printf(a, "no-such-mailbox-7d1f40@%.*s", SLICE_ARG(own)),
                arena_printf(a, "relay-test%%%.*s@%.*s", SLICE_ARG(away), SLICE_ARG(own)),
                arena_printf(a, "relay-test%%%.*s@%.*s", SLICE_ARG(away),
                             SLICE_ARG(p->account->host)),
                arena_printf(a, "@%.*s:relay-test@%.*s", SLICE_ARG(own), SLICE_ARG(away)),
                arena_printf(a, "\"relay-test@%.*s\"@%.*s", SLICE_ARG(away), SLICE_ARG(own)),
                arena_printf(a, "%.*s!relay-test@%.*s", SLICE_ARG(away), SLICE_ARG(own)),
            },
        .names = {"openly", "nobody's mailbox", "percent hack", "percent hack at the server's name",
                  "source route", "quoted", "bang path"},
    };
}

static bool is_taken(const struct smtp_reply *reply)
{
    return wire_reply_class(reply->code) == SMTP_CLASS_SUCCESS;
}

static bool is_put_off(const struct smtp_reply *reply)
{
    return wire_reply_class(reply->code) == SMTP_CLASS_TRANSIENT;
}

/* What the two askings came to: from the outgoing address and from a stranger. */
struct answers {
    struct client_answer outgoing, stranger;
};

static void is_open(struct probe *p, const char *how, struct slice sender, struct slice recipient,
                    const struct smtp_reply *reply)
{
    probe_fail(
        p, PROBE_OPEN_RELAY, "open-relay",
        arena_printf(p->arena,
                     "The server is an open relay: without signing in, it takes mail for anybody "
                     "(%s). No mail is sent through it until that is mended.",
                     how),
        SLICE(
            "Let the server take mail to other domains only from those who signed in (Postfix: "
            "smtpd_relay_restrictions = permit_sasl_authenticated, reject). Mend it at once: such "
            "servers are found and used by senders of spam within days, and then blocked."),
        arena_printf(p->arena, "MAIL FROM:<%.*s>, RCPT TO:<%.*s>: %.*s", SLICE_ARG(sender),
                     SLICE_ARG(recipient), SLICE_ARG(probe_reply(p, reply))));
}

/* True when it was found open. */
static bool judge_one(struct probe *p, const struct questions *q, const struct answers *a)
{
    struct slice stranger =
        arena_printf(p->arena, "stranger@%.*s", SLICE_ARG(p->service->hostname));
    bool takes_nobody = is_taken(&a->outgoing.rcpt[NOBODY]);

    if (is_taken(&a->stranger.rcpt[OPENLY])) {
        is_open(p, q->names[OPENLY], stranger, q->recipients[OPENLY], &a->stranger.rcpt[OPENLY]);
        return true;
    }
    for (size_t i = 0; i < RECIPIENTS; i++) {
        /* A source route and a name of the server are no local parts of the domain. */
        bool proves = i == OPENLY || i == 3 || i == 4 || !takes_nobody;

        if (i == NOBODY || !is_taken(&a->outgoing.rcpt[i]) || !proves)
            continue;
        is_open(p, q->names[i], p->account->outgoing_address, q->recipients[i],
                &a->outgoing.rcpt[i]);
        return true;
    }
    return false;
}

static const struct smtp_reply *find_put_off(const struct answers *a)
{
    return is_put_off(&a->outgoing.mail)           ? &a->outgoing.mail
           : is_put_off(&a->outgoing.rcpt[OPENLY]) ? &a->outgoing.rcpt[OPENLY]
           : is_put_off(&a->stranger.rcpt[OPENLY]) ? &a->stranger.rcpt[OPENLY]
                                                   : NULL;
}

/* NULL: the session broke off before the server had said so. */
static const struct smtp_reply *find_refusal(const struct client_answer *a)
{
    const struct smtp_reply *last = is_taken(&a->mail) ? &a->rcpt[OPENLY] : &a->mail;

    return wire_reply_class(last->code) == SMTP_CLASS_PERMANENT ? last : NULL;
}

static void judge(struct probe *p, const struct questions *q, const struct answers *a)
{
    const struct smtp_reply *put_off = find_put_off(a), *refusal = find_refusal(&a->stranger);

    if (judge_one(p, q, a))
        return;
    if (put_off)
        probe_warn(
            p, PROBE_OPEN_RELAY, "inconclusive",
            SLICE("The server puts strangers off instead of refusing them, so that it cannot "
                  "be said whether it would relay for them."),
            SLICE("Let this port refuse who has not signed in, with 530 or 554."),
            probe_reply(p, put_off));
    else if (is_taken(&a->outgoing.rcpt[NOBODY]))
        probe_warn(p, PROBE_OPEN_RELAY, "takes-all",
                   SLICE("The server refuses strangers' mail to others, but takes mail for every "
                         "address in its own domain without signing in, disguised ones too."),
                   SLICE("Let this port take nothing at all from who has not signed in."),
                   probe_reply(p, &a->outgoing.rcpt[NOBODY]));
    else if (!refusal || !find_refusal(&a->outgoing))
        probe_warn(p, PROBE_OPEN_RELAY, "inconclusive",
                   SLICE("The server broke off a session without signing in before it had said "
                         "whether it would relay."),
                   SLICE("Let this port refuse who has not signed in, with 530 or 554."),
                   SLICE_NONE);
    else
        probe_pass(p, PROBE_OPEN_RELAY, SLICE("Who has not signed in is refused."),
                   probe_reply(p, refusal));
}

static int ask(struct task *t, struct probe *p, struct client *c, const struct questions *q,
               struct answers *ret)
{
    struct slice stranger =
        arena_printf(p->arena, "stranger@%.*s", SLICE_ARG(p->service->hostname));
    const struct client_question outgoing = {p->account->outgoing_address, q->recipients,
                                             RECIPIENTS};
    const struct client_question strangers = {stranger, q->recipients, 1};
    int r = client_ask(t, c, &strangers, &ret->stranger);

    if (r == 0 && !c->closing)
        r = client_ask(t, c, &outgoing, &ret->outgoing);
    return r;
}

static void no_session(struct probe *p, const struct client *c)
{
    if (c->problem_code >= 500)
        probe_pass(p, PROBE_OPEN_RELAY, SLICE("A second session without signing in is refused."),
                   probe_escape(p, c->problem));
    else
        probe_warn(
            p, PROBE_OPEN_RELAY, "inconclusive",
            SLICE("A second session, without signing in, did not come about: it is not known "
                  "whether the server relays for strangers."),
            SLICE("Test again later."), probe_escape(p, c->problem));
}

static bool was_reached(const struct probe *p)
{
    enum probe_result esmtp = p->report->findings[PROBE_ESMTP].result;

    return p->server.address_count > 0 && (esmtp == PROBE_PASSED || esmtp == PROBE_WARNING);
}

/* Nothing secret is said here, so that any certificate will do, and none. */
int probe_open_relay(struct task *t, struct probe *p)
{
    static const struct tls_plan any = {.kind = TLS_PLAN_OPPORTUNISTIC};
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, PROBE_SESSION_US);
    CLEANUP(client_close) struct client c = CLIENT_NONE;
    static struct smtp_reply none[RECIPIENTS + 1];
    struct answers answers = {{.rcpt = none}, {.rcpt = none}};
    struct client_options options;
    struct questions q;
    int r;

    if (!was_reached(p)) {
        probe_skip(p, PROBE_OPEN_RELAY, SLICE("Not tested, since an earlier test failed."));
        return 0;
    }
    q = make_questions(p);
    options = probe_dial_options(p, &p->server.addresses[0], &any);
    if (p->report->findings[PROBE_ENCRYPTION].result == PROBE_FAILED &&
        p->account->tls == RELAY_STARTTLS)
        options.tls = CLIENT_TLS_NONE;
    buffer_add(&p->transcript, SLICE("(a second session, without signing in)\n"));
    r = client_dial(t, &options, &c);
    if (r < 0 && r != -ECANCELED)
        no_session(p, &c);
    if (r < 0)
        return r == -ECANCELED ? r : 0;
    r = ask(t, p, &c, &q, &answers);
    if (r == -ECANCELED)
        return r;
    if (answers.stranger.mail.code == 0)
        no_session(p, &c);
    else
        judge(p, &q, &answers);
    client_quit(t, &c);
    return 0;
}
