#include "onboard/dmarc.h"

#include "base/log.h"
#include "runtime/resolver.h"

#include <libpsl.h>

/* What one name was found to have. */
struct step {
    struct slice domain;
    size_t records;
    struct slice text;
    struct wire_dmarc_record record; /* when there is exactly one */
};

struct walk {
    struct arena *arena;
    struct step steps[WIRE_DMARC_QUERIES_MAX + 1]; /* the last one is that of the list's domain */
    size_t count;
    bool stopped; /* at the own record, though the boundary may lie further up */
    struct dmarc_finding *finding;
};

static struct slice harmless(struct arena *arena, struct slice text)
{
    char escaped[4 * DMARC_TEXT_BYTES + 1];

    log_escape(slice_part(text, 0, DMARC_TEXT_BYTES), escaped, sizeof escaped);
    return arena_copy(arena, slice_text(escaped));
}

static void read_answer(struct walk *w, const struct dns_answer *answer, struct step *step)
{
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++) {
        struct wire_dmarc_record record;

        if (wire_dmarc_record_parse(answer->records[i].text, &record) < 0)
            continue;
        step->records++;
        step->record = record;
        step->text = harmless(w->arena, answer->records[i].text);
    }
    if (step->records > 1 && w->finding->several.size == 0)
        w->finding->several = step->domain;
}

static int ask(struct task *t, struct walk *w, struct slice domain, struct step **ret)
{
    struct slice name = arena_printf(w->arena, "_dmarc.%.*s", SLICE_ARG(domain));
    struct step *step = &w->steps[w->count];
    struct dns_answer answer;
    int r = resolver_query(t, w->arena, name, DNS_TXT, &answer);

    *step = (struct step){.domain = domain};
    if (r == -EINVAL) /* too long for a name: nothing can be there */
        r = 0;
    else if (r == 0 && (answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS))
        w->finding->trouble =
            arena_printf(w->arena, "%.*s could not be looked up: %.*s", SLICE_ARG(name),
                         SLICE_ARG(harmless(w->arena, answer.why)));
    else if (r == 0)
        read_answer(w, &answer, step);
    w->count++;
    *ret = step;
    return r;
}

/* Up to a record that says where the boundary is. */
static int walk_up(struct task *t, struct walk *w, struct slice domain, bool organization)
{
    bool ended = false;
    struct step *step;
    int r = 0;

    while (domain.size && !ended && !w->stopped && r == 0 && w->finding->trouble.size == 0) {
        r = ask(t, w, domain, &step);
        ended = step->records == 1 && step->record.psd != WIRE_DMARC_PSD_UNKNOWN;
        w->stopped = step->records == 1 && !ended && !organization && w->count == 1;
        domain = wire_dmarc_walk_next(domain);
    }
    return r;
}

static const struct step *step_of(const struct walk *w, struct slice domain)
{
    for (size_t i = 0; i < w->count; i++)
        if (slice_equal(w->steps[i].domain, domain))
            return &w->steps[i];
    return NULL;
}

/* The part of `domain` with one label more than `upper`, which it ends with. */
static struct slice one_below(struct slice domain, struct slice upper)
{
    struct slice rest = domain, found = domain, label;

    while (rest.size > upper.size) {
        found = rest;
        slice_cut(&rest, '.', &label);
    }
    return found;
}

/* RFC 9989 §4.10.2. */
static struct slice find_organization(const struct walk *w, const struct step **ret_suffix)
{
    struct slice top = w->steps[0].domain;

    if (w->stopped)
        return SLICE_NONE;
    for (size_t i = 0; i < w->count; i++) {
        const struct step *step = &w->steps[i];

        if (step->records != 1)
            continue;
        if (step->record.psd == WIRE_DMARC_PSD_NO)
            return step->domain;
        if (step->record.psd == WIRE_DMARC_PSD_YES && i > 0) {
            *ret_suffix = step;
            return one_below(w->steps[0].domain, step->domain);
        }
        top = step->domain;
    }
    return top;
}

static void take(struct dmarc_policy *policy, const struct step *step, bool own)
{
    if (!step || step->records != 1 || policy->found)
        return;
    policy->found = true;
    policy->domain = step->domain;
    policy->text = step->text;
    policy->record = step->record;
    policy->policy =
        own ? wire_dmarc_policy_of(&step->record) : wire_dmarc_policy_below(&step->record, true);
}

/* §4.10.1: the From domain's own, its organization's, or that of the public suffix above. */
static void judge_walk(const struct walk *w, struct dmarc_policy *ret)
{
    const struct step *suffix = NULL;

    ret->organization = find_organization(w, &suffix);
    take(ret, &w->steps[0], true);
    take(ret, step_of(w, ret->organization), false);
    take(ret, suffix, false);
}

/* np= (§4.7): a record above may say something else of a domain that does not exist, by the word of
 * RFC 8020. Receivers of RFC 7489 know nothing of it. */
static int judge_existence(struct task *t, struct walk *w, struct dmarc_policy *policy)
{
    struct slice domain = w->steps[0].domain;
    struct dns_answer answer;
    int r;

    if (!policy->found || slice_equal(policy->domain, domain) ||
        policy->record.below_not_there == WIRE_DMARC_NOT_GIVEN)
        return 0;
    r = resolver_query(t, w->arena, domain, DNS_A, &answer);
    if (r < 0)
        return r == -EINVAL ? 0 : r;
    if (answer.status == DNS_NO_NAME)
        policy->policy = wire_dmarc_policy_below(&policy->record, false);
    if (answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS)
        w->finding->trouble =
            arena_printf(w->arena, "%.*s could not be looked up: %.*s", SLICE_ARG(domain),
                         SLICE_ARG(harmless(w->arena, answer.why)));
    return 0;
}

/* Without p= a record counts only if it asks for reports, and then as "none" (RFC 7489 §6.6.3). */
static bool counts_by_list(const struct step *step)
{
    return step && step->records == 1 &&
           (step->record.policy != WIRE_DMARC_NOT_GIVEN || step->record.reports.size > 0);
}

static int judge_list(struct task *t, struct walk *w, struct dmarc_policy *ret)
{
    struct slice domain = w->steps[0].domain;
    struct step *asked;
    int r = 0;

    ret->organization = dmarc_organization(w->arena, domain);
    if (counts_by_list(&w->steps[0]))
        take(ret, &w->steps[0], true);
    if (ret->found || slice_equal(ret->organization, domain))
        return 0;
    if (!step_of(w, ret->organization))
        r = ask(t, w, ret->organization, &asked);
    if (counts_by_list(step_of(w, ret->organization)))
        take(ret, step_of(w, ret->organization), false);
    return r;
}

int dmarc_find(struct task *t, struct arena *arena, struct slice domain, bool organization,
               struct dmarc_finding *ret)
{
    struct walk *w = ARENA_NEW(arena, struct walk);
    int r;

    assert(domain.size > 0);
    *ret = (struct dmarc_finding){.trouble = SLICE_NONE};
    w->arena = arena;
    w->finding = ret;
    r = walk_up(t, w, domain, organization);
    if (r < 0 || ret->trouble.size)
        return r;
    judge_walk(w, &ret->walk);
    r = judge_existence(t, w, &ret->walk);
    return r < 0 || ret->trouble.size ? r : judge_list(t, w, &ret->list);
}

struct slice dmarc_organization(struct arena *arena, struct slice domain)
{
    struct slice copy = arena_copy(arena, domain); /* ended by NUL */
    const char *found = psl_registrable_domain(psl_builtin(), copy.data);

    return found ? slice_part(copy, (size_t)(found - copy.data), copy.size) : copy;
}
