#include "onboard/relay_diagnosis.h"

#include "base/buffer.h"
#include "feedback/report_words.h"

#define CURE_PASSWORD NULL /* the provider's own advice */

static const struct cause {
    const char *name;
    const char *what, *cure;
} causes[RELAY_CAUSES] = {
    [RELAY_CAUSE_NONE] = {"none", "The server accepted it.", "Nothing needs to be done."},
    [RELAY_CAUSE_AUTH_FAILED] = {"auth-failed",
                                 "The server refuses this user name or this password.",
                                 CURE_PASSWORD},
    [RELAY_CAUSE_APP_PASSWORD_REQUIRED] =
        {"app-password-required",
         "The account's own password does not work for mail programs; the provider wants a password "
         "made for this purpose.",
         CURE_PASSWORD},
    [RELAY_CAUSE_ACCOUNT_CHALLENGE] =
        {"account-challenge",
         "The provider found the sign-in unusual and wants to see the account's owner.",
         "Sign in as this account with a web browser, confirm that the sign-in was yours, and test "
         "again. An app password avoids this."},
    [RELAY_CAUSE_ACCOUNT_LOCKED] = {"account-locked", "The account is locked or suspended.",
                                    "Have the account unlocked at the provider, then test again."},
    [RELAY_CAUSE_SMTP_AUTH_DISABLED_TENANT] =
        {"smtp-auth-disabled-tenant",
         "Signing in by SMTP is switched off for the whole organisation.",
         "An administrator switches SMTP AUTH on for this mailbox: in the Microsoft 365 admin "
         "center, Users, Active users, the mailbox, Mail, Manage email apps, Authenticated SMTP. "
         "The setting of the mailbox wins over that of the organisation."},
    [RELAY_CAUSE_SMTP_DISABLED_FOR_ACCOUNT] = {"smtp-disabled-for-account",
                                               "The account may not send by SMTP.", CURE_PASSWORD},
    [RELAY_CAUSE_OAUTH_REQUIRED] =
        {"oauth-required",
         "The provider takes no passwords any more; it wants OAuth, which Letterhead does not "
         "support.",
         "Where the administrator can still allow password sign-in for this mailbox, do so; "
         "otherwise use our method \"dkim\", or an account of another server."},
    [RELAY_CAUSE_OAUTH_TOKEN_REJECTED] = {"oauth-token-rejected",
                                          "The server refused an OAuth token.",
                                          "Letterhead does not use OAuth; use an app password."},
    [RELAY_CAUSE_CONDITIONAL_ACCESS] =
        {"conditional-access",
         "A rule of the organisation (Conditional Access or the like) forbids this sign-in.",
         "An administrator exempts this mailbox from the rule. Sign-ins come from addresses that "
         "may change, so a rule by address will not do."},
    [RELAY_CAUSE_SECURITY_DEFAULTS] =
        {"security-defaults",
         "The organisation's security defaults forbid signing in with a password alone.",
         "An administrator turns security defaults off (Microsoft Entra admin center, Identity, "
         "Overview, Properties) and protects the accounts by Conditional Access with an exception "
         "for this mailbox; or use our method \"dkim\"."},
    [RELAY_CAUSE_TOO_MANY_TRIES] =
        {"too-many-tries", "The provider has seen too many sign-ins in a short time.",
         "Nothing needs to be done; it is tried again later. If it stays so, check whether another "
         "program signs in with an old password."},
    [RELAY_CAUSE_TLS_REQUIRED] = {"tls-required",
                                  "The server wants encryption before anything else.",
                                  "Choose STARTTLS (port 587) or TLS (port 465)."},
    [RELAY_CAUSE_AUTH_REQUIRED] = {"auth-required", "The server takes mail only after signing in.",
                                   "Give user name and password; then test again."},
    [RELAY_CAUSE_RELAY_IP_NOT_REGISTERED] =
        {"relay-ip-not-registered", "The relay accepts mail from registered addresses only.",
         "In the Google Admin console open Apps, Google Workspace, Gmail, Routing, SMTP relay "
         "service; tick \"Require SMTP Authentication\" and untick \"Only accept mail from the "
         "specified IP addresses\", since our addresses change."},
    [RELAY_CAUSE_SENDER_NOT_ALLOWED] =
        {"sender-not-allowed", "This account may not send as the outgoing address.",
         "Give the account the right to send as this address (an alias, or \"Send as\"), or choose "
         "the account's own address as outgoing address."},
    [RELAY_CAUSE_SENDER_NOT_VERIFIED] =
        {"sender-not-verified", "The outgoing address is not verified at the provider.",
         "Verify the address or its domain there, MAIL FROM domain included; then test again."},
    [RELAY_CAUSE_SENDING_LIMIT] =
        {"sending-limit", "The provider's limit for this account is reached.",
         "Mail waits and goes out when the limit allows it again. If this happens often, the "
         "account is too small for this site."},
    [RELAY_CAUSE_RATE] = {"rate", "The server wants mail more slowly.",
                          "Nothing needs to be done; Letterhead slows down."},
    [RELAY_CAUSE_RELAY_DENIED] =
        {"not-open-relay", "The server does not relay for strangers.",
         "To a stranger this is the right answer. After signing in it means that the account may "
         "not send to other domains: allow it."},
    [RELAY_CAUSE_TRANSIENT] = {"transient", "The server cannot do it now.",
                               "Nothing needs to be done; it is tried again."},
    [RELAY_CAUSE_REFUSED] = {"refused", "The server refuses, in its own words.",
                             "Show the reply to whoever runs the mail server."},
};

