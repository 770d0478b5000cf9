/* What the handshake came to, in the words of whoever has to mend it. */
#include "onboard/probe_inside.h"

#include "wire/date.h"

enum { DAY_S = 86400 };

#define PUBLIC_AUTHORITY                                                                           \
    "Install a certificate of a public authority for this name (Let's Encrypt gives them free of " \
    "charge), with its whole chain."

static struct slice day(struct probe *p, int64_t time_s)
{
    char text[WIRE_DATE_ISO_BYTES];

    if (time_s == 0)
        return SLICE("an unreadable date");
    wire_date_iso(time_s, text);
    return arena_copy(p->arena, slice_part(slice_text(text), 0, 10));
}

static struct slice describe(struct probe *p, const struct tls_shown_certificate *c)
{
    struct slice subject = probe_escape(p, c->subject), issuer = probe_escape(p, c->issuer);
    struct slice names = probe_escape(p, c->names), from = day(p, c->from_s);
    struct slice until = day(p, c->until_s);

    return arena_printf(p->arena, "%.*s, for %.*s, issued by %.*s, %.*s to %.*s, %.*s",
                        SLICE_ARG(subject), SLICE_ARG(names.size ? names : SLICE("no name")),
                        SLICE_ARG(issuer), SLICE_ARG(from), SLICE_ARG(until), SLICE_ARG(c->key));
}

static const struct tls_shown_certificate *first_of(const struct tls_shown *shown)
{
    static const struct tls_shown_certificate none;

    return shown->certificate_count ? &shown->certificates[0] : &none;
}

static struct slice seen(struct probe *p, const struct tls_shown *shown)
{
    return shown->certificate_count ? describe(p, first_of(shown)) : SLICE_NONE;
}

static void refuse(struct probe *p, const struct tls_shown *shown, const char *code,
                   struct slice what, struct slice cure)
{
    probe_fail(p, PROBE_CERTIFICATE, code, what, cure, seen(p, shown));
}

/* The issuer of the last certificate that was sent is nobody we know. */
static void incomplete(struct probe *p, const struct tls_shown *shown)
{
    const struct tls_shown_certificate *last =
        shown->certificate_count ? &shown->certificates[shown->certificate_count - 1]
                                 : first_of(shown);
    struct slice issuer = probe_escape(p, last->issuer);

    if (last->issuer_is_published)
        refuse(p, shown, "missing-intermediate",
               arena_printf(p->arena,
                            "The server does not send the intermediate certificate \"%.*s\".",
                            SLICE_ARG(issuer)),
               arena_printf(p->arena,
                            "Install the whole chain (often called fullchain.pem): behind the "
                            "server's certificate must follow that of \"%.*s\".",
                            SLICE_ARG(issuer)));
    else
        refuse(p, shown, "unknown-issuer",
               arena_printf(p->arena,
                            "The certificate was issued by \"%.*s\", whose own certificate the "
                            "server does not send and which is no public authority known here.",
                            SLICE_ARG(issuer)),
               arena_printf(
                   p->arena,
                   "If \"%.*s\" is an intermediate of a public authority, install the "
                   "whole chain (fullchain.pem). If it is your own authority: " PUBLIC_AUTHORITY,
                   SLICE_ARG(issuer)));
}

static void dates(struct probe *p, const struct tls_shown *shown)
{
    const struct tls_shown_certificate *bad = first_of(shown);
    struct slice when;

    /* It may be another one of the chain that is to blame. */
    for (size_t i = 0; i < shown->certificate_count; i++)
        if (shown->fault == TLS_FAULT_EXPIRED && shown->certificates[i].until_s < bad->until_s)
            bad = &shown->certificates[i];
    when = day(p, shown->fault == TLS_FAULT_EXPIRED ? bad->until_s : bad->from_s);
    if (shown->fault == TLS_FAULT_EXPIRED)
        refuse(
            p, shown, "expired",
            arena_printf(p->arena, "The certificate expired on %.*s.", SLICE_ARG(when)),
            SLICE("Renew it, and see to it that renewals reach the mail server, which may have to "
                  "be restarted to use them."));
    else
        refuse(p, shown, "not-yet-valid",
               arena_printf(p->arena, "The certificate is not valid before %.*s.", SLICE_ARG(when)),
               SLICE("Install one that is valid now; look whether the clock was right where it was "
                     "made."));
}

static void wrong_name(struct probe *p, const struct tls_shown *shown)
{
    struct slice names = probe_escape(p, first_of(shown)->names);

    refuse(p, shown, "wrong-name",
           arena_printf(p->arena, "The certificate is not for %.*s, but for %.*s.",
                        SLICE_ARG(p->account->host),
                        SLICE_ARG(names.size ? names : SLICE("no name at all"))),
           SLICE("Give the server's name as it is in the certificate, or install a certificate for "
                 "this name. (It must be among the alternative names; the common name does not "
                 "count.)"));
}

static void other_certificate(struct probe *p, const struct tls_shown *shown)
{
    const char *words = stream_tls_error(p->client.stream);

    refuse(p, shown, "certificate", arena_printf(p->arena, "%s", words), SLICE(PUBLIC_AUTHORITY));
}

