/* Transport security on the way out: what one mail host must show before it is given mail.
 *
 * Who says so, the strongest first: DANE (RFC 7672), where the domain's DNS is validated and the
 * host has TLSA records; MTA-STS (RFC 8461); the site that sends, when it wants verified TLS only.
 * Where nobody says anything, TLS is used when it can be had (RFC 7435). A message may ask for more
 * or for less (RFC 8689). docs/transport-security.md has the table of policies, what servers do,
 * and what comes of it.
 *
 * tls_plan_decide is pure; tls_domain_find and tls_host_plan ask DNS and the steward and then call
 * it. All memory is the arena's. */
#ifndef LETTERHEAD_DELIVER_TLS_POLICY_H
#define LETTERHEAD_DELIVER_TLS_POLICY_H

#include "deliver/dane.h"
#include "deliver/sts_cache.h"
#include "runtime/tls.h"

/* What the message and its site want of the connection. */
enum tls_wish {
    TLS_WISH_NONE = 0,
    TLS_WISH_VERIFIED, /* the site: verified TLS only */
    TLS_WISH_REQUIRED, /* REQUIRETLS: verified, by a host name that is vouched for, here and on */
    TLS_WISH_RELAXED,  /* "TLS-Required: No": rather in clear than not at all */
};

enum tls_plan_kind {
    TLS_PLAN_OPPORTUNISTIC = 0, /* TLS if it can be had, any certificate; else in clear */
    TLS_PLAN_OBSERVED,          /* the same, but what is wrong with the certificate is recorded */
    TLS_PLAN_ENCRYPTED,         /* TLS, any certificate */
    TLS_PLAN_AUTHORITIES,       /* TLS; a certificate for the host, by an authority */
    TLS_PLAN_DANE,              /* TLS; a certificate that a TLSA record vouches for */
    TLS_PLAN_FORBIDDEN,         /* the host is not to be used at all */
};

enum { TLS_PLAN_NAMES_MAX = 2 };

struct tls_plan {
    enum tls_plan_kind kind;
    enum wire_tls_policy reported; /* under which policy the session is reported */
    enum wire_tls_result finding;  /* known before the host was asked; for OBSERVED and FORBIDDEN */
    struct slice why;              /* with a finding: a sentence */
    struct slice by;               /* who demands it: "DANE", "the MTA-STS policy of …" */
    struct slice server_name;
    struct slice other_names[TLS_PLAN_NAMES_MAX]; /* DANE */
    size_t other_name_count;
    const struct wire_tlsa *records; /* DANE: the usable ones */
    size_t record_count;
    bool own_names;  /* DANE-TA: the connection proves something about this domain only */
    bool requiretls; /* the server must offer REQUIRETLS */
};

/* True when mail may go out on it only under TLS. */
bool tls_plan_insists(const struct tls_plan *plan);

/* What is known of a domain: found once for all its hosts. */
struct tls_domain {
    struct slice domain;
    bool named_securely;         /* its MX, or that it has none, was validated by DNSSEC */
    bool published;              /* false: a configured next hop, whose domain has no say */
    const struct sts_known *sts; /* NULL: MTA-STS is not to be asked */
};

struct tls_host {
    struct slice name, canonical; /* as the MX says, and after CNAMEs */
    bool secure;                  /* its addresses were validated */
    uint16_t port;
};

struct tls_plan tls_plan_decide(struct arena *arena, const struct tls_domain *domain,
                                const struct tls_host *host, const struct dane_finding *dane,
                                enum tls_wish wish);

/* Whom to ask. Borrowed. */
struct tls_policy {
    struct sts_cache *sts; /* NULL: there is no MTA-STS */
    const bool *dane;      /* the resolver has proved that it validates; NULL: it has not */
};

/* 0; -ECANCELED, -ETIMEDOUT (the task's). `domain` with name, named_securely and published set. */
MUST_CHECK int tls_domain_find(struct task *t, struct arena *arena, const struct tls_policy *policy,
                               struct tls_domain *domain);
MUST_CHECK int tls_host_plan(struct task *t, struct arena *arena, const struct tls_policy *policy,
                             const struct tls_domain *domain, const struct tls_host *host,
                             enum tls_wish wish, struct tls_plan *ret);

/* Equal for domains whose mail may share a connection to the same hosts. */
uint64_t tls_domain_hash(const struct tls_domain *domain);

#endif