/* From the first that fits; codes 0: any. */
static const struct rule {
    const char *words; /* as in feedback_words_match; NULL: any */
    enum relay_cause cause;
    unsigned stages; /* bits by enum relay_stage; 0: any */
    uint16_t codes[4];
} rules[] = {
    {"application-specific password", RELAY_CAUSE_APP_PASSWORD_REQUIRED, 0, {0}},
    {"app password", RELAY_CAUSE_APP_PASSWORD_REQUIRED, 0, {0}},
    {"application password", RELAY_CAUSE_APP_PASSWORD_REQUIRED, 0, {0}},
    {"app-specific password", RELAY_CAUSE_APP_PASSWORD_REQUIRED, 0, {0}},
    {"authorization code to login", RELAY_CAUSE_APP_PASSWORD_REQUIRED, 0, {0}},
    {"#auth005", RELAY_CAUSE_APP_PASSWORD_REQUIRED, 0, {0}},
    {"log in with your web browser", RELAY_CAUSE_ACCOUNT_CHALLENGE, 0, {0}},
    {"log in via your web browser", RELAY_CAUSE_ACCOUNT_CHALLENGE, 0, {0}},
    {"webloginrequired", RELAY_CAUSE_ACCOUNT_CHALLENGE, 0, {0}},
    {"disabled for the tenant", RELAY_CAUSE_SMTP_AUTH_DISABLED_TENANT, 0, {0}},
    {"disabled for the mailbox", RELAY_CAUSE_SMTP_DISABLED_FOR_ACCOUNT, 0, {0}},
    {"basic authentication is disabled", RELAY_CAUSE_OAUTH_REQUIRED, 0, {0}},
    {"basic authentication is not supported", RELAY_CAUSE_OAUTH_REQUIRED, 0, {0}},
    {"did not meet the criteria", RELAY_CAUSE_CONDITIONAL_ACCESS, 0, {0}},
    {"conditional access", RELAY_CAUSE_CONDITIONAL_ACCESS, 0, {0}},
    {"security defaults", RELAY_CAUSE_SECURITY_DEFAULTS, 0, {0}},
    {"does not have access rights to this service", RELAY_CAUSE_SMTP_DISABLED_FOR_ACCOUNT, 0, {0}},
    {"account * locked", RELAY_CAUSE_ACCOUNT_LOCKED, 1u << RELAY_STAGE_AUTH, {0}},
    {"account * disabled", RELAY_CAUSE_ACCOUNT_LOCKED, 1u << RELAY_STAGE_AUTH, {0}},
    {"account * suspended", RELAY_CAUSE_ACCOUNT_LOCKED, 1u << RELAY_STAGE_AUTH, {0}},
    {"too many login attempts", RELAY_CAUSE_TOO_MANY_TRIES, 0, {0}},
    {"too many * auth", RELAY_CAUSE_TOO_MANY_TRIES, 0, {0}},
    {"too many * login", RELAY_CAUSE_TOO_MANY_TRIES, 0, {0}},
    {"starttls", RELAY_CAUSE_TLS_REQUIRED, 0, {530, 538, 554, 451}},
    {"encryption required", RELAY_CAUSE_TLS_REQUIRED, 0, {0}},
    {"invalid credentials for relay", RELAY_CAUSE_RELAY_IP_NOT_REGISTERED, 0, {0}},
    {"sendasdenied", RELAY_CAUSE_SENDER_NOT_ALLOWED, 0, {0}},
    {"not allowed to send as", RELAY_CAUSE_SENDER_NOT_ALLOWED, 0, {0}},
    {"relaying disallowed as", RELAY_CAUSE_SENDER_NOT_ALLOWED, 0, {0}},
    {"mail from address must be same", RELAY_CAUSE_SENDER_NOT_ALLOWED, 0, {0}},
    {"sender address rejected: not owned", RELAY_CAUSE_SENDER_NOT_ALLOWED, 0, {0}},
    {"not owned by user", RELAY_CAUSE_SENDER_NOT_ALLOWED, 0, {0}},
    {"sender * not allowed", RELAY_CAUSE_SENDER_NOT_ALLOWED, 0, {0}},
    {"not authorized to send", RELAY_CAUSE_SENDER_NOT_ALLOWED, 0, {0}},
    {"does not match * sender", RELAY_CAUSE_SENDER_NOT_ALLOWED, 0, {0}},
    {"mail from domain not verified", RELAY_CAUSE_SENDER_NOT_VERIFIED, 0, {0}},
    {"email address is not verified", RELAY_CAUSE_SENDER_NOT_VERIFIED, 0, {0}},
    {"sender * not verified", RELAY_CAUSE_SENDER_NOT_VERIFIED, 0, {0}},
    {"daily * quota exceeded", RELAY_CAUSE_SENDING_LIMIT, 0, {0}},
    {"daily * limit", RELAY_CAUSE_SENDING_LIMIT, 0, {0}},
    {"sending limit", RELAY_CAUSE_SENDING_LIMIT, 0, {0}},
    {"sending quota", RELAY_CAUSE_SENDING_LIMIT, 0, {0}},
    {"unusual sending activity", RELAY_CAUSE_SENDING_LIMIT, 0, {0}},
    {"5.4.5", RELAY_CAUSE_SENDING_LIMIT, 0, {550}},
    {"concurrent connections", RELAY_CAUSE_RATE, 0, {0}},
    {"server busy", RELAY_CAUSE_RATE, 0, {0}},
    {"too many connections", RELAY_CAUSE_RATE, 0, {0}},
    {"maximum sending rate", RELAY_CAUSE_RATE, 0, {0}},
    {"throttl", RELAY_CAUSE_RATE, 0, {0}},
    {"rate limit", RELAY_CAUSE_RATE, 0, {0}},
    {"not authenticated", RELAY_CAUSE_AUTH_REQUIRED, ~(1u << RELAY_STAGE_AUTH), {530, 550, 554}},
    {"authentication required", RELAY_CAUSE_AUTH_REQUIRED, ~(1u << RELAY_STAGE_AUTH), {0}},
    {NULL, RELAY_CAUSE_AUTH_REQUIRED, ~(1u << RELAY_STAGE_AUTH), {530}},
    {"relay access denied", RELAY_CAUSE_RELAY_DENIED, 0, {0}},
    {"relay", RELAY_CAUSE_RELAY_DENIED, 1u << RELAY_STAGE_RCPT, {550, 551, 553, 554}},
    {NULL, RELAY_CAUSE_OAUTH_TOKEN_REJECTED, 1u << RELAY_STAGE_AUTH, {334}},
    {NULL, RELAY_CAUSE_APP_PASSWORD_REQUIRED, 1u << RELAY_STAGE_AUTH, {534}},
    {NULL, RELAY_CAUSE_TLS_REQUIRED, 1u << RELAY_STAGE_AUTH, {538}},
    {NULL, RELAY_CAUSE_AUTH_FAILED, 1u << RELAY_STAGE_AUTH, {535}},
};

