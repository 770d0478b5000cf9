#include "onboard/dmarc_verdict.h"

static const int64_t S_US = 1000000;

const char *dmarc_alignment_name(enum dmarc_alignment alignment)
{
    return alignment == DMARC_STRICT ? "strict" : alignment == DMARC_RELAXED ? "relaxed" : "none";
}

static enum dmarc_alignment align(struct slice from, struct slice other, bool same_organization)
{
    if (slice_equal(from, other))
        return DMARC_STRICT;
    return same_organization ? DMARC_RELAXED : DMARC_NOT_ALIGNED;
}

/* By both rules; where they differ the worse one counts, since receivers of both kinds get mail. */
static enum dmarc_alignment align_signer(struct arena *arena, const struct dmarc_look *look)
{
    const struct dmarc_mail *mail = &look->mail;
    bool walk = slice_equal(look->finding.walk.organization, mail->signer_organization);
    bool list =
        slice_equal(look->finding.list.organization, dmarc_organization(arena, mail->signer));

    return align(mail->from, mail->signer, walk && list);
}

static enum dmarc_alignment align_envelope(struct arena *arena, const struct dmarc_look *look)
{
    const struct dmarc_mail *mail = &look->mail;

    return align(
        mail->from, mail->envelope,
        slice_equal(look->finding.list.organization, dmarc_organization(arena, mail->envelope)));
}

static bool is_enough(enum dmarc_alignment alignment, bool strict)
{
    return alignment == DMARC_STRICT || (alignment == DMARC_RELAXED && !strict);
}

static bool passes(const struct dmarc_policy *policy, const struct dmarc_verdict *verdict)
{
    return !policy->found || is_enough(verdict->dkim, policy->record.strict_dkim) ||
           is_enough(verdict->spf, policy->record.strict_spf);
}

/* --- the state --- */

static enum identity_state fitting_state(const struct dmarc_look *look,
                                         const struct dmarc_verdict *verdict)
{
    const struct dmarc_finding *finding = &look->finding;

    if (finding->several.size || !verdict->passes)
        return IDENTITY_FAILED;
    if (!finding->walk.found || !look->mail.verified)
        return IDENTITY_PENDING;
    return IDENTITY_SUCCESS;
}

static void decide(const struct dmarc_look *look, struct dmarc_verdict *verdict)
{
    enum identity_state state = fitting_state(look, verdict);
    bool was_good = look->state == IDENTITY_SUCCESS || look->state == IDENTITY_TEMPORARY_FAILURE;
    int64_t age_us = look->now_us - look->since_us;

    if (was_good && state != IDENTITY_SUCCESS &&
        (look->state == IDENTITY_SUCCESS || age_us < look->grace_s * S_US))
        state = IDENTITY_TEMPORARY_FAILURE;
    verdict->state = state;
    verdict->since_us = state == look->state ? look->since_us : look->now_us;
}

/* --- words --- */

static struct slice policy_words(struct arena *arena, const struct dmarc_policy *policy)
{
    const struct wire_dmarc_record *record = &policy->record;

    return arena_printf(arena, "%s (_dmarc.%.*s%s%s%s)", wire_dmarc_policy_name(policy->policy),
                        SLICE_ARG(policy->domain), record->strict_dkim ? ", adkim=s" : "",
                        record->strict_spf ? ", aspf=s" : "", record->testing ? ", t=y" : "");
}

static struct slice signature_words(struct arena *arena, const struct dmarc_look *look,
                                    const struct dmarc_verdict *verdict)
{
    const struct dmarc_mail *mail = &look->mail;

    if (verdict->dkim == DMARC_STRICT)
        return arena_printf(arena,
                            "Mail is signed with d=%.*s, the From's own domain, which aligns "
                            "even strictly.",
                            SLICE_ARG(mail->signer));
    if (verdict->dkim == DMARC_RELAXED)
        return arena_printf(arena,
                            "Mail is signed with d=%.*s, which aligns where adkim is relaxed.",
                            SLICE_ARG(mail->signer));
    return arena_printf(arena,
                        "Mail is signed with d=%.*s, which belongs to another organization "
                        "than %.*s by the records in the DNS.",
                        SLICE_ARG(mail->signer), SLICE_ARG(mail->from));
}

