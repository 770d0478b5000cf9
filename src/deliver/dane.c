#include "deliver/dane.h"

#include "base/limits.h"

static struct dane_finding broken(const struct dns_answer *answer)
{
    return (struct dane_finding){
        .state = DANE_BROKEN, .bogus = answer->status == DNS_BOGUS, .why = answer->why};
}

/* RFC 7672 §3.1: records that cannot be used are left out; if that leaves none, TLS is a must all
 * the same. */
struct dane_finding dane_judge(struct arena *arena, struct slice base,
                               const struct dns_answer *answer)
{
    struct dane_finding finding = {.state = DANE_UNUSABLE, .base = base};
    struct wire_tlsa *records;

    if (answer->status == DNS_TEMPORARY || answer->status == DNS_BOGUS)
        return broken(answer);
    if (answer->status != DNS_FOUND || !answer->secure)
        return (struct dane_finding){.state = DANE_NONE};
    records = ARENA_ARRAY(arena, struct wire_tlsa, answer->count);
    for (size_t i = 0; i < answer->count; i++) {
        struct wire_tlsa *tlsa = &records[finding.record_count];

        if (wire_tlsa_parse(answer->records[i].text, tlsa) < 0 || !wire_tlsa_usable(tlsa))
            continue;
        finding.trust_anchors |= tlsa->usage == WIRE_TLSA_USAGE_DANE_TA;
        finding.record_count++;
        finding.state = DANE_USABLE;
    }
    finding.records = records;
    return finding;
}

static int ask(struct task *t, struct arena *arena, struct slice base, uint16_t port,
               struct dane_finding *ret)
{
    struct slice name = arena_printf(arena, "_%u._tcp.%.*s", port, SLICE_ARG(base));
    struct dns_answer answer;
    int r = resolver_query(t, arena, name, DNS_TLSA, &answer);

    if (r == -EINVAL) { /* an address literal, or too long a name: such have no records */
        *ret = (struct dane_finding){.state = DANE_NONE};
        return 0;
    }
    if (r == 0)
        *ret = dane_judge(arena, base, &answer);
    return r;
}

/* The addresses were found by way of a zone that is not signed; but the alias itself may be, and
 * then the records stand at its own name (RFC 7672 §2.2.2). */
static int alias_is_secure(struct task *t, struct arena *arena, struct slice name, bool *ret)
{
    struct dns_answer answer;
    int r = resolver_query(t, arena, name, DNS_CNAME, &answer);

    if (r == -EINVAL) {
        *ret = false;
        return 0;
    }
    if (r == 0)
        *ret = answer.status == DNS_FOUND && answer.secure;
    return r;
}

int dane_find(struct task *t, struct arena *arena, struct slice name, struct slice canonical,
              bool secure, uint16_t port, struct dane_finding *ret)
{
    bool is_alias = canonical.size && !slice_equal_nocase(name, canonical);
    bool ask_name = secure;
    int r = 0;

    *ret = (struct dane_finding){.state = DANE_NONE};
    if (is_alias && secure) {
        r = ask(t, arena, canonical, port, ret);
        if (r < 0 || ret->state != DANE_NONE)
            return r;
    }
    if (is_alias && !secure)
        r = alias_is_secure(t, arena, name, &ask_name);
    if (r == 0 && ask_name)
        r = ask(t, arena, name, port, ret);
    return r;
}
