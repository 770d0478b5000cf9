/* Will receivers believe mail of the outgoing address that comes from this server? By SPF and
 * DMARC of its domain, as far as that can be seen from outside: which addresses the server sends
 * from, and whether it signs, it alone knows. So this is advice, and never a failure. */
#include "onboard/probe_inside.h"

#include "onboard/dmarc.h"
#include "onboard/spf.h"

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

/* Would a receiver of mail from one of the server's addresses find that SPF passes? */
static int passes_spf(struct task *t, struct probe *p, bool *ret)
{
    struct slice address = p->account->outgoing_address;
    struct spf_sender sender = {.domain = p->policies.domain,
                                .local = slice_part(address, 0, slice_find_last(address, '@')),
                                .helo = p->account->host};
    struct spf_finding finding;
    int r = 0;

    for (size_t i = 0; i < p->server.address_count && r == 0 && !*ret; i++) {
        sender.address = &p->server.addresses[i];
        r = spf_check(t, p->arena, &sender, &finding);
        *ret = r == 0 && finding.result == SPF_PASS;
    }
    return r;
}

/* A provider takes mail at one address and sends from others: there its name counts. */
static int look_at_spf(struct task *t, struct probe *p)
{
    struct probe_policies *policies = &p->policies;
    const char *include = include_of(p);
    int r = 0;

    if (include)
        policies->covered = slice_find_slice(policies->spf, slice_text(include)) >= 0;
    else if (policies->spf.size)
        r = passes_spf(t, p, &policies->covered);
    return r;
}

static void judge(struct probe *p, struct slice domain, struct slice spf, struct slice dmarc)
{
    struct slice seen =
        arena_printf(p->arena, "SPF: %.*s; DMARC: %.*s",
                     SLICE_ARG(spf.size ? probe_escape(p, spf) : SLICE("none")),
                     SLICE_ARG(dmarc.size ? probe_escape(p, dmarc) : SLICE("none")));
    const char *include = include_of(p);

    if (spf.size && p->policies.covered && dmarc.size)
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
    else if (!p->policies.covered)
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

    if (r == 0 && p->policies.known)
        r = look_at_spf(t, p);
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
