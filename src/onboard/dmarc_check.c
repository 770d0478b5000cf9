#include "onboard/dmarc_check.h"

#include "site/mail_from.h"
#include "site/site.h"

/* One identity under the glass. */
struct glass {
    struct arena *arena;
    const struct dmarc_check_options *options;
    struct identity identity;
    struct slice envelope;
    struct slice domains[ALIGNMENT_DOMAINS_MAX]; /* of the From; the identity's own first */
    struct dmarc_finding findings[ALIGNMENT_DOMAINS_MAX];
    struct alignment rows[ALIGNMENT_DOMAINS_MAX];
    size_t count;
};

static bool is_below(struct slice domain, struct slice upper)
{
    return domain.size > upper.size + 1 && domain.data[domain.size - upper.size - 1] == '.' &&
           slice_ends_nocase(domain, upper);
}

/* What does not fit is left out: whoever sends as more than a few subdomains hears of those. */
static void add_domain(struct glass *g, struct slice domain)
{
    for (size_t i = 0; i < g->count; i++)
        if (slice_equal(g->domains[i], domain))
            return;
    if (g->count < ALIGNMENT_DOMAINS_MAX)
        g->domains[g->count++] = domain;
}

static int gather_domains(struct store *s, struct glass *g)
{
    const struct identity *identity = &g->identity;
    struct slice *addresses;
    size_t count = 0;
    int r = 0;

    add_domain(g, identity->domain);
    if (identity->covers_subdomains)
        r = site_outgoing_addresses(s, g->arena, identity->site_id, &addresses, &count);
    for (size_t i = 0; i < count && r == 0; i++) {
        size_t at = (size_t)(slice_find_last(addresses[i], '@') + 1);
        struct slice domain = slice_part(addresses[i], at, addresses[i].size);

        if (is_below(domain, identity->domain))
            add_domain(g, domain);
    }
    return r;
}

static int ask_all(struct task *t, struct glass *g)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, DMARC_CHECK_S * SECOND_US);
    int r = 0;

    for (size_t i = 0; i < g->count; i++)
        g->findings[i].trouble = SLICE("there was no answer in time");
    for (size_t i = 0; i < g->count && r == 0; i++)
        r = dmarc_find(t, g->arena, g->domains[i], g->count > 1, &g->findings[i]);
    if (r == -ETIMEDOUT)
        g->findings[g->count - 1].trouble = SLICE("there was no answer in time");
    return r == -ETIMEDOUT ? 0 : r;
}

/* As it was, or new. */
static struct alignment row_before(const struct glass *g, struct slice domain)
{
    for (size_t i = 0; i < g->identity.alignment_count; i++)
        if (slice_equal(g->identity.alignments[i].domain, domain))
            return g->identity.alignments[i];
    return (struct alignment){.domain = domain, .state = SLICE("NOT_STARTED")};
}

static struct alignment_policy describe(const struct dmarc_policy *policy)
{
    struct alignment_policy described = {.organization = policy->organization};

    if (!policy->found)
        return described;
    described.policy = slice_text(wire_dmarc_policy_name(policy->policy));
    described.found_at = policy->domain;
    described.record = policy->text;
    described.dkim_mode = policy->record.strict_dkim ? SLICE("s") : SLICE("r");
    described.spf_mode = policy->record.strict_spf ? SLICE("s") : SLICE("r");
    return described;
}

static int judge(struct glass *g, size_t i, int64_t now_us, struct alignment *row)
{
    struct dmarc_look look = {
        .since_us = row->since_us,
        .now_us = now_us,
        .grace_s = g->options->grace_s,
        .mail = {.from = row->domain,
                 .signer = g->identity.domain,
                 .envelope = g->envelope,
                 .verified = identity_is_sending(&g->identity),
                 .signer_organization = g->findings[0].walk.organization},
        .finding = g->findings[i],
    };
    struct dmarc_verdict verdict;
    int r = identity_state_parse(row->state, &look.state);

    if (r < 0)
        return r;
    dmarc_verdict(g->arena, &look, &verdict);
    row->state = slice_text(identity_state_name(verdict.state));
    row->since_us = verdict.since_us;
    row->why = verdict.why;
    row->next_step = verdict.next_step;
    row->trouble = SLICE_NONE;
    row->checked_us = now_us;
    row->dkim = slice_text(dmarc_alignment_name(verdict.dkim));
    row->spf = slice_text(dmarc_alignment_name(verdict.spf));
    row->walk = describe(&look.finding.walk);
    row->list = describe(&look.finding.list);
    return 0;
}

/* An answer that proves nothing changes nothing but the note of it. Of a subdomain, both that and
 * the signer's must be known. */
static int judge_all(struct glass *g, int64_t now_us)
{
    int r = 0;

    for (size_t i = 0; i < g->count && r == 0; i++) {
        struct slice trouble =
            g->findings[i].trouble.size ? g->findings[i].trouble : g->findings[0].trouble;

        g->rows[i] = row_before(g, g->domains[i]);
        g->rows[i].trouble = trouble;
        if (trouble.size == 0)
            r = judge(g, i, now_us, &g->rows[i]);
    }
    return r;
}

/* Where the envelope's senders are at present. */
static int find_envelope(struct store *s, struct glass *g)
{
    struct mail_from row;
    int r = mail_from_find(s, g->arena, g->identity.site_id, &row);

    g->envelope = r == 0 && mail_from_is_used(&row) ? row.domain : g->options->bounce_domain;
    return r == -ENOENT ? 0 : r;
}

static int conclude(struct store *s, struct glass *g, int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0) /* it may have changed meanwhile, or be gone */
        r = identity_find(s, g->arena, g->identity.id, &g->identity);
    if (r == 0)
        r = find_envelope(s, g);
    if (r == 0)
        r = judge_all(g, now_us);
    if (r == 0)
        r = alignment_replace(s, g->identity.id, g->rows, g->count);
    return r < 0 ? r : store_transaction_commit(&all);
}

int dmarc_check(struct task *t, struct store *store, const struct dmarc_check_options *options,
                int64_t identity_id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct glass *g = ARENA_NEW(&arena, struct glass);
    int r;

    g->arena = &arena;
    g->options = options;
    r = identity_find(store, &arena, identity_id, &g->identity);
    if (r == 0)
        r = gather_domains(store, g);
    if (r == 0)
        r = ask_all(t, g);
    if (r == 0)
        r = conclude(store, g, task_wall_us(t));
    return r == -ENOENT ? 0 : r;
}

int dmarc_check_site(struct task *t, struct store *store, const struct dmarc_check_options *options,
                     int64_t site_id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct identity *identities;
    size_t count = 0;
    int r = identity_list(store, &arena, site_id, &identities, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        r = dmarc_check(t, store, options, identities[i].id);
    return r;
}
