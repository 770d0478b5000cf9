/* Signing in, and whether the account may send as the outgoing address. */
#include "onboard/probe_inside.h"

#include "onboard/relay_diagnosis.h"
#include "vault/relay.h"
#include "wire/redact.h"

static const unsigned USABLE =
    SMTP_MECHANISM_CRAM_MD5 | SMTP_MECHANISM_PLAIN | SMTP_MECHANISM_LOGIN;
static const unsigned OAUTH = SMTP_MECHANISM_XOAUTH2 | SMTP_MECHANISM_OAUTHBEARER;

static struct slice list_mechanisms(struct probe *p, unsigned mechanisms)
{
    struct slice text = SLICE_NONE;

    for (unsigned bit = 1; bit <= SMTP_MECHANISM_OTHER; bit <<= 1)
        if (mechanisms & bit)
            text = arena_printf(p->arena, "%.*s%s%s", SLICE_ARG(text), text.size ? ", " : "",
                                wire_mechanism_name(bit) ? wire_mechanism_name(bit) : "others");
    return text;
}

static void no_auth(struct probe *p)
{
    probe_fail(p, PROBE_MECHANISMS, "no-auth",
               SLICE("The server offers no way to sign in at this port."),
               p->account->port == 25
                   ? SLICE("Port 25 is for mail between servers: give the port for submission, 587 "
                           "or 465.")
                   : SLICE("Switch SMTP AUTH on at this port. Letterhead sends only where it must "
                           "sign in."),
               SLICE_NONE);
}

static void unusable(struct probe *p, unsigned offered)
{
    bool oauth = (offered & OAUTH) != 0 && (offered & ~OAUTH) == 0;

    probe_fail(
        p, PROBE_MECHANISMS, oauth ? "oauth-only" : "no-usable-mechanism",
        oauth ? SLICE("The server takes only OAuth, which Letterhead does not support.")
              : SLICE("The server offers only ways to sign in that Letterhead does not know "
                      "(such as GSSAPI or NTLM, which need a Windows domain)."),
        SLICE("Switch on one of CRAM-MD5, PLAIN or LOGIN for this account; under TLS each of "
              "them is safe. If that cannot be, use our method \"dkim\"."),
        list_mechanisms(p, offered));
}

static void offered_in_clear(struct probe *p)
{
    if (p->account->tls == RELAY_TLS)
        probe_pass(p, PROBE_CLEAR, SLICE("Nothing is ever said in clear at this port."),
                   SLICE_NONE);
    else if (!p->in_clear.auth)
        probe_pass(p, PROBE_CLEAR, SLICE("Signing in is offered only once it is encrypted."),
                   SLICE_NONE);
    else
        probe_warn(
            p, PROBE_CLEAR, "auth-in-clear",
            SLICE("The server offers signing in before encryption too. Letterhead does not do "
                  "that, but others may, and then passwords can be read on the way."),
            SLICE("Let the server offer AUTH only after STARTTLS (Postfix: "
                  "smtpd_tls_auth_only = yes; Dovecot: disable_plaintext_auth = yes)."),
            list_mechanisms(p, p->in_clear.mechanisms));
}

void probe_mechanisms(struct probe *p)
{
    const struct smtp_capabilities *offered = &p->client.capabilities;

    if (!offered->auth)
        no_auth(p);
    else if (!(offered->mechanisms & USABLE))
        unusable(p, offered->mechanisms);
    else
        probe_pass(p, PROBE_MECHANISMS, SLICE("The server offers a way to sign in that we know."),
                   list_mechanisms(p, offered->mechanisms));
    offered_in_clear(p);
}

/* A diagnosis without a cure of its own takes the provider's. */
static void fail_by_reply(struct probe *p, enum probe_stage stage, enum relay_stage asked,
                          const struct smtp_reply *reply)
{
    struct relay_diagnosis d = relay_diagnose(p->account->host, asked, reply);
    const char *code = relay_cause_name(d.cause);
    struct slice what = slice_text(d.what), cure = slice_text(d.cure);

    if (d.transient)
        probe_fail_for_now(p, stage, code, what, cure, probe_reply(p, reply));
    else
        probe_fail(p, stage, code, what, cure, probe_reply(p, reply));
}

static void senseless(struct probe *p, const struct client_auth *auth)
{
    probe_fail(p, PROBE_LOGIN, "auth-protocol",
               SLICE("The server does not keep to the protocol when we sign in."),
               SLICE("Show the reply to whoever runs the mail server."),
               auth->reply.code ? probe_reply(p, &auth->reply) : SLICE_NONE);
}

/* Google takes the account's own password from some and not from others, and not for long. */
static bool is_unreliable(const struct probe *p)
{
    return p->account->own_password && relay_provider_has_app_passwords(p->provider);
}

static void accepted(struct probe *p, const struct client_auth *auth)
{
    struct slice how = arena_printf(p->arena, "%s%s", vault_mechanism_name(auth->mechanism),
                                    auth->tries > 1 ? " (CRAM-MD5 is offered, but refused)" : "");

    p->report->mechanism = auth->mechanism;
    if (is_unreliable(p))
        probe_warn(p, PROBE_LOGIN, "own-password",
                   SLICE("User and password are accepted, but this is the account's own password, "
                         "which Google may stop accepting on any day without notice."),
                   slice_text(p->provider->password_advice), how);
    else if (auth->tries > 1)
        probe_warn(p, PROBE_LOGIN, "cram-md5-broken",
                   SLICE("User and password are accepted, but CRAM-MD5, which the server offers, "
                         "does not work: each sign-in leaves a failure in its log."),
                   SLICE("Stop offering CRAM-MD5: it needs passwords that are stored in clear."),
                   how);
    else
        probe_pass(p, PROBE_LOGIN, SLICE("User and password are accepted."), how);
}

