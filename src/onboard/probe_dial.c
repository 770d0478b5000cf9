/* The session that will sign in, up to EHLO under TLS; and where it fails, why. */
#include "onboard/probe_inside.h"

static const uint64_t SLOW_US = 3 * SECOND_US;

static const struct tls_plan any_certificate = {.kind = TLS_PLAN_OPPORTUNISTIC};

static bool told_tls(const struct probe *p)
{
    return p->account->tls == RELAY_TLS;
}

/* What was seen: the server's words, or ours for what happened. */
static struct slice seen(struct probe *p, const struct client *c)
{
    return probe_escape(p, c->problem);
}

/* Does the server speak the other kind of encryption? Asked of a fresh connection, and without
 * looking at certificates, since nothing is said there that matters. */
static int try_other_kind(struct task *t, struct probe *p, bool *ret_yes)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, PROBE_SILENCE_US);
    CLEANUP(client_close) struct client other = CLIENT_NONE;
    struct client_options options =
        probe_dial_options(p, &p->server.addresses[0], &any_certificate);
    int r;

    options.tls = told_tls(p) ? CLIENT_TLS_NONE : CLIENT_TLS_FIRST;
    r = client_dial(t, &options, &other);
    *ret_yes = told_tls(p) ? other.stage > CLIENT_STAGE_GREETING
                           : other.stage > CLIENT_STAGE_HANDSHAKE || r == 0;
    if (!told_tls(p))
        *ret_yes = other.stream && stream_is_tls(other.stream);
    return r == -ECANCELED ? r : 0;
}

static void wrong_kind(struct probe *p, struct slice evidence)
{
    if (told_tls(p))
        probe_fail(p, PROBE_ENCRYPTION, "starttls-not-tls",
                   SLICE("This port begins in clear and offers STARTTLS; TLS from the start was "
                         "chosen."),
                   SLICE("Choose STARTTLS for this port, or TLS with port 465."), evidence);
    else
        probe_fail(p, PROBE_ENCRYPTION, "tls-not-starttls",
                   SLICE("This port speaks TLS from the start; STARTTLS was chosen."),
                   SLICE("Choose TLS for this port, or STARTTLS with port 587."), evidence);
}

static void no_greeting(struct probe *p, const struct client *c, int r)
{
    if (c->problem_code)
        probe_fail_for_now(
            p, PROBE_ESMTP, "turned-away",
            SLICE("The server turns us away before we can say anything."),
            SLICE("See in the server's log why. Our addresses change: a block list or "
                  "a list of allowed addresses must not apply to this port."),
            seen(p, c));
    else if (r == -EPROTO || r == -EMSGSIZE)
        probe_fail(p, PROBE_ESMTP, "not-smtp",
                   SLICE("What answers at this port is no mail server."),
                   SLICE("Check server name and port: 587 for STARTTLS, 465 for TLS."), seen(p, c));
    else
        probe_fail_for_now(
            p, PROBE_ESMTP, "no-greeting",
            SLICE("The server takes the connection but does not greet us."),
            SLICE(
                "Look at the server's load and at what stands before it (firewall, proxy); it must "
                "not delay or filter by address, since our addresses change."),
            seen(p, c));
}

/* Also where the wrong kind of encryption was told: such a server waits for us, or hangs up. */
static int judge_greeting(struct task *t, struct probe *p, const struct client *c, int failure)
{
    bool other = false;
    int r = 0;

    if (!told_tls(p) && !c->problem_code)
        r = try_other_kind(t, p, &other);
    if (r < 0)
        return r;
    if (other)
        wrong_kind(p, seen(p, c));
    else
        no_greeting(p, c, failure);
    return 0;
}

static void judge_hello(struct probe *p, const struct client *c)
{
    if (wire_reply_class(c->problem_code) == SMTP_CLASS_TRANSIENT)
        probe_fail_for_now(p, PROBE_ESMTP, "busy", SLICE("The server has no time for us now."),
                           SLICE("Nothing needs to be done if this passes; otherwise look at the "
                                 "server's load."),
                           seen(p, c));
    else if (c->problem_code)
        probe_fail(p, PROBE_ESMTP, "ehlo-refused", SLICE("The server does not accept EHLO."),
                   SLICE("Use a server that speaks ESMTP (RFC 5321): without it there is neither "
                         "encryption nor signing in."),
                   seen(p, c));
    else
        probe_fail_for_now(p, PROBE_ESMTP, "hung-up", SLICE("The server broke off at EHLO."),
                           SLICE("See in the server's log why, then test again."), seen(p, c));
}

static void pass_esmtp(struct probe *p)
{
    probe_pass(p, PROBE_ESMTP, SLICE("A mail server greets us and accepts EHLO."), SLICE_NONE);
}

/* EHLO was refused and HELO was not: such a server has no extensions at all. */
static void only_helo(struct probe *p)
{
    probe_fail(p, PROBE_ESMTP, "helo-only",
               SLICE("The server knows only HELO, the protocol of 1982."),
               SLICE("Use a server that speaks ESMTP (RFC 5321): without it there is neither "
                     "encryption nor signing in."),
               SLICE_NONE);
}