static bool is_about_certificate(const struct tls_shown *shown)
{
    return shown->fault >= TLS_FAULT_SELF_SIGNED && shown->fault <= TLS_FAULT_CERTIFICATE;
}

static void bad_certificate(struct probe *p, const struct tls_shown *shown)
{
    if (shown->fault == TLS_FAULT_SELF_SIGNED)
        refuse(p, shown, "self-signed",
               SLICE("The certificate is self-signed: nobody vouches for the server."),
               SLICE(PUBLIC_AUTHORITY));
    else if (shown->fault == TLS_FAULT_PRIVATE_AUTHORITY)
        refuse(
            p, shown, "private-authority",
            SLICE("The certificate comes from an authority of your own, which nobody else knows."),
            SLICE(PUBLIC_AUTHORITY));
    else if (shown->fault == TLS_FAULT_INCOMPLETE)
        incomplete(p, shown);
    else if (shown->fault == TLS_FAULT_EXPIRED || shown->fault == TLS_FAULT_NOT_YET_VALID)
        dates(p, shown);
    else if (shown->fault == TLS_FAULT_NAME)
        wrong_name(p, shown);
    else if (shown->fault == TLS_FAULT_WEAK)
        refuse(
            p, shown, "weak-key",
            SLICE("A key or signature in the certificate's chain is too weak to be trusted."),
            SLICE("Install a certificate with an RSA key of 2048 bits or more, or an EC key, and "
                  "signed with SHA-256."));
    else
        other_certificate(p, shown);
}

static void bad_encryption(struct probe *p, const struct tls_shown *shown)
{
    struct slice words = arena_printf(p->arena, "%s", stream_tls_error(p->client.stream));

    if (shown->fault == TLS_FAULT_OLD_VERSION)
        probe_fail(
            p, PROBE_ENCRYPTION, "old-tls",
            SLICE("The server knows only TLS 1.1 or older, which is broken."),
            SLICE("Switch TLS 1.2 and 1.3 on in the mail server; where it does not know them, "
                  "it needs an update."),
            words);
    else if (shown->fault == TLS_FAULT_NOT_TLS)
        probe_fail(p, PROBE_ENCRYPTION, "not-tls", SLICE("The server does not answer in TLS."),
                   SLICE("Check port and kind of encryption: 587 for STARTTLS, 465 for TLS."),
                   words);
    else
        probe_fail_for_now(
            p, PROBE_ENCRYPTION, "handshake",
            SLICE("Encryption could not be agreed on with the server."),
            SLICE("See in the server's log why; ciphers that everybody knows must be "
                  "allowed, and its certificate and key must belong together."),
            words.size ? words : probe_escape(p, p->client.problem));
}

void probe_judge_handshake(struct probe *p)
{
    struct tls_shown shown;

    stream_tls_show(p->client.stream, p->arena, &shown);
    if (shown.certificate_count == 0 || !is_about_certificate(&shown)) {
        bad_encryption(p, &shown);
        return;
    }
    probe_pass(p, PROBE_ENCRYPTION, SLICE("Encryption begins as it should."), SLICE_NONE);
    bad_certificate(p, &shown);
}

/* The first of the chain that will expire: any of them breaks it. */
static const struct tls_shown_certificate *first_to_expire(const struct tls_shown *shown)
{
    const struct tls_shown_certificate *first = first_of(shown);

    for (size_t i = 1; i < shown->certificate_count; i++)
        if (shown->certificates[i].until_s < first->until_s)
            first = &shown->certificates[i];
    return first;
}

void probe_judge_certificate(struct probe *p, int64_t now_s)
{
    const struct tls_shown_certificate *first;
    struct tls_shown shown;
    int64_t left_s;

    stream_tls_show(p->client.stream, p->arena, &shown);
    first = first_to_expire(&shown);
    left_s = first->until_s - now_s;
    probe_pass(
        p, PROBE_ENCRYPTION,
        p->account->tls == RELAY_TLS ? SLICE("TLS from the start works.")
                                     : SLICE("STARTTLS works."),
        arena_printf(p->arena, "%.*s, %.*s", SLICE_ARG(shown.version), SLICE_ARG(shown.cipher)));
    if (left_s > (int64_t)PROBE_EXPIRY_DAYS * DAY_S) {
        probe_pass(p, PROBE_CERTIFICATE, SLICE("The certificate is good."), seen(p, &shown));
        return;
    }
    probe_found(
        p, &(struct probe_finding){
               .stage = PROBE_CERTIFICATE,
               .result = PROBE_WARNING,
               .code = "expires-soon",
               .what = arena_printf(p->arena,
                                    "The certificate expires in %lld days, on %.*s. From "
                                    "then on no mail can be sent.",
                                    (long long)(left_s / DAY_S), SLICE_ARG(day(p, first->until_s))),
               .cure = SLICE("Renew it before that day, and see to it that the mail server "
                             "uses the new one."),
               .evidence = seen(p, &shown),
               .mend_soon = true,
           });
}
