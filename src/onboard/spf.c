#include "onboard/spf.h"

#include "base/log.h"
#include "runtime/resolver.h"

struct spf {
    struct task *task;
    struct arena *arena;
    const struct endpoint *address;
    size_t lookups;
    struct slice why;
};

/* A directive (§4.6.1): qualifier, mechanism, and what follows it. */
struct term {
    enum spf_result result;
    struct slice name;
    struct slice domain; /* the target name; the current domain unless given */
    struct slice bits4, bits6;
    struct slice network; /* all behind the colon, for ip4 and ip6 */
};

const char *spf_result_name(enum spf_result result)
{
    static const char *const names[] = {
        [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",   [SPF_PASS] = "pass",
        [SPF_FAIL] = "fail",           [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
        [SPF_PERMERROR] = "permerror", [SPF_MACRO] = "not judged",
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
    if (answer->status != DNS_TEMPORARY && answer->status != DNS_BOGUS)
        return 0;
    give_up(s, SPF_TEMPERROR,
            arena_printf(s->arena, "the DNS gave no answer for %.*s", SLICE_ARG(domain)), ret);
    return -EAGAIN;
}

/* --- mechanisms: 1 matches, 0 does not --- */

/* What lies behind the prefix in the record does not count (§5.6). */
static int match_prefix(const struct spf *s, const struct endpoint *base, struct slice bits)
{
    struct endpoint_network network = {*base, 0};
    uint64_t count, max = base->family == 4 ? 32 : 128;

    if (slice_to_u64(bits.size           ? bits
                     : base->family == 4 ? SLICE("32")
                                         : SLICE("128"),
                     max, &count) < 0)
        return -EBADMSG;
    network.bits = (uint8_t)count;
    return base->family == s->address->family && endpoint_in_network(s->address, &network);
}

static int match_network(const struct spf *s, const struct term *term)
{
    struct slice bits = term->network, text;
    struct endpoint base;

    slice_cut(&bits, '/', &text);
    if (endpoint_parse_address(text, &base) < 0 ||
        base.family != (slice_ends_nocase(term->name, SLICE("4")) ? 4 : 6))
        return -EBADMSG;
    return match_prefix(s, &base, bits);
}

static int match_address(const struct spf *s, const struct endpoint *found, const struct term *term)
{
    if (found->family != s->address->family)
        return 0;
    return match_prefix(s, found, found->family == 4 ? term->bits4 : term->bits6);
}

static int match_host(struct spf *s, struct slice host, const struct term *term,
                      enum spf_result *ret)
{
    struct dns_answer answer;
    int r = ask(s, host, s->address->family == 4 ? DNS_A : DNS_AAAA, &answer, ret);

    for (size_t i = 0; r == 0 && answer.status == DNS_FOUND && i < answer.count; i++)
        r = match_address(s, &answer.records[i].address, term);
    return r;
}

static int match_mx(struct spf *s, const struct term *term, enum spf_result *ret)
{
    struct dns_answer answer;
    int r = ask(s, term->domain, DNS_MX, &answer, ret);

    if (r == 0 && answer.status == DNS_FOUND && answer.count > SPF_LOOKUPS_MAX)
        return -EBADMSG;
    for (size_t i = 0; r == 0 && answer.status == DNS_FOUND && i < answer.count; i++)
        r = match_host(s, answer.records[i].name, term, ret);
    return r;
}

static int match_exists(struct spf *s, const struct term *term, enum spf_result *ret)
{
    struct dns_answer answer;
    int r = ask(s, term->domain, DNS_A, &answer, ret);

    return r < 0 ? r : answer.status == DNS_FOUND;
}

/* §5.2: passes there, matches here; has no record there, is an error here. */
static int match_include(struct spf *s, const struct term *term, enum spf_result *ret)
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

static bool is_named(const struct term *term, const char *name)
{
    return slice_equal_nocase(term->name, slice_text(name));
}

static int match(struct spf *s, const struct term *term, enum spf_result *ret)
{
    if (is_named(term, "all"))
        return 1;
    if (is_named(term, "ip4") || is_named(term, "ip6"))
        return match_network(s, term);
    if (++s->lookups > SPF_LOOKUPS_MAX) {
        give_up(s, SPF_PERMERROR, too_many, ret);
        return -EAGAIN;
    }
    if (slice_find(term->domain, '%') >= 0) {
        *ret = SPF_MACRO;
        return -EAGAIN;
    }
    if (is_named(term, "include"))
        return match_include(s, term, ret);
    if (is_named(term, "a"))
        return match_host(s, term->domain, term, ret);
    if (is_named(term, "mx"))
        return match_mx(s, term, ret);
    if (is_named(term, "exists"))
        return match_exists(s, term, ret);
    return is_named(term, "ptr") ? 0 : -EBADMSG;
}

/* --- the record --- */

static enum spf_result read_qualifier(struct slice *text)
{
    static const struct {
        char sign;
        enum spf_result result;
    } signs[] = {{'+', SPF_PASS}, {'-', SPF_FAIL}, {'~', SPF_SOFTFAIL}, {'?', SPF_NEUTRAL}};

    for (size_t i = 0; text->size && i < ARRAY_LEN(signs); i++)
        if (text->data[0] == signs[i].sign) {
            *text = slice_part(*text, 1, text->size);
            return signs[i].result;
        }
    return SPF_PASS;
}

/* [+-~?]name[:domain][/bits][//bits] */
static struct term read_term(struct slice text, struct slice domain)
{
    struct term term = {.result = read_qualifier(&text)};
    size_t end = 0;

    while (end < text.size && text.data[end] != ':' && text.data[end] != '/')
        end++;
    term.name = slice_part(text, 0, end);
    text = slice_part(text, end, text.size);
    term.domain = domain;
    if (text.size && text.data[0] == ':') {
        term.network = slice_part(text, 1, text.size);
        text = term.network;
        slice_cut(&text, '/', &term.domain);
        term.bits4 = text;
    } else if (text.size) {
        term.bits4 = slice_part(text, 1, text.size);
    }
    text = term.bits4;
    if (slice_cut(&text, '/', &term.bits4)) /* what follows the second one is behind another */
        term.bits6 = slice_starts(text, SLICE("/")) ? slice_part(text, 1, text.size) : text;
    return term;
}

static bool is_modifier(struct slice text)
{
    ssize_t equals = slice_find(text, '=');
    ssize_t colon = slice_find(text, ':');

    return equals > 0 && (colon < 0 || colon > equals);
}

/* 1: a term has matched, and *ret is the result; 0: none has. */
static int run_terms(struct spf *s, struct slice record, struct slice domain,
                     struct slice *ret_redirect, enum spf_result *ret)
{
    struct slice text;
    bool more = true;
    int r = 0;

    while (more && r == 0) {
        struct term term;

        more = slice_cut(&record, ' ', &text);
        if (text.size == 0)
            continue;
        if (is_modifier(text)) {
            if (slice_starts_nocase(text, SLICE("redirect=")))
                *ret_redirect = slice_part(text, 9, text.size);
            continue;
        }
        term = read_term(text, domain);
        r = match(s, &term, ret);
        if (r == 1)
            *ret = term.result;
        if (r == -EBADMSG) {
            give_up(s, SPF_PERMERROR,
                    arena_printf(s->arena, "\"%.*s\" cannot be understood",
                                 SLICE_ARG(slice_part(text, 0, 100))),
                    ret);
            r = -EAGAIN;
        }
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
    if (slice_find(domain, '%') >= 0) {
        *ret = SPF_MACRO;
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
    if (r == 0)
        r = run_terms(s, slice_part(record, 6, record.size), domain, &to, ret);
    if (r == 0 && to.size)
        return redirect(s, to, ret);
    if (r == 0)
        *ret = SPF_NEUTRAL;
    return r == 1 || r == -EAGAIN ? 0 : r;
}

int spf_check(struct task *t, struct arena *arena, struct slice domain,
              const struct endpoint *address, struct spf_finding *ret)
{
    struct spf s = {.task = t, .arena = arena, .address = address};
    char escaped[4 * SPF_TEXT_BYTES + 1];
    struct slice record = SLICE_NONE;
    enum spf_result result = SPF_NONE;
    int r = evaluate(&s, domain, &record, &result);

    if (r < 0)
        return r;
    log_escape(slice_part(record, 0, SPF_TEXT_BYTES), escaped, sizeof escaped);
    *ret = (struct spf_finding){result, arena_copy(arena, slice_text(escaped)), s.why};
    return 0;
}
