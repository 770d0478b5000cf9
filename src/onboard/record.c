#include "onboard/record.h"

#include "base/log.h"
#include "wire/dkim_key.h"
#include "wire/tag_list.h"

static struct slice harmless(struct arena *arena, struct slice text)
{
    char escaped[RECORD_SEEN_BYTES];

    log_escape(text, escaped, sizeof escaped);
    return arena_copy(arena, slice_text(escaped));
}

static void judge_unproven(struct arena *arena, const struct dns_answer *answer,
                           struct record_finding *ret)
{
    const char *what = answer->status == DNS_BOGUS
                           ? "The domain's DNSSEC is broken, so no receiver can read its records; "
                             "whoever runs its DNS must repair the signatures. "
                           : "";

    ret->proven = false;
    ret->trouble = arena_printf(arena, "%s%.*s Nothing was changed; Letterhead asks again.", what,
                                SLICE_ARG(harmless(arena, answer->why)));
}

static void judge_absent(struct record_finding *ret)
{
    ret->state = RECORD_ABSENT;
    ret->advice = SLICE("There is no such record. Add it: type TXT, with this name and this value. "
                        "Where a form adds the domain by itself, enter only the part of the name "
                        "before it.");
}

static void judge_several(struct arena *arena, const struct dns_answer *answer,
                          struct record_finding *ret)
{
    ret->state = RECORD_WRONG;
    ret->seen = harmless(arena, answer->records[0].text);
    ret->advice = arena_printf(arena,
                               "There are %zu TXT records at this name, and receivers may take any "
                               "of them. Leave only the one shown here.",
                               answer->count);
}

static struct slice advice_for(enum wire_dkim_key_verdict verdict)
{
    switch (verdict) {
    case WIRE_DKIM_KEY_OTHER:
        return SLICE("Another key is published here. Replace the record's value with the one "
                     "shown.");
    case WIRE_DKIM_KEY_TRUNCATED:
        return SLICE("The value is cut off: many forms take only 255 characters at once. Enter it "
                     "in two parts, each in quotes, as the zone format shows it.");
    case WIRE_DKIM_KEY_REVOKED:
        return SLICE("The record has no key (p= is empty), which means: revoked. Replace its value "
                     "with the one shown.");
    case WIRE_DKIM_KEY_RESTRICTED:
        return SLICE("The key is right, but other tags (k=, h=, s=, t=) forbid its use for mail. "
                     "Enter the value exactly as shown.");
    case WIRE_DKIM_KEY_NOT_A_KEY:
        return SLICE("Something else is published at this name. Move that away, and enter the "
                     "value shown.");
    default:
        return SLICE("The value is damaged, so receivers cannot read it. Enter it exactly as "
                     "shown, without line breaks.");
    }
}

static void judge_text(struct arena *arena, struct slice published, struct slice expected,
                       struct record_finding *ret)
{
    enum wire_dkim_key_verdict verdict = wire_dkim_key_compare(expected, published);

    ret->seen = harmless(arena, published);
    if (verdict == WIRE_DKIM_KEY_SAME) {
        ret->state = RECORD_RIGHT;
        return;
    }
    ret->state = RECORD_WRONG;
    ret->advice = advice_for(verdict);
}

void record_judge(struct arena *arena, const struct dns_answer *answer, struct slice expected,
                  struct record_finding *ret)
{
    *ret = (struct record_finding){.proven = true};
    if (answer->status == DNS_TEMPORARY || answer->status == DNS_BOGUS)
        judge_unproven(arena, answer, ret);
    else if (answer->status != DNS_FOUND || answer->count == 0)
        judge_absent(ret);
    else if (answer->count > 1)
        judge_several(arena, answer, ret);
    else
        judge_text(arena, answer->records[0].text, expected, ret);
}

/* Other records at the same name do not count (RFC 9989 §4.10). */
static bool is_dmarc(struct slice text)
{
    struct wire_tag_list tags;

    return wire_tag_list_parse(text, &tags) == 0 && tags.count > 0 &&
           slice_equal(tags.tags[0].name, SLICE("v")) &&
           slice_equal(tags.tags[0].value, SLICE("DMARC1"));
}

void dmarc_judge(struct arena *arena, const struct dns_answer *answer, struct slice *ret_state,
                 struct slice *ret_record)
{
    size_t found = 0;

    *ret_state = SLICE_NONE;
    *ret_record = SLICE_NONE;
    if (answer->status == DNS_TEMPORARY || answer->status == DNS_BOGUS)
        return;
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++) {
        if (!is_dmarc(answer->records[i].text))
            continue;
        *ret_record = harmless(arena, answer->records[i].text);
        found++;
    }
    *ret_state = found == 0 ? SLICE("absent") : found == 1 ? SLICE("found") : SLICE("invalid");
}