static void judge_login(struct probe *p, const struct client_auth *auth)
{
    switch (auth->verdict) {
    case CLIENT_AUTH_ACCEPTED:
        accepted(p, auth);
        break;
    case CLIENT_AUTH_REFUSED:
        fail_by_reply(p, PROBE_LOGIN, RELAY_STAGE_AUTH, &auth->reply);
        break;
    case CLIENT_AUTH_UNPROTECTED: /* the earlier stages have seen to these */
    case CLIENT_AUTH_NOT_OFFERED:
    case CLIENT_AUTH_NO_MECHANISM:
    case CLIENT_AUTH_NO_SENSE:
        senseless(p, auth);
        break;
    }
}

static void hung_up(struct probe *p, enum probe_stage stage)
{
    probe_fail_for_now(p, stage, "hung-up", SLICE("The server broke off in the middle."),
                       SLICE("See in the server's log why, then test again."),
                       probe_escape(p, p->client.problem));
}

static struct probe_guess guess_of(const struct probe *p)
{
    return (struct probe_guess){p->account->host, p->account->user, p->account->sealed};
}

/* Too many passwords were wrong here already: 1, it is not tried. */
static int begin_guess(struct task *t, struct probe *p)
{
    const struct probe_guess guess = guess_of(p);
    struct store *s = p->service->guesses;
    int r = s ? probe_limit_allows(s, task_wall_us(t), &guess) : 1;

    if (r < 0)
        return r;
    if (r == 1)
        return s ? probe_limit_note(s, task_wall_us(t), &guess) : 0;
    probe_fail_for_now(
        p, PROBE_LOGIN, "too-many-guesses",
        SLICE("Several passwords of this account, or of others there, were refused "
              "within the last hour: we do not try another one now."),
        SLICE("Find out the right password; then wait an hour before the next test."), SLICE_NONE);
    return 1;
}

static int end_guess(struct probe *p, const struct client_auth *auth)
{
    const struct probe_guess guess = guess_of(p);

    if (!p->service->guesses || auth->verdict == CLIENT_AUTH_REFUSED)
        return 0;
    return probe_limit_clear(p->service->guesses, &guess);
}

int probe_login(struct task *t, struct probe *p)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, PROBE_SESSION_US);
    struct client_vault_account sealed = {
        .vault = p->service->vault,
        .relay = p->account->binding,
        .sealed = p->account->sealed,
        .user = p->account->user,
    };
    const struct client_account account = client_account_of_vault(&sealed);
    struct client_auth auth;
    int r;

    r = begin_guess(t, p);
    if (r != 0)
        return r < 0 ? r : 0;
    r = client_auth(t, &p->client, &account, &auth);
    if (p->client.secrets) {
        p->secrets = p->secrets ? p->secrets : redactor_new();
        redactor_add_all(p->secrets, p->client.secrets);
    }
    if (r == -ECANCELED)
        return r;
    if (r < 0) {
        hung_up(p, PROBE_LOGIN);
        return 0;
    }
    judge_login(p, &auth);
    return end_guess(p, &auth);
}

static struct slice describe_capabilities(struct probe *p)
{
    const struct smtp_capabilities *c = &p->client.capabilities;
    struct slice size = c->size_bytes ? arena_printf(p->arena, ", messages up to %llu MB",
                                                     (unsigned long long)c->size_bytes / 1000000)
                                      : SLICE_NONE;

    return arena_printf(p->arena, "%s8BITMIME, %sSMTPUTF8, %sPIPELINING, %sDSN%.*s",
                        c->eightbitmime ? "" : "no ", c->smtputf8 ? "" : "no ",
                        c->pipelining ? "" : "no ", c->dsn ? "" : "no ", SLICE_ARG(size));
}

/* An address that is neither the client's nor anybody's: mail to it would end with us. It is
 * asked about, and never gets any. */
static struct slice foreign_recipient(struct probe *p)
{
    return arena_printf(p->arena, "relay-test@%.*s", SLICE_ARG(p->service->hostname));
}

static void judge_sender(struct probe *p, const struct client_answer *answer)
{
    bool mail = wire_reply_class(answer->mail.code) == SMTP_CLASS_SUCCESS;

    if (!mail)
        fail_by_reply(p, PROBE_SENDER, RELAY_STAGE_MAIL, &answer->mail);
    else if (wire_reply_class(answer->rcpt[0].code) == SMTP_CLASS_SUCCESS)
        probe_pass(p, PROBE_SENDER,
                   SLICE("The account may send as the outgoing address, to everybody."),
                   describe_capabilities(p));
    else
        fail_by_reply(p, PROBE_SENDER, RELAY_STAGE_RCPT, &answer->rcpt[0]);
}

/* Many servers judge the sender only when they hear of a recipient. */
int probe_sender(struct task *t, struct probe *p)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, PROBE_SESSION_US);
    const struct slice recipient = foreign_recipient(p);
    const struct client_question question = {p->account->outgoing_address, &recipient, 1};
    struct client_answer answer;
    int r = client_ask(t, &p->client, &question, &answer);

    if (r == -ECANCELED)
        return r;
    if (answer.mail.code &&
        (wire_reply_class(answer.mail.code) != SMTP_CLASS_SUCCESS || answer.rcpt[0].code))
        judge_sender(p, &answer);
    else
        hung_up(p, PROBE_SENDER);
    return 0;
}