static struct slice envelope_words(struct arena *arena, const struct dmarc_look *look,
                                   const struct dmarc_verdict *verdict)
{
    struct slice envelope = look->mail.envelope;
    bool strict = look->finding.walk.record.strict_spf || look->finding.list.record.strict_spf;

    if (is_enough(verdict->spf, strict))
        return arena_printf(arena, "SPF aligns as well, since bounces go to %.*s.",
                            SLICE_ARG(envelope));
    return arena_printf(arena,
                        "SPF cannot align%s, since bounces go to %.*s; one of the two is enough.",
                        verdict->spf == DMARC_RELAXED ? " under aspf=s" : "", SLICE_ARG(envelope));
}

/* Only where the two kinds of receivers come to something else. */
static struct slice difference_words(struct arena *arena, const struct dmarc_finding *finding)
{
    const struct dmarc_policy *walk = &finding->walk, *list = &finding->list;

    if (walk->found == list->found && (!walk->found || walk->policy == list->policy))
        return SLICE_NONE;
    if (!list->found)
        return SLICE(" Receivers that go by the older RFC 7489 find no policy.");
    return arena_printf(arena, " Receivers that go by the older RFC 7489 find %.*s.",
                        SLICE_ARG(policy_words(arena, list)));
}

static struct slice finding_words(struct arena *arena, const struct dmarc_look *look)
{
    const struct dmarc_finding *finding = &look->finding;

    if (finding->several.size)
        return arena_printf(arena, "_dmarc.%.*s has several records, which count as none.",
                            SLICE_ARG(finding->several));
    if (!finding->walk.found)
        return arena_printf(arena, "No DMARC policy is published for %.*s.",
                            SLICE_ARG(look->mail.from));
    return arena_printf(arena, "The policy for %.*s is %.*s.", SLICE_ARG(look->mail.from),
                        SLICE_ARG(policy_words(arena, &finding->walk)));
}

static struct slice next_words(struct arena *arena, const struct dmarc_look *look,
                               const struct dmarc_verdict *verdict)
{
    const struct dmarc_mail *mail = &look->mail;

    if (look->finding.several.size)
        return arena_printf(arena, "Leave one TXT record at _dmarc.%.*s.",
                            SLICE_ARG(look->finding.several));
    if (!verdict->passes)
        return arena_printf(arena,
                            "Send as %.*s, or add %.*s as a domain of the site and install its "
                            "records: mail is then signed for it.",
                            SLICE_ARG(mail->signer), SLICE_ARG(mail->from));
    if (!mail->verified)
        return SLICE("Install the identity's records; mail passes once it is verified.");
    if (!look->finding.walk.found)
        return arena_printf(arena,
                            "Large receivers want one: at _dmarc.%.*s the TXT record \"v=DMARC1; "
                            "p=none\" is a start.",
                            SLICE_ARG(dmarc_organization(arena, mail->from)));
    return SLICE("Nothing needs to be done.");
}

void dmarc_verdict(struct arena *arena, const struct dmarc_look *look, struct dmarc_verdict *ret)
{
    struct dmarc_verdict verdict = {.dkim = align_signer(arena, look),
                                    .spf = align_envelope(arena, look)};
    struct slice difference = difference_words(arena, &look->finding);

    verdict.passes = passes(&look->finding.walk, &verdict) && passes(&look->finding.list, &verdict);
    decide(look, &verdict);
    verdict.why =
        arena_printf(arena, "%.*s%.*s %.*s %.*s", SLICE_ARG(finding_words(arena, look)),
                     SLICE_ARG(difference), SLICE_ARG(signature_words(arena, look, &verdict)),
                     SLICE_ARG(envelope_words(arena, look, &verdict)));
    verdict.next_step = next_words(arena, look, &verdict);
    *ret = verdict;
}
