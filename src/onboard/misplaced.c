#include "onboard/misplaced.h"

static struct slice selector_of(struct slice record_name)
{
    struct slice selector, rest = record_name;

    slice_cut(&rest, '.', &selector);
    return selector;
}

struct misplaced_question misplaced_question(struct arena *arena, enum misplaced_slip slip,
                                             const struct record_expected *expected,
                                             struct slice domain)
{
    struct slice record_name = expected->name, selector = selector_of(record_name);

    switch (slip) {
    case MISPLACED_PROXIED:
        return (struct misplaced_question){record_name, DNS_A};
    case MISPLACED_DOUBLED:
        return (struct misplaced_question){
            arena_printf(arena, "%.*s.%.*s", SLICE_ARG(record_name), SLICE_ARG(domain)), DNS_TXT};
    case MISPLACED_NO_SELECTOR:
        return (struct misplaced_question){
            arena_printf(arena, "_domainkey.%.*s", SLICE_ARG(domain)), DNS_TXT};
    case MISPLACED_NO_DOMAINKEY:
        return (struct misplaced_question){
            arena_printf(arena, "%.*s.%.*s", SLICE_ARG(selector), SLICE_ARG(domain)), DNS_TXT};
    case MISPLACED_APEX:
        return (struct misplaced_question){domain, DNS_TXT};
    case MISPLACED_WILDCARD: /* a name that nobody would have set up */
        return (struct misplaced_question){
            arena_printf(arena, "x-%.*s-x._domainkey.%.*s", SLICE_ARG(selector), SLICE_ARG(domain)),
            DNS_TXT};
    case MISPLACED_NO_DOMAIN:
        return (struct misplaced_question){domain, DNS_SOA};
    default:
        return (struct misplaced_question){SLICE_NONE, DNS_TXT};
    }
}

static bool holds_record(const struct dns_answer *answer, const struct record_expected *expected)
{
    if (expected->alias.size)
        return slice_equal_nocase(answer->canonical, expected->alias);
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++)
        if (record_text_is(expected, answer->records[i].text))
            return true;
    return false;
}

static bool same_text(const struct dns_answer *own, const struct dns_answer *answer)
{
    return own->status == DNS_FOUND && own->count > 0 && answer->status == DNS_FOUND &&
           answer->count > 0 && slice_equal(own->records[0].text, answer->records[0].text);
}

/* What is wrong with the target of an expected alias, the record's own answer has told. */
static bool is_alias(const struct dns_answer *own, const struct record_expected *expected)
{
    return expected->alias.size == 0 && own->canonical.size > 0 &&
           !slice_equal_nocase(own->canonical, expected->name);
}

static bool shows(enum misplaced_slip slip, const struct record_expected *expected,
                  const struct dns_answer *own, const struct dns_answer *answer)
{
    switch (slip) {
    case MISPLACED_CNAME:
        return is_alias(own, expected);
    case MISPLACED_PROXIED:
        return own->status == DNS_NO_DATA && answer->status == DNS_FOUND;
    case MISPLACED_WILDCARD:
        return same_text(own, answer);
    case MISPLACED_NO_DOMAIN:
        return answer->status == DNS_NO_NAME;
    default:
        return holds_record(answer, expected);
    }
}

static struct slice advise_proxied(const struct record_expected *expected)
{
    return expected->alias.size
               ? SLICE("Addresses stand at this name in place of the CNAME: the DNS provider hides "
                       "it behind its proxy. Switch the proxy off for this record (\"DNS only\").")
               : SLICE(
                     "Addresses stand at this name and no TXT record: it was entered as a host, or "
                     "a proxy stands before it. Delete that and add a record of type TXT with "
                     "the value shown.");
}

static struct slice advise(struct arena *arena, enum misplaced_slip slip,
                           const struct record_expected *expected, struct slice domain,
                           const struct dns_answer *own)
{
    struct slice record_name = expected->name, selector = selector_of(record_name);

    switch (slip) {
    case MISPLACED_CNAME:
        return arena_printf(
            arena,
            "At this name there is a CNAME to %.*s. Delete it and add a record of type TXT with the "
            "value shown.",
            SLICE_ARG(own->canonical));
    case MISPLACED_PROXIED:
        return advise_proxied(expected);
    case MISPLACED_DOUBLED:
        return arena_printf(
            arena,
            "The record was entered with the domain twice, as %.*s.%.*s: the form adds the domain "
            "by itself. Enter only %.*s._domainkey as the name.",
            SLICE_ARG(record_name), SLICE_ARG(domain), SLICE_ARG(selector));
    case MISPLACED_NO_SELECTOR:
        return arena_printf(
            arena,
            "The record was entered as _domainkey.%.*s, without the first part of its name. Enter "
            "it at %.*s._domainkey.",
            SLICE_ARG(domain), SLICE_ARG(selector));
    case MISPLACED_NO_DOMAINKEY:
        return arena_printf(
            arena,
            "The record was entered as %.*s.%.*s, without \"._domainkey\" in its name. "
            "Enter it at %.*s._domainkey.",
            SLICE_ARG(selector), SLICE_ARG(domain), SLICE_ARG(selector));
    case MISPLACED_APEX:
        return arena_printf(
            arena,
            "The record was entered at %.*s itself, where nobody looks for it. Move it to "
            "%.*s._domainkey.",
            SLICE_ARG(domain), SLICE_ARG(selector));
    case MISPLACED_WILDCARD:
        return SLICE("The domain answers every name with the same text (a wildcard record, "
                     "*). Add the record shown; it then counts in place of the wildcard.");
    case MISPLACED_NO_DOMAIN:
        return arena_printf(
            arena,
            "The domain %.*s does not exist, or its registration has ended. Have it registered and "
            "its name servers set up first.",
            SLICE_ARG(domain));
    default:
        return SLICE_NONE;
    }
}

static enum record_cause cause_of(enum misplaced_slip slip)
{
    switch (slip) {
    case MISPLACED_CNAME:
        return CAUSE_WRONG_TYPE;
    case MISPLACED_PROXIED:
        return CAUSE_PROXIED;
    case MISPLACED_WILDCARD:
        return CAUSE_WILDCARD;
    case MISPLACED_NO_DOMAIN:
        return CAUSE_NO_DOMAIN;
    default:
        return CAUSE_WRONG_NAME;
    }
}

bool misplaced_judge(struct arena *arena, enum misplaced_slip slip,
                     const struct record_expected *expected, struct slice domain,
                     const struct dns_answer *own, const struct dns_answer *answer,
                     struct slice *ret_advice)
{
    if (!shows(slip, expected, own, answer))
        return false;
    *ret_advice = advise(arena, slip, expected, domain, own);
    return true;
}

int misplaced_find(struct task *t, struct arena *arena, const struct record_expected *expected,
                   struct slice domain, const struct dns_answer *own, enum record_cause *ret_cause,
                   struct slice *ret_advice)
{
    struct dns_answer answer;
    int r = 0;

    *ret_cause = CAUSE_NONE;
    for (enum misplaced_slip slip = 0; slip < MISPLACED_SLIPS; slip++) {
        struct misplaced_question q = misplaced_question(arena, slip, expected, domain);

        answer = *own;
        if (q.name.size > 0)
            r = resolver_query(t, arena, q.name, q.type, &answer);
        if (r < 0 && r != -EINVAL) /* a name that grew too long was not entered either */
            return r;
        if (r == 0 && misplaced_judge(arena, slip, expected, domain, own, &answer, ret_advice)) {
            *ret_cause = cause_of(slip);
            return 0;
        }
    }
    return 0;
}
