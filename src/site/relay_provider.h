/* Well-known hosts of SMTP accounts: what they allow, what they expect, where to click. A client's
 * host that is not among them gets the ordinary limits.
 *
 * The figures are what the providers published when this was written; they change, and the answers
 * of the host decide. */
#ifndef LETTERHEAD_SITE_RELAY_PROVIDER_H
#define LETTERHEAD_SITE_RELAY_PROVIDER_H

#include "base/slice.h"

enum relay_provider_id {
    RELAY_PROVIDER_OTHER,
    RELAY_PROVIDER_GOOGLE,       /* smtp.gmail.com */
    RELAY_PROVIDER_GOOGLE_RELAY, /* smtp-relay.gmail.com */
    RELAY_PROVIDER_MICROSOFT365,
    RELAY_PROVIDER_OUTLOOK_COM,
    RELAY_PROVIDER_YAHOO,
    RELAY_PROVIDER_ICLOUD,
    RELAY_PROVIDER_ZOHO,
    RELAY_PROVIDER_FASTMAIL,
    RELAY_PROVIDER_AMAZON_SES,
    RELAY_PROVIDER_MAIL_RU,
    RELAY_PROVIDER_YANDEX,
    RELAY_PROVIDER_QQ,
    RELAY_PROVIDER_GMX,
    RELAY_PROVIDER_BREVO,
    RELAY_PROVIDERS,
};

struct relay_provider {
    enum relay_provider_id id;
    const char *name;             /* as people call it */
    const char *hosts[4];         /* "smtp.gmail.com", ".amazonaws.com" (all below); NULL ends */
    unsigned recipients_per_day;  /* 0: not published, or by contract */
    unsigned messages_per_minute; /* 0: not published */
    unsigned connections_max;     /* at a time; 0: not published */
    const char *expect;           /* a sentence for the client's IT staff */
    const char *password_advice;  /* where the password that works comes from */
};

/* The provider of a host name, without case; never NULL. */
const struct relay_provider *relay_provider_find(struct slice host);
const struct relay_provider *relay_provider_by_id(enum relay_provider_id id);

/* An app password as Google shows it has spaces, which do not belong to it. True if the text is one
 * once they are gone: then it has RELAY_APP_PASSWORD_BYTES lower-case letters. */
enum { RELAY_APP_PASSWORD_BYTES = 16 };
bool relay_provider_is_app_password(struct slice password);
/* True if the text was meant to be one, since it is all lower-case letters, in groups or about as
 * many, but is not. */
bool relay_provider_is_cut_app_password(struct slice password);
/* Google's hosts, whose accounts have such passwords. */
bool relay_provider_has_app_passwords(const struct relay_provider *provider);

#endif
