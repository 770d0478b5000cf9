#include "onboard/record.h"

#include "base/log.h"
#include "wire/dkim_key.h"

struct slice record_seen_text(struct arena *arena, struct slice text)
{
    char escaped[RECORD_SEEN_BYTES];

    log_escape(text, escaped, sizeof escaped);
    return arena_copy(arena, slice_text(escaped));
}

/* Where no key is expected more than another. */
static enum wire_dkim_key_verdict judge_any_key(struct slice published)
{
    struct wire_dkim_key key;
    int r = wire_dkim_key_parse(published, &key);

    if (r < 0)
        return r == -EPROTO ? WIRE_DKIM_KEY_NOT_A_KEY : WIRE_DKIM_KEY_SYNTAX;
    return key.revoked ? WIRE_DKIM_KEY_REVOKED : WIRE_DKIM_KEY_SAME;
}

static enum wire_dkim_key_verdict compare(const struct record_expected *expected,
                                          struct slice published)
{
    return expected->text.size ? wire_dkim_key_compare(expected->text, published)
                               : judge_any_key(published);
}

bool record_text_is(const struct record_expected *expected, struct slice published)
{
    return compare(expected, published) == WIRE_DKIM_KEY_SAME;
}

static void judge_unproven(struct arena *arena, const struct dns_answer *answer,
                           struct record_finding *ret)
{
    bool bogus = answer->status == DNS_BOGUS;
    const char *what = bogus
                           ? "The domain's DNSSEC is broken, so no receiver can read its records; "
                             "whoever runs its DNS must repair the signatures. "
                           : "";

    ret->proven = false;
    ret->cause = bogus ? CAUSE_BOGUS : CAUSE_SILENT;
    ret->trouble = arena_printf(arena, "%s%.*s Nothing was changed; Letterhead asks again.", what,
                                SLICE_ARG(record_seen_text(arena, answer->why)));
}

static void judge_absent(const struct record_expected *expected, struct record_finding *ret)
{
    ret->state = RECORD_ABSENT;
    ret->cause = CAUSE_ABSENT;
    ret->advice =
        expected->alias.size
            ? SLICE("There is no such record. Add it: type CNAME, with this name and this "
                    "target. Where a form adds the domain by itself, enter only the part "
                    "of the name before it.")
            : SLICE("There is no such record. Add it: type TXT, with this name and this "
                    "value. Where a form adds the domain by itself, enter only the part "
                    "of the name before it.");
}

static void wrong(struct record_finding *ret, enum record_cause cause, struct slice advice)
{
    ret->state = RECORD_WRONG;
    ret->cause = cause;
    ret->advice = advice;
}

/* The expected text, with its parts in this order or the other. */
static bool is_split(struct arena *arena, const struct dns_answer *answer,
                     const struct record_expected *expected)
{
    struct slice one, two;

    if (answer->count != 2)
        return false;
    one = answer->records[0].text;
    two = answer->records[1].text;
    return record_text_is(expected,
                          arena_printf(arena, "%.*s%.*s", SLICE_ARG(one), SLICE_ARG(two))) ||
           record_text_is(expected,
                          arena_printf(arena, "%.*s%.*s", SLICE_ARG(two), SLICE_ARG(one)));
}

static void judge_several(struct arena *arena, const struct dns_answer *answer,
                          const struct record_expected *expected, struct record_finding *ret)
{
    ret->seen = record_seen_text(arena, answer->records[0].text);
    if (is_split(arena, answer, expected)) {
        wrong(ret, CAUSE_SPLIT,
              SLICE("The two parts of the value were entered as two records. Delete them and enter "
                    "one record, with both parts in it, each in quotes, as the zone format shows "
                    "it."));
        return;
    }
    wrong(
        ret, CAUSE_SEVERAL,
        arena_printf(arena,
                     "There are %zu TXT records at this name, and receivers may take any of them. "
                     "Leave only the one shown here.",
                     answer->count));
}

static void judge_damaged(struct slice published, struct record_finding *ret)
{
    bool quoted = slice_find(published, '"') >= 0 || slice_find(published, '\\') >= 0 ||
                  slice_find_slice(published, SLICE("&quot;")) >= 0;

    wrong(ret, CAUSE_DAMAGED,
          quoted
              ? SLICE("The value has quotes or backslashes in it, so receivers cannot read it: the "
                      "form adds what it needs by itself. Enter the value as shown, without any.")
              : SLICE("The value is damaged, so receivers cannot read it. Enter it exactly as "
                      "shown, without line breaks."));
}