static bool code_fits(const struct rule *rule, uint16_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(rule->codes); i++)
        if (rule->codes[i] == code)
            return true;
    return rule->codes[0] == 0;
}

static bool rule_fits(const struct rule *rule, struct slice words, enum relay_stage stage,
                      uint16_t code)
{
    return (rule->stages == 0 || (rule->stages & 1u << stage) != 0) && code_fits(rule, code) &&
           (!rule->words || feedback_words_match(words, slice_text(rule->words)));
}

static enum relay_cause find_cause(struct slice words, enum relay_stage stage, uint16_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (rule_fits(&rules[i], words, stage, code))
            return rules[i].cause;
    switch (wire_reply_class(code)) {
    case SMTP_CLASS_TRANSIENT:
        return RELAY_CAUSE_TRANSIENT;
    case SMTP_CLASS_PERMANENT:
        return stage == RELAY_STAGE_AUTH ? RELAY_CAUSE_AUTH_FAILED : RELAY_CAUSE_REFUSED;
    default:
        return RELAY_CAUSE_NONE;
    }
}

static void fold_reply(const struct smtp_reply *reply, struct buffer *ret)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    for (size_t i = 0; i < reply->line_count; i++) {
        buffer_add(&text, reply->lines[i]);
        buffer_add_byte(&text, ' ');
    }
    feedback_words_fold(buffer_slice(&text), ret);
}

struct relay_diagnosis relay_diagnose(struct slice host, enum relay_stage stage,
                                      const struct smtp_reply *reply)
{
    CLEANUP(buffer_done) struct buffer words = BUFFER_NONE;
    struct relay_diagnosis d = {.provider = relay_provider_find(host)};
    enum smtp_class class = wire_reply_class(reply->code);

    fold_reply(reply, &words);
    d.cause = class == SMTP_CLASS_SUCCESS ? RELAY_CAUSE_NONE
                                          : find_cause(buffer_slice(&words), stage, reply->code);
    d.transient = class == SMTP_CLASS_TRANSIENT || d.cause == RELAY_CAUSE_TOO_MANY_TRIES ||
                  d.cause == RELAY_CAUSE_RATE || d.cause == RELAY_CAUSE_SENDING_LIMIT;
    d.what = causes[d.cause].what;
    d.cure = causes[d.cause].cure ? causes[d.cause].cure : d.provider->password_advice;
    return d;
}

const char *relay_cause_name(enum relay_cause cause)
{
    assert(cause < RELAY_CAUSES);
    return causes[cause].name;
}
