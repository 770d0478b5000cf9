/* The inside of the probe: probe.c goes through the stages, the others are a stage or two each. */
#ifndef LETTERHEAD_ONBOARD_PROBE_INSIDE_H
#define LETTERHEAD_ONBOARD_PROBE_INSIDE_H

#include "deliver/route.h"
#include "onboard/probe.h"
#include "runtime/tls_shown.h"
#include "site/relay_provider.h"

/* What people at the keyboard wait for; delivery is as patient as RFC 5321 §4.5.3.2 wants. */
static const uint64_t PROBE_ADVICE_US = 2 * SECOND_US; /* once all else is done */
static const uint64_t PROBE_CONNECT_US = 8 * SECOND_US;
static const uint64_t PROBE_SILENCE_US = 5 * SECOND_US; /* then the other kind of TLS is tried */
static const uint64_t PROBE_SESSION_US = 30 * SECOND_US;

/* What the DNS says of the outgoing address's domain: asked while the server is. */
struct probe_policies {
    struct scope scope;
    struct slice domain;
    struct slice spf, dmarc; /* empty: none */
    bool known;              /* both questions were answered */
    bool covered;            /* SPF passes for what the server sends, as far as is known */
};

struct probe {
    const struct probe_service *service;
    const struct probe_account *account;
    const struct probe_watch *watch;
    const struct relay_provider *provider;
    struct task *task;
    struct arena *arena;
    struct probe_report *report;
    struct route_host server; /* its addresses; those that did not answer are taken out */
    struct client client;     /* the session that signs in */
    struct smtp_capabilities in_clear;
    struct redactor *secrets; /* that were sent, for the second session; NULL: none */
    struct buffer transcript;
    bool transcript_cut;
    struct client_tap tap;
    struct probe_policies policies;
    bool over; /* a stage failed that the later ones stand on */
};

/* Notes a finding and tells it. The texts are copied where they have to be: formatted ones are
 * the arena's already. */
void probe_found(struct probe *p, const struct probe_finding *finding);
void probe_pass(struct probe *p, enum probe_stage stage, struct slice what, struct slice evidence);
/* A failure that ends the probe. */
void probe_fail(struct probe *p, enum probe_stage stage, const char *code, struct slice what,
                struct slice cure, struct slice evidence);
void probe_fail_for_now(struct probe *p, enum probe_stage stage, const char *code,
                        struct slice what, struct slice cure, struct slice evidence);
void probe_warn(struct probe *p, enum probe_stage stage, const char *code, struct slice what,
                struct slice cure, struct slice evidence);
void probe_skip(struct probe *p, enum probe_stage stage, struct slice why);

/* A stranger's text, made harmless, from the arena. */
struct slice probe_escape(struct probe *p, struct slice text);
struct slice probe_reply(struct probe *p, const struct smtp_reply *reply);

/* The options for dialling this address. `plan` outlives the client. */
struct client_options probe_dial_options(struct probe *p, const struct endpoint *address,
                                         const struct tls_plan *plan);

/* The stages. 0, or -ECANCELED; findings are noted. Of probe_login errors of the store, too: what
 * cannot be counted is not tried. */
MUST_CHECK int probe_resolve(struct task *t, struct probe *p);
MUST_CHECK int probe_connect(struct task *t, struct probe *p);
MUST_CHECK int probe_dial(struct task *t, struct probe *p);   /* ESMTP, encryption, certificate */
void probe_judge_handshake(struct probe *p);                  /* of a client that failed in it */
void probe_judge_certificate(struct probe *p, int64_t now_s); /* of one that did not */
void probe_mechanisms(struct probe *p);
MUST_CHECK int probe_login(struct task *t, struct probe *p);
MUST_CHECK int probe_sender(struct task *t, struct probe *p);
MUST_CHECK int probe_open_relay(struct task *t, struct probe *p);
MUST_CHECK int probe_message(struct task *t, struct probe *p);
/* Begins to ask for the policies that probe_alignment judges by. */
MUST_CHECK int probe_ask_policies(struct probe *p);
MUST_CHECK int probe_alignment(struct task *t, struct probe *p);

#endif
