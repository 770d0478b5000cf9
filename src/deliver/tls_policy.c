#include "deliver/tls_policy.h"

#include "base/table.h"

bool tls_plan_insists(const struct tls_plan *plan)
{
    return plan->kind >= TLS_PLAN_ENCRYPTED;
}

static void forbid(struct tls_plan *plan, enum wire_tls_result finding, struct slice why)
{
    plan->kind = TLS_PLAN_FORBIDDEN;
    plan->finding = finding;
    plan->why = why;
}

/* RFC 7672 §2.2.2, §3.2.2: the base domain is sent as SNI; a certificate by a trust anchor may also
 * be for the domain that the mail is for, or for the MX name before its alias was followed. */
static void plan_dane(struct tls_plan *plan, const struct tls_domain *domain,
                      const struct tls_host *host, const struct dane_finding *dane)
{
    plan->kind = TLS_PLAN_DANE;
    plan->reported = WIRE_TLS_TLSA;
    plan->by = SLICE("DANE");
    plan->server_name = dane->base;
    plan->records = dane->records;
    plan->record_count = dane->record_count;
    plan->own_names = dane->trust_anchors;
    if (!slice_equal_nocase(domain->domain, dane->base))
        plan->other_names[plan->other_name_count++] = domain->domain;
    if (!slice_equal_nocase(host->name, dane->base))
        plan->other_names[plan->other_name_count++] = host->name;
}

static void plan_authorities(struct tls_plan *plan, struct slice by)
{
    if (plan->kind > TLS_PLAN_AUTHORITIES)
        return;
    plan->kind = TLS_PLAN_AUTHORITIES;
    plan->by = by;
}

/* RFC 8461 §4: the host must be one that the policy names, and its certificate good. */
static void plan_sts(struct arena *arena, struct tls_plan *plan, const struct tls_domain *domain,
                     const struct tls_host *host)
{
    const struct sts_known *sts = domain->sts;
    bool enforced = sts->policy.mode == WIRE_MTA_STS_ENFORCE;
    struct slice by = arena_printf(arena, "the MTA-STS policy of %.*s", SLICE_ARG(domain->domain));

    plan->reported = WIRE_TLS_STS;
    if (!wire_mta_sts_policy_allows(&sts->policy, host->name)) {
        plan->finding = WIRE_TLS_VALIDATION_FAILURE;
        plan->why = arena_printf(arena, "%.*s is no mail host by %.*s", SLICE_ARG(host->name),
                                 SLICE_ARG(by));
    }
    if (enforced && plan->finding)
        forbid(plan, plan->finding, plan->why);
    else if (enforced)
        plan_authorities(plan, by);
    else if (plan->kind == TLS_PLAN_OPPORTUNISTIC)
        plan->kind = TLS_PLAN_OBSERVED;
}

/* RFC 8689 §4.2.1: the host's name itself must be vouched for, by DNSSEC or MTA-STS. */
static void plan_required(struct tls_plan *plan, const struct tls_domain *domain)
{
    bool by_sts = plan->reported == WIRE_TLS_STS && plan->kind == TLS_PLAN_AUTHORITIES;
    bool vouched = !domain->published || domain->named_securely || by_sts;

    if (plan->kind == TLS_PLAN_FORBIDDEN)
        return;
    plan->requiretls = true;
    if (!vouched)
        forbid(
            plan, WIRE_TLS_VALIDATION_FAILURE,
            SLICE("REQUIRETLS was asked for, and neither DNSSEC nor MTA-STS vouches for the mail "
                  "host's name"));
    else
        plan_authorities(plan, SLICE("REQUIRETLS"));
}

static void plan_published(struct arena *arena, struct tls_plan *plan,
                           const struct tls_domain *domain, const struct tls_host *host,
                           const struct dane_finding *dane)
{
    bool has_sts = domain->sts && domain->sts->has_policy;

    if (dane->state == DANE_BROKEN) {
        plan->reported = WIRE_TLS_TLSA;
        forbid(plan, WIRE_TLS_DNSSEC_INVALID,
               arena_printf(arena, "the TLSA records of %.*s cannot be had: %.*s",
                            SLICE_ARG(host->name), SLICE_ARG(dane->why)));
    } else if (dane->state == DANE_USABLE) {
        plan_dane(plan, domain, host, dane);
    } else {
        if (dane->state == DANE_UNUSABLE) {
            plan->kind = TLS_PLAN_ENCRYPTED;
            plan->reported = WIRE_TLS_TLSA;
            plan->by = SLICE("DANE");
        }
        if (has_sts)
            plan_sts(arena, plan, domain, host);
        else if (domain->sts && domain->sts->failure && plan->kind == TLS_PLAN_OPPORTUNISTIC) {
            plan->reported = WIRE_TLS_STS;
            plan->finding = domain->sts->failure;
            plan->why = domain->sts->why;
        }
    }
}

struct tls_plan tls_plan_decide(struct arena *arena, const struct tls_domain *domain,
                                const struct tls_host *host, const struct dane_finding *dane,
                                enum tls_wish wish)
{
    struct tls_plan plan = {
        .reported = WIRE_TLS_NO_POLICY,
        .server_name = host->name,
    };

    if (wish == TLS_WISH_RELAXED)
        return plan;
    if (domain->published)
        plan_published(arena, &plan, domain, host, dane);
    if (wish == TLS_WISH_VERIFIED)
        plan_authorities(&plan, SLICE("the sending site, which wants verified TLS only"));
    if (wish == TLS_WISH_REQUIRED)
        plan_required(&plan, domain);
    return plan;
}

int tls_domain_find(struct task *t, struct arena *arena, const struct tls_policy *policy,
                    struct tls_domain *domain)
{
    struct sts_known *known;
    int r;

    if (!domain->published || !policy->sts)
        return 0;
    known = ARENA_NEW(arena, struct sts_known);
    r = sts_cache_ask(t, policy->sts, arena, domain->domain, known);
    if (r == 0)
        domain->sts = known;
    return r;
}

int tls_host_plan(struct task *t, struct arena *arena, const struct tls_policy *policy,
                  const struct tls_domain *domain, const struct tls_host *host, enum tls_wish wish,
                  struct tls_plan *ret)
{
    struct dane_finding dane = {.state = DANE_NONE};
    int r = 0;

    if (wish != TLS_WISH_RELAXED && policy->dane && *policy->dane && domain->published &&
        domain->named_securely)
        r = dane_find(t, arena, host->name, host->canonical, host->secure, host->port, &dane);
    if (r == 0)
        *ret = tls_plan_decide(arena, domain, host, &dane, wish);
    return r;
}

uint64_t tls_domain_hash(const struct tls_domain *domain)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    buffer_add_u8(&text, domain->named_securely);
    if (domain->sts && domain->sts->has_policy)
        wire_mta_sts_policy_format(&text, &domain->sts->policy);
    return table_hash(buffer_slice(&text));
}
