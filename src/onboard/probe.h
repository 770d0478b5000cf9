/* The probe: will a client's SMTP account do, and if not, exactly why not, and what is to be done
 * by whom? In stages, each with a finding for the client's IT staff.
 *
 * It is the delivery client with a stop stage (docs/decisions/0036-the-probe-is-the-client.md): the
 * same dialling, TLS, EHLO and AUTH. It never sends DATA, but for one message to an address that
 * the operator named. It signs in at most twice a probe, and probe_limit.h keeps it from being used
 * to guess passwords. A second session, without signing in, looks whether the server relays for
 * strangers.
 *
 * A finding is a value: probe_run fails only when the task is to stop. */
#ifndef LETTERHEAD_ONBOARD_PROBE_H
#define LETTERHEAD_ONBOARD_PROBE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "deliver/address_policy.h"
#include "deliver/client_auth.h"
#include "onboard/probe_limit.h"
#include "site/relay.h"

enum {
    PROBE_S = 120,          /* a whole probe */
    PROBE_EXPIRY_DAYS = 21, /* a certificate that expires sooner is told */
    PROBE_TRANSCRIPT_BYTES_MAX = 65536,
};

enum probe_stage {
    PROBE_RESOLVE,     /* the name has addresses that may be dialled */
    PROBE_CONNECT,     /* each of them answers */
    PROBE_ESMTP,       /* greeting and EHLO */
    PROBE_ENCRYPTION,  /* TLS or STARTTLS, as told, in a version that will do */
    PROBE_CERTIFICATE, /* chain, name, dates, strength */
    PROBE_MECHANISMS,  /* AUTH is offered, in a way that we know */
    PROBE_CLEAR,       /* and under TLS only */
    PROBE_LOGIN,
    PROBE_SENDER,     /* the outgoing address may be sent from, to other domains */
    PROBE_OPEN_RELAY, /* strangers are refused */
    PROBE_MESSAGE,    /* one real message, if asked for */
    PROBE_ALIGNMENT,  /* SPF and DMARC of the outgoing address */
    PROBE_STAGES,
};

enum probe_result { PROBE_SKIPPED, PROBE_PASSED, PROBE_WARNING, PROBE_FAILED };

struct probe_finding {
    enum probe_stage stage;
    enum probe_result result;
    const char *code;      /* "self-signed", for programs; "ok" and "skipped" too */
    struct slice what;     /* a sentence */
    struct slice cure;     /* what to do; empty: nothing */
    struct slice evidence; /* what was seen, harmless to show; may be empty */
    bool temporary;        /* of a failure: it may be gone later, with nothing changed */
    bool mend_soon;        /* of a warning: mail will stop if nobody acts */
};

struct probe_account {
    struct slice host; /* A-labels, lower case, no final dot */
    uint16_t port;
    enum relay_tls tls;
    struct slice user;
    struct slice outgoing_address;
    struct vault_relay_binding binding; /* what `sealed` is bound to */
    struct slice sealed;
    bool own_password; /* Google: not an app password, as far as could be seen when it was typed */
    struct slice send_to; /* empty: no message */
};

struct probe_service {
    struct peer *vault;
    struct tls_context *tls; /* with the authorities that count (delivery.relay_authorities) */
    struct address_policy policy;
    struct slice hostname; /* our own */
    struct store *guesses; /* where they are counted (onboard/probe_limit.h); NULL: nowhere */
};

/* Hears of each finding as it is made. */
struct probe_watch {
    void (*found)(struct task *t, void *context, const struct probe_finding *finding);
    void *context;
};

struct probe_report {
    struct probe_finding findings[PROBE_STAGES]; /* all stages, in order */
    enum relay_finding verdict;
    struct slice why;                      /* the finding that decided, as a sentence */
    struct slice next_step;                /* its cure */
    struct smtp_capabilities capabilities; /* after TLS; zeros if it did not come so far */
    enum vault_mechanism mechanism;        /* that was signed in with; 0: none */
    struct slice transcript; /* lines "> EHLO …" and "< 250 …"; nothing secret in it */
    uint64_t took_us;
};

/* All memory of the report is the arena's. -ECANCELED, errors of the store where guesses are
 * counted; everything else is a finding. `watch` may be NULL. */
MUST_CHECK int probe_run(struct task *t, const struct probe_service *service,
                         const struct probe_account *account, const struct probe_watch *watch,
                         struct arena *arena, struct probe_report *ret);

/* "certificate"; "The server's certificate"; "passed". */
const char *probe_stage_name(enum probe_stage stage);
const char *probe_stage_title(enum probe_stage stage);
const char *probe_result_name(enum probe_result result);

#endif