static void judge_difference(enum wire_dkim_key_verdict verdict, struct slice published,
                             struct record_finding *ret)
{
    switch (verdict) {
    case WIRE_DKIM_KEY_OTHER:
        wrong(
            ret, CAUSE_OTHER_KEY,
            SLICE("Another key is published here. Replace the record's value with the one shown."));
        break;
    case WIRE_DKIM_KEY_TRUNCATED:
        wrong(
            ret, CAUSE_TRUNCATED,
            SLICE("The value is cut off: many forms take only 255 characters at once. Enter it in "
                  "two parts, each in quotes, as the zone format shows it."));
        break;
    case WIRE_DKIM_KEY_REVOKED:
        wrong(ret, CAUSE_REVOKED,
              SLICE("The record has no key (p= is empty), which means: revoked. Replace its value "
                    "with the one shown."));
        break;
    case WIRE_DKIM_KEY_RESTRICTED:
        wrong(ret, CAUSE_RESTRICTED,
              SLICE("The key is right, but other tags (k=, h=, s=, t=) forbid its use for mail. "
                    "Enter the value exactly as shown."));
        break;
    case WIRE_DKIM_KEY_NOT_A_KEY:
        wrong(ret, CAUSE_FOREIGN,
              SLICE("Something else is published at this name. Move that away, and enter the value "
                    "shown."));
        break;
    default:
        judge_damaged(published, ret);
        break;
    }
}

/* Where a CNAME is expected: it is not there, but something with a text is. */
static void judge_without_alias(struct arena *arena, const struct dns_answer *answer,
                                const struct record_expected *expected, struct record_finding *ret)
{
    struct slice published = slice_trim(answer->records[0].text);

    ret->seen = record_seen_text(arena, published);
    if (slice_ends_nocase(published, SLICE(".")))
        published.size--;
    if (slice_equal_nocase(published, expected->alias))
        wrong(ret, CAUSE_WRONG_TYPE,
              SLICE("The target was entered as a record of type TXT. Delete it and add a record of "
                    "type CNAME with the target shown."));
    else if (record_text_is(expected, published))
        wrong(ret, CAUSE_FLATTENED,
              SLICE("The key itself stands here in place of the CNAME: the DNS provider has "
                    "flattened it, or it was copied. It works until the key is changed. Switch "
                    "flattening off for this name, or enter the CNAME shown."));
    else
        wrong(ret, CAUSE_WRONG_TYPE,
              SLICE("A TXT record stands at this name. Delete it and add a record of type CNAME "
                    "with the target shown."));
}

/* Where a CNAME is expected, and one to something else is there. */
static void judge_other_alias(struct arena *arena, struct slice canonical,
                              struct record_finding *ret)
{
    ret->seen = record_seen_text(arena, canonical);
    wrong(ret, CAUSE_FOREIGN,
          SLICE("The CNAME leads to another name. Change its target to the one shown."));
}

static bool is_found(const struct dns_answer *answer)
{
    return answer->status == DNS_FOUND && answer->count > 0;
}

/* True when the alias is there, so that only what it leads to is left to be judged. */
static bool judge_alias(struct arena *arena, const struct dns_answer *answer,
                        const struct record_expected *expected, struct record_finding *ret)
{
    if (slice_equal_nocase(answer->canonical, expected->alias))
        return true;
    if (answer->canonical.size && !slice_equal_nocase(answer->canonical, expected->name))
        judge_other_alias(arena, answer->canonical, ret);
    else if (is_found(answer))
        judge_without_alias(arena, answer, expected, ret);
    else
        judge_absent(expected, ret);
    return false;
}

static void judge_text(struct arena *arena, struct slice published,
                       const struct record_expected *expected, struct record_finding *ret)
{
    enum wire_dkim_key_verdict verdict = compare(expected, published);

    ret->seen = record_seen_text(arena, published);
    if (verdict == WIRE_DKIM_KEY_SAME)
        ret->state = RECORD_RIGHT;
    else
        judge_difference(verdict, published, ret);
}

/* The client has done its part, so nothing is to be held against it. */
static void judge_ours(struct record_finding *ret)
{
    *ret = (struct record_finding){
        .cause = CAUSE_OURS,
        .trouble = SLICE("The CNAME is right, but the platform's own zone does not have the key "
                         "there. Nothing was changed; the platform's operators must mend it."),
    };
}

void record_judge(struct arena *arena, const struct dns_answer *answer,
                  const struct record_expected *expected, struct record_finding *ret)
{
    *ret = (struct record_finding){.proven = true};
    if (answer->status == DNS_TEMPORARY || answer->status == DNS_BOGUS) {
        judge_unproven(arena, answer, ret);
        return;
    }
    if (expected->alias.size && !judge_alias(arena, answer, expected, ret))
        return;
    if (!is_found(answer) && !expected->alias.size)
        judge_absent(expected, ret);
    else if (is_found(answer) && answer->count > 1)
        judge_several(arena, answer, expected, ret);
    else if (is_found(answer))
        judge_text(arena, answer->records[0].text, expected, ret);
    if (expected->alias.size && ret->state != RECORD_RIGHT)
        judge_ours(ret);
}
