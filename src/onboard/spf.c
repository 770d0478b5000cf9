#include "onboard/spf.h"

#include "base/log.h"
#include "onboard/spf_macro.h"
#include "onboard/spf_term.h"
#include "runtime/resolver.h"

enum { VOIDS_MAX = 2 /* RFC 7208 §4.6.4 */ };

struct spf {
    struct task *task;
    struct arena *arena;
    const struct spf_sender *sender;
    size_t lookups, voids;
    struct slice why;
};

const char *spf_result_name(enum spf_result result)
{
    static const char *const names[] = {
        [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",   [SPF_PASS] = "pass",
        [SPF_FAIL] = "fail",           [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
        [SPF_PERMERROR] = "permerror",
    };

    return names[result];
}

static const struct slice too_many = {"it takes more than ten questions to the DNS", 43};

static int evaluate(struct spf *s, struct slice domain, struct slice *ret_record,
                    enum spf_result *ret);

static void give_up(struct spf *s, enum spf_result result, struct slice why, enum spf_result *ret)
{
    s->why = why;
    *ret = result;
}

/* 0 with the answer, or with *ret an error of SPF and -EAGAIN. */
static int ask(struct spf *s, struct slice domain, enum dns_type type, struct dns_answer *answer,
               enum spf_result *ret)
{
    int r = resolver_query(s->task, s->arena, domain, type, answer);

    if (r == -EINVAL) { /* §4.3: no such name can be */
        *answer = (struct dns_answer){.status = DNS_NO_NAME};
        return 0;
    }
    if (r < 0)
        return r;
    if (answer->status == DNS_NO_NAME || answer->status == DNS_NO_DATA)
        s->voids += type != DNS_TXT;
    if (s->voids > VOIDS_MAX) {
        give_up(s, SPF_PERMERROR, SLICE("it asks for more than two names that have nothing"), ret);
        return -EAGAIN;
    }
    if (answer->status != DNS_TEMPORARY && answer->status != DNS_BOGUS)
        return 0;
    give_up(s, SPF_TEMPERROR,
            arena_printf(s->arena, "the DNS gave no answer for %.*s", SLICE_ARG(domain)), ret);
    return -EAGAIN;
}

/* --- mechanisms: 1 matches, 0 does not --- */

/* What lies behind the prefix in the record does not count (§5.6). */
static int match_address(const struct spf *s, const struct endpoint *found,
                         const struct spf_term *term)
{
    const struct endpoint_network network = {*found,
                                             found->family == 4 ? term->bits4 : term->bits6};

    return found->family == s->sender->address->family &&
           endpoint_in_network(s->sender->address, &network);
}

static int match_host(struct spf *s, struct slice host, const struct spf_term *term,
                      enum spf_result *ret)
{
    struct dns_answer answer;
    int r = ask(s, host, s->sender->address->family == 4 ? DNS_A : DNS_AAAA, &answer, ret);

    for (size_t i = 0; r == 0 && answer.status == DNS_FOUND && i < answer.count; i++)
        r = match_address(s, &answer.records[i].address, term);
    return r;
}

static int match_mx(struct spf *s, const struct spf_term *term, enum spf_result *ret)
{
    struct dns_answer answer;
    int r = ask(s, term->domain, DNS_MX, &answer, ret);

    if (r == 0 && answer.status == DNS_FOUND && answer.count > SPF_LOOKUPS_MAX) {
        give_up(s, SPF_PERMERROR, too_many, ret);
        return -EAGAIN;
    }
    for (size_t i = 0; r == 0 && answer.status == DNS_FOUND && i < answer.count; i++)
        r = match_host(s, answer.records[i].name, term, ret);
    return r;
}

static int match_exists(struct spf *s, const struct spf_term *term, enum spf_result *ret)
{
    struct dns_answer answer;
    int r = ask(s, term->domain, DNS_A, &answer, ret);

    return r < 0 ? r : answer.status == DNS_FOUND;
}

static bool is_at_or_below(struct slice name, struct slice domain)
{
    return slice_equal_nocase(name, domain) ||
           (name.size > domain.size && name.data[name.size - domain.size - 1] == '.' &&
            slice_ends_nocase(name, domain));
}

static struct spf_macro_values values_for(const struct spf *s, struct slice domain)
{
    const struct spf_sender *sender = s->sender;

    return (struct spf_macro_values){
        .local = sender->local.size ? sender->local : SLICE("postmaster"),
        .sender_domain = sender->domain,
        .domain = domain,
        .helo = sender->helo,
        .validated = SLICE("unknown"),
        .address = sender->address,
    };
}

/* Whether a name that the address's reverse entry gives leads back to it. What is not answered does
 * not (§5.5). 1, 0 */
static int leads_back(struct spf *s, struct slice name)
{
    const struct spf_term exact = {.bits4 = 32, .bits6 = 128};
    enum dns_type type = s->sender->address->family == 4 ? DNS_A : DNS_AAAA;
    struct dns_answer answer;
    int r = resolver_query(s->task, s->arena, name, type, &answer);

    if (r < 0)
        return r == -EINVAL ? 0 : r;
    for (size_t i = 0; r == 0 && answer.status == DNS_FOUND && i < answer.count; i++)
        r = match_address(s, &answer.records[i].address, &exact);
    return r;
}

/* The address's name that stands nearest to `domain`: itself, below it, or elsewhere (§5.5, §7.3);
 * empty if it has none. 0 also when the DNS is silent. */
static int find_validated(struct spf *s, struct slice domain, struct slice *ret)
{
    const struct spf_macro_values values = values_for(s, domain);
    struct slice reverse = spf_macro_expand(s->arena, SLICE("%{ir}.%{v}.arpa"), &values);
    struct dns_answer answer;
    int r = resolver_query(s->task, s->arena, reverse, DNS_PTR, &answer), best = 0;

    *ret = SLICE_NONE;
    if (r == 0 && answer.status != DNS_FOUND)
        s->voids += answer.status == DNS_NO_NAME || answer.status == DNS_NO_DATA;
    for (size_t i = 0; r == 0 && answer.status == DNS_FOUND && i < answer.count; i++) {
        struct slice name = answer.records[i].name;
        int rank = slice_equal_nocase(name, domain) ? 3 : is_at_or_below(name, domain) ? 2 : 1;

        if (i == SPF_LOOKUPS_MAX)
            break; /* those behind are passed over (§4.6.4) */
        r = rank > best ? leads_back(s, name) : 0;
        if (r == 1) {
            *ret = name;
            best = rank;
        }
        r = r == 1 ? 0 : r;
    }
    return r;
}

static int match_ptr(struct spf *s, const struct spf_term *term)
{
    struct slice name;
    int r = find_validated(s, term->domain, &name);

    return r < 0 ? r : name.size > 0 && is_at_or_below(name, term->domain);
}

/* What a term's name says of this sender; the current domain if it has none. */
static int expand(struct spf *s, struct slice domain, struct slice *name)
{
    struct spf_macro_values values = values_for(s, domain);
    struct slice validated = SLICE_NONE;
    int r = 0;

    if (name->size == 0) {
        *name = domain;
        return 0;
    }
    if (spf_macro_wants_validated(*name))
        r = find_validated(s, domain, &validated);
    if (validated.size)
        values.validated = validated;
    if (r == 0)
        *name = spf_macro_expand(s->arena, *name, &values);
    return r;
}

/* §5.2: passes there, matches here; has no record there, is an error here. */
static int match_include(struct spf *s, const struct spf_term *term, enum spf_result *ret)
{
    enum spf_result inner;
    int r = evaluate(s, term->domain, NULL, &inner);

    if (r < 0)
        return r;
    if (inner == SPF_PASS)
        return 1;
    if (inner == SPF_FAIL || inner == SPF_SOFTFAIL || inner == SPF_NEUTRAL)
        return 0;
    *ret = inner;
    if (inner == SPF_NONE)
        give_up(s, SPF_PERMERROR,
                arena_printf(s->arena, "%.*s, which is included, has no SPF record",
                             SLICE_ARG(term->domain)),
                ret);
    return -EAGAIN;
}

/* Those that ask the DNS. */
static int match_by_name(struct spf *s, const struct spf_term *term, enum spf_result *ret)
{
    if (++s->lookups > SPF_LOOKUPS_MAX) {
        give_up(s, SPF_PERMERROR, too_many, ret);
        return -EAGAIN;
    }
    switch (term->mechanism) {
    case SPF_PTR:
        return match_ptr(s, term);
    case SPF_INCLUDE:
        return match_include(s, term, ret);
    case SPF_A:
        return match_host(s, term->domain, term, ret);
    case SPF_MX:
        return match_mx(s, term, ret);
    default:
        return match_exists(s, term, ret);
    }
}

static int match(struct spf *s, const struct spf_term *term, enum spf_result *ret)
{
    switch (term->mechanism) {
    case SPF_ALL:
        return 1;
    case SPF_IP4:
    case SPF_IP6:
        return match_address(s, &term->network, term);
    case SPF_REDIRECT:
    case SPF_EXP:
    case SPF_MODIFIER:
        return 0;
    default:
        return match_by_name(s, term, ret);
    }
}

/* --- the record --- */

/* The next term; false: there is no more. */
static bool next_term(struct slice *record, struct slice *ret)
{
    while (record->size) {
        slice_cut(record, ' ', ret);
        if (ret->size)
            return true;
    }
    return false;
}

/* All of it, before any of it counts (§4.6): a receiver that finds a mistake anywhere sees none. */
static int check_terms(struct spf *s, struct slice record, struct slice *ret_redirect,
                       enum spf_result *ret)
{
    size_t redirects = 0, explanations = 0;
    struct spf_term term;
    struct slice text;

    while (next_term(&record, &text)) {
        bool good = spf_term_parse(text, &term) == 0;

        redirects += good && term.mechanism == SPF_REDIRECT;
        explanations += good && term.mechanism == SPF_EXP;
        if (!good || redirects > 1 || explanations > 1) { /* §6 */
            give_up(s, SPF_PERMERROR,
                    arena_printf(s->arena, "\"%.*s\" cannot be understood",
                                 SLICE_ARG(slice_part(text, 0, 100))),
                    ret);
            return -EAGAIN;
        }
        if (term.mechanism == SPF_REDIRECT)
            *ret_redirect = term.domain;
    }
    return 0;
}

/* 1: a term has matched, and *ret is the result; 0: none has. */
static int run_terms(struct spf *s, struct slice record, struct slice domain, enum spf_result *ret)
{
    struct spf_term term;
    struct slice text;
    int r = 0;

    while (r == 0 && next_term(&record, &text)) {
        r = spf_term_parse(text, &term);
        if (r == 0)
            r = expand(s, domain, &term.domain);
        if (r == 0)
            r = match(s, &term, ret);
        if (r == 1)
            *ret = term.result;
    }
    return r;
}

static int redirect(struct spf *s, struct slice domain, enum spf_result *ret)
{
    int r;

    if (++s->lookups > SPF_LOOKUPS_MAX) {
        give_up(s, SPF_PERMERROR, too_many, ret);
        return 0;
    }
    r = evaluate(s, domain, NULL, ret);
    if (r == 0 && *ret == SPF_NONE)
        give_up(s, SPF_PERMERROR, SLICE("what it redirects to has no SPF record"), ret);
    return r;
}

/* §4.5: "v=spf1" alone or before a blank. */
static size_t find_records(const struct dns_answer *answer, struct slice *ret)
{
    size_t count = 0;

    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++) {
        struct slice text = answer->records[i].text;

        if (!slice_starts_nocase(text, SLICE("v=spf1")) || (text.size > 6 && text.data[6] != ' '))
            continue;
        *ret = text;
        count++;
    }
    return count;
}

/* Results are values; errors are the task's. */
static int evaluate(struct spf *s, struct slice domain, struct slice *ret_record,
                    enum spf_result *ret)
{
    struct slice record = SLICE_NONE, to = SLICE_NONE;
    struct dns_answer answer;
    size_t count = 0;
    int r = ask(s, domain, DNS_TXT, &answer, ret);

    if (r == 0)
        count = find_records(&answer, &record);
    if (ret_record)
        *ret_record = record;
    if (r == 0 && count == 0) {
        *ret = SPF_NONE;
        return 0;
    }
    if (r == 0 && count > 1) {
        give_up(s, SPF_PERMERROR,
                arena_printf(s->arena, "%.*s has several SPF records", SLICE_ARG(domain)), ret);
        return 0;
    }
    record = slice_part(record, 6, record.size);
    if (r == 0)
        r = check_terms(s, record, &to, ret);
    if (r == 0)
        r = run_terms(s, record, domain, ret);
    if (r == 0 && to.size)
        r = expand(s, domain, &to);
    if (r == 0 && to.size)
        return redirect(s, to, ret);
    if (r == 0)
        *ret = SPF_NEUTRAL;
    return r == 1 || r == -EAGAIN ? 0 : r;
}

/* An IPv4 address in IPv6's clothes is the former (§5). */
static struct endpoint plain_address(const struct endpoint *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct endpoint plain = {.family = 4, .port = address->port};

    if (address->family != 6 || memcmp(address->address, mapped, sizeof mapped) != 0)
        return *address;
    memcpy(plain.address, address->address + sizeof mapped, 4);
    return plain;
}

int spf_check(struct task *t, struct arena *arena, const struct spf_sender *sender,
              struct spf_finding *ret)
{
    struct endpoint address = plain_address(sender->address);
    struct spf_sender plain = *sender;
    struct spf s = {.task = t, .arena = arena, .sender = &plain};
    char escaped[4 * SPF_TEXT_BYTES + 1];
    struct slice record = SLICE_NONE;
    enum spf_result result = SPF_NONE;
    int r;

    plain.address = &address;
    r = evaluate(&s, sender->domain, &record, &result);
    if (r < 0)
        return r;
    log_escape(slice_part(record, 0, SPF_TEXT_BYTES), escaped, sizeof escaped);
    *ret = (struct spf_finding){result, arena_copy(arena, slice_text(escaped)), s.why};
    return 0;
}
