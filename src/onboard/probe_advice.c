/* Will receivers believe mail of the outgoing address that comes from this server? By SPF and
 * DMARC of its domain, as far as that can be seen from outside: which addresses the server sends
 * from, and whether it signs, it alone knows. So this is advice, and never a failure. */
#include "onboard/probe_inside.h"

#include "onboard/dmarc.h"

/* What an SPF record must hold for mail that a provider sends. */
static const struct {
    enum relay_provider_id provider;
    const char *words;
} includes[] = {
    {RELAY_PROVIDER_GOOGLE, "include:_spf.google.com"},
    {RELAY_PROVIDER_GOOGLE_RELAY, "include:_spf.google.com"},
    {RELAY_PROVIDER_MICROSOFT365, "include:spf.protection.outlook.com"},
    {RELAY_PROVIDER_FASTMAIL, "include:spf.messagingengine.com"},
    {RELAY_PROVIDER_ICLOUD, "include:icloud.com"},
    {RELAY_PROVIDER_AMAZON_SES, "include:amazonses.com"},
    {RELAY_PROVIDER_BREVO, "include:spf.brevo.com"},
};

static const char *include_of(const struct probe *p)
{
    for (size_t i = 0; i < ARRAY_LEN(includes); i++)
        if (includes[i].provider == p->provider->id)
            return includes[i].words;
    return NULL;
}

/* RFC 7208 §4.5; empty: none, or several. */
static int find_spf(struct task *t, struct probe *p, struct slice domain, struct slice *ret)
{
    struct dns_answer answer;
    size_t count = 0;
    int r = resolver_query(t, p->arena, domain, DNS_TXT, &answer);

    *ret = SLICE_NONE;
    if (r < 0)
        return r == -EINVAL ? 0 : r;
    for (size_t i = 0; answer.status == DNS_FOUND && i < answer.count; i++) {
        struct slice text = answer.records[i].text;

        if (!slice_starts_nocase(text, SLICE("v=spf1")) || (text.size > 6 && text.data[6] != ' '))
            continue;
        *ret = text;
        count++;
    }
    if (count != 1)
        *ret = SLICE_NONE;
    return 0;
}

static int find_dmarc(struct task *t, struct probe *p, struct slice domain, struct slice *ret)
{
    struct dmarc_finding finding;
    int r = dmarc_find(t, p->arena, domain, false, &finding);

    *ret = r == 0 && finding.walk.found ? finding.walk.text : SLICE_NONE;
    return r;
}

/* Whether the record names the server: by its provider, its name or its address. */
static bool names_server(const struct probe *p, struct slice spf)
{
    const char *include = include_of(p);

    if (include)
        return slice_find_slice(spf, slice_text(include)) >= 0;
    if (slice_find_slice(spf, p->account->host) >= 0)
        return true;
    for (size_t i = 0; i < p->server.address_count; i++) {
        char address[ENDPOINT_TEXT_BYTES];

        endpoint_format_address(&p->server.addresses[i], address);
        if (slice_find_slice(spf, slice_text(address)) >= 0)
            return true;
    }
    return false;
}

static void judge(struct probe *p, struct slice domain, struct slice spf, struct slice dmarc)
{
    struct slice seen =
        arena_printf(p->arena, "SPF: %.*s; DMARC: %.*s",
                     SLICE_ARG(spf.size ? probe_escape(p, spf) : SLICE("none")),
                     SLICE_ARG(dmarc.size ? probe_escape(p, dmarc) : SLICE("none")));
    const char *include = include_of(p);

    if (spf.size && names_server(p, spf) && dmarc.size)
        probe_pass(p, PROBE_ALIGNMENT,
                   SLICE("SPF of the outgoing address's domain names this server, and there is a "
                         "DMARC policy: mail will be believed."),
                   seen);
    else if (spf.size == 0)
        probe_warn(
            p, PROBE_ALIGNMENT, "no-spf",
            arena_printf(p->arena, "The domain %.*s has no SPF record.", SLICE_ARG(domain)),
            include ? arena_printf(p->arena, "Publish a TXT record: \"v=spf1 %s ~all\".", include)
                    : SLICE("Publish a TXT record \"v=spf1 mx ~all\", or one that names the "
                            "addresses that the mail server sends from."),
            seen);
    else if (!names_server(p, spf))
        probe_warn(p, PROBE_ALIGNMENT, "spf-unclear",
                   arena_printf(p->arena,
                                "SPF of %.*s does not name this server, as far as can be seen from "
                                "outside.",
                                SLICE_ARG(domain)),
                   include
                       ? arena_printf(p->arena, "Add \"%s\" to the SPF record.", include)
                       : SLICE("See to it that the SPF record covers the addresses that the mail "
                               "server sends from (they may be others than the one tested), or "
                               "that it signs with DKIM for this domain."),
                   seen);
    else
        probe_warn(
            p, PROBE_ALIGNMENT, "no-dmarc",
            arena_printf(p->arena, "The domain %.*s has no DMARC policy.", SLICE_ARG(domain)),
            arena_printf(p->arena,
                         "Publish a TXT record \"v=DMARC1; p=none\" at _dmarc.%.*s: large "
                         "receivers expect one.",
                         SLICE_ARG(domain)),
            seen);
}

static int ask_policies(struct task *t, void *argument)
{
    struct probe *p = argument;
    struct probe_policies *policies = &p->policies;
    int r = find_spf(t, p, policies->domain, &policies->spf);

    if (r == 0)
        r = find_dmarc(t, p, policies->domain, &policies->dmarc);
    policies->known = r == 0;
    return 0;
}

int probe_ask_policies(struct probe *p)
{
    struct slice address = p->account->outgoing_address;
    int r;

    p->policies.domain =
        slice_part(address, (size_t)(slice_find_last(address, '@') + 1), address.size);
    r = scope_spawn(&p->policies.scope, "policies", ask_policies, p);
    return r == -ECANCELED ? r : 0; /* advice that cannot be had is no reason not to test */
}

static int wait_for_policies(struct task *t, struct probe *p)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, PROBE_ADVICE_US);
    int r = scope_wait(t, &p->policies.scope);

    return r == -ECANCELED ? r : 0;
}

int probe_alignment(struct task *t, struct probe *p)
{
    const struct probe_policies *policies = &p->policies;
    int r = wait_for_policies(t, p);

    if (r < 0)
        return r;
    if (policies->known)
        judge(p, policies->domain, policies->spf, policies->dmarc);
    else
        probe_skip(p, PROBE_ALIGNMENT, SLICE("The DNS gave no answer."));
    return 0;
}