static void judge_starttls(struct probe *p, const struct client *c)
{
    if (!c->esmtp) {
        only_helo(p);
        return;
    }
    pass_esmtp(p);
    if (!c->capabilities.starttls)
        probe_fail(p, PROBE_ENCRYPTION, "no-starttls",
                   SLICE("The server does not offer STARTTLS, so nothing can be encrypted."),
                   SLICE("Switch STARTTLS on at this port, with a certificate of a public "
                         "authority; or choose TLS with port 465."),
                   SLICE_NONE);
    else
        probe_fail_for_now(p, PROBE_ENCRYPTION, "starttls-refused",
                           SLICE("The server offers STARTTLS and then refuses it."),
                           SLICE("Check the server's certificate and key: it probably cannot read "
                                 "them. Its log says more."),
                           seen(p, c));
}

static int judge_handshake(struct task *t, struct probe *p)
{
    struct tls_shown shown;
    bool other = false;
    int r = 0;

    stream_tls_show(p->client.stream, p->arena, &shown);
    if (told_tls(p) && (shown.fault == TLS_FAULT_NOT_TLS || shown.fault == TLS_FAULT_CLOSED))
        r = try_other_kind(t, p, &other);
    if (r < 0)
        return r;
    if (other) {
        wrong_kind(p, seen(p, &p->client));
        return 0;
    }
    if (!told_tls(p))
        pass_esmtp(p);
    probe_judge_handshake(p);
    return 0;
}

/* A server that forgets under TLS what it could before. */
static void judge_hello_again(struct probe *p, const struct client *c)
{
    pass_esmtp(p);
    probe_fail_for_now(p, PROBE_ENCRYPTION, "silent-under-tls",
                       SLICE("Encryption begins, and then the server does not answer EHLO."),
                       SLICE("See in the server's log why, then test again."), seen(p, c));
}

static int judge_failure(struct task *t, struct probe *p, int failure)
{
    const struct client *c = &p->client;

    switch (c->stage) {
    case CLIENT_STAGE_CONNECT:
    case CLIENT_STAGE_GREETING:
        return judge_greeting(t, p, c, failure);
    case CLIENT_STAGE_HELLO:
        judge_hello(p, c);
        return 0;
    case CLIENT_STAGE_STARTTLS:
        judge_starttls(p, c);
        return 0;
    case CLIENT_STAGE_HANDSHAKE:
        return judge_handshake(t, p);
    case CLIENT_STAGE_HELLO_AGAIN:
    case CLIENT_STAGE_READY:
        judge_hello_again(p, c);
        return 0;
    }
    return -EINVAL;
}

static int dial(struct task *t, struct probe *p, uint64_t patience_us)
{
    static const struct tls_plan verified = {.kind = TLS_PLAN_AUTHORITIES,
                                             .by = {"Letterhead", 10}};
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, patience_us);
    struct client_options options = probe_dial_options(p, &p->server.addresses[0], &verified);

    client_close(&p->client);
    return client_dial(t, &options, &p->client);
}

/* Silence may mean that the server waits for TLS: then there is no need to wait for all of the
 * time. If not, it is given that time. */
static int dial_patiently(struct task *t, struct probe *p, bool *ret_judged)
{
    bool other = false;
    int r = dial(t, p, PROBE_SILENCE_US), e;

    *ret_judged = false;
    if (r != -ETIMEDOUT || task_check(t) < 0)
        return r;
    if (!told_tls(p) && p->client.stage == CLIENT_STAGE_GREETING) {
        e = try_other_kind(t, p, &other);
        if (e < 0)
            return e;
    }
    if (other) {
        wrong_kind(p, seen(p, &p->client));
        *ret_judged = true;
        return 0;
    }
    return dial(t, p, PROBE_SESSION_US);
}

static void note_success(struct task *t, struct probe *p, uint64_t took_us)
{
    if (took_us > SLOW_US)
        probe_warn(p, PROBE_ESMTP, "slow",
                   arena_printf(p->arena,
                                "The server takes %llu seconds to be ready: mail will go slowly.",
                                (unsigned long long)(took_us / SECOND_US)),
                   SLICE("Look at the server's load, and switch off delays of the greeting at this "
                         "port: they are meant for strangers."),
                   SLICE_NONE);
    else
        pass_esmtp(p);
    p->in_clear = p->client.capabilities_in_clear;
    p->report->capabilities = p->client.capabilities;
    probe_judge_certificate(p, task_wall_us(t) / 1000000);
}

int probe_dial(struct task *t, struct probe *p)
{
    uint64_t begun_us = task_now_us(t);
    bool judged;
    int r = dial_patiently(t, p, &judged);

    if (r == -ECANCELED || task_check(t) < 0)
        return r < 0 ? r : task_check(t);
    if (judged)
        return 0;
    if (r < 0)
        return judge_failure(t, p, r);
    note_success(t, p, task_now_us(t) - begun_us);
    return 0;
}
