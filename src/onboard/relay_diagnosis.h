/* What a client's SMTP server means by its reply: one of a few causes that people can act on, with
 * a sentence that says what happened and one that says what to do, for the provider at hand.
 *
 * Wording drifts, so replies are known by their code and a few words. Where nothing is known the
 * code decides, and the reply itself is shown. */
#ifndef LETTERHEAD_ONBOARD_RELAY_DIAGNOSIS_H
#define LETTERHEAD_ONBOARD_RELAY_DIAGNOSIS_H

#include "base/arena.h"
#include "site/relay_provider.h"
#include "wire/smtp_reply.h"

/* Where in the dialogue the reply came. */
enum relay_stage {
    RELAY_STAGE_AUTH,
    RELAY_STAGE_MAIL,
    RELAY_STAGE_RCPT,
    RELAY_STAGE_DATA, /* and its end */
};

enum relay_cause {
    RELAY_CAUSE_NONE, /* it was accepted */
    RELAY_CAUSE_AUTH_FAILED,
    RELAY_CAUSE_APP_PASSWORD_REQUIRED,
    RELAY_CAUSE_ACCOUNT_CHALLENGE, /* the provider wants a person at a browser */
    RELAY_CAUSE_ACCOUNT_LOCKED,
    RELAY_CAUSE_SMTP_AUTH_DISABLED_TENANT,
    RELAY_CAUSE_SMTP_DISABLED_FOR_ACCOUNT,
    RELAY_CAUSE_OAUTH_REQUIRED,
    RELAY_CAUSE_OAUTH_TOKEN_REJECTED,
    RELAY_CAUSE_CONDITIONAL_ACCESS,
    RELAY_CAUSE_SECURITY_DEFAULTS,
    RELAY_CAUSE_TOO_MANY_TRIES,
    RELAY_CAUSE_TLS_REQUIRED,
    RELAY_CAUSE_AUTH_REQUIRED,
    RELAY_CAUSE_RELAY_IP_NOT_REGISTERED,
    RELAY_CAUSE_SENDER_NOT_ALLOWED,
    RELAY_CAUSE_SENDER_NOT_VERIFIED,
    RELAY_CAUSE_SENDING_LIMIT, /* the day's, or the provider is suspicious */
    RELAY_CAUSE_RATE,
    RELAY_CAUSE_RELAY_DENIED, /* a good answer to a stranger */
    RELAY_CAUSE_TRANSIENT,
    RELAY_CAUSE_REFUSED, /* for a reason that is not known to us */
    RELAY_CAUSES,
};

struct relay_diagnosis {
    enum relay_cause cause;
    bool transient; /* the same may work later, with nothing changed */
    const struct relay_provider *provider;
    const char *what, *cure; /* sentences; static */
};

struct relay_diagnosis relay_diagnose(struct slice host, enum relay_stage stage,
                                      const struct smtp_reply *reply);

/* "app-password-required" */
const char *relay_cause_name(enum relay_cause cause);

#endif
