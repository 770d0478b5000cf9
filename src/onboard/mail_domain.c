#include "onboard/mail_domain.h"

#include "base/buffer.h"
#include "base/log.h"
#include "onboard/spf.h"
#include "runtime/resolver.h"

static struct slice harmless(struct arena *arena, struct slice text)
{
    char escaped[4 * MAIL_SEEN_BYTES + 1];

    log_escape(slice_part(text, 0, MAIL_SEEN_BYTES), escaped, sizeof escaped);
    return arena_copy(arena, slice_text(escaped));
}

static bool is_silent(const struct dns_answer *answer)
{
    return answer->status == DNS_TEMPORARY || answer->status == DNS_BOGUS;
}

static struct mail_record unknown(struct arena *arena, struct slice name,
                                  const struct dns_answer *answer)
{
    return (struct mail_record){
        .advice = arena_printf(arena, "%.*s could not be looked up: %.*s", SLICE_ARG(name),
                               SLICE_ARG(harmless(arena, answer->why))),
    };
}

/* --- the host --- */

static bool has_address(const struct endpoint *list, size_t count, const struct endpoint *address)
{
    for (size_t i = 0; i < count; i++)
        if (endpoint_same_address(&list[i], address))
            return true;
    return false;
}

/* All addresses of a name, at most MAIL_SOURCES_MAX; *ret_trouble when the DNS was silent. */
static int find_addresses(struct task *t, struct arena *arena, struct slice name,
                          struct endpoint *list, size_t *count, struct slice *ret_trouble)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(types) && r == 0; i++) {
        struct dns_answer answer;

        r = resolver_query(t, arena, name, types[i], &answer);
        if (r == -EINVAL)
            return 0;
        if (r == 0 && is_silent(&answer))
            *ret_trouble = unknown(arena, name, &answer).advice;
        for (size_t k = 0; r == 0 && answer.status == DNS_FOUND && k < answer.count; k++)
            if (*count < MAIL_SOURCES_MAX)
                list[(*count)++] = answer.records[k].address;
    }
    return r;
}

static void take_sources(struct arena *arena, struct mail_host *host)
{
    for (size_t i = 0; i < host->address_count; i++) {
        char text[ENDPOINT_TEXT_BYTES];

        endpoint_format_address(&host->addresses[i], text);
        host->sources[host->source_count++] = (struct mail_source){
            host->addresses[i], arena_copy(arena, slice_text(text)), host->hostname};
    }
}

int mail_host_find(struct task *t, struct arena *arena, struct mail_host *host)
{
    int r = find_addresses(t, arena, host->hostname, host->addresses, &host->address_count,
                           &host->trouble);

    if (r == 0 && host->source_count == 0)
        take_sources(arena, host);
    return r;
}

struct slice mail_host_spf(struct arena *arena, const struct mail_host *host)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    buffer_add(&text, SLICE("v=spf1"));
    for (size_t i = 0; i < host->source_count; i++)
        buffer_printf(&text, " ip%u:%.*s", host->sources[i].address.family,
                      SLICE_ARG(host->sources[i].text));
    if (host->source_count == 0)
        buffer_printf(&text, " a:%.*s", SLICE_ARG(host->hostname));
    buffer_add(&text, SLICE(" -all"));
    return arena_copy(arena, buffer_slice(&text));
}

/* --- MX --- */

/* 1: it is our name, or leads to an address of ours; 0: it does not; -EAGAIN: nobody knows. */
static int leads_here(struct task *t, struct arena *arena, const struct mail_host *host,
                      struct slice name)
{
    struct endpoint found[MAIL_SOURCES_MAX];
    struct slice trouble = host->trouble;
    size_t count = 0;
    int r;

    if (slice_equal_nocase(name, host->hostname))
        return 1;
    if (name.size == 0) /* RFC 7505 */
        return 0;
    r = find_addresses(t, arena, name, found, &count, &trouble);
    for (size_t i = 0; r == 0 && i < count; i++)
        if (has_address(host->addresses, host->address_count, &found[i]))
            return 1;
    return r < 0 ? r : trouble.size ? -EAGAIN : 0;
}

static struct slice describe_hosts(struct arena *arena, const struct dns_answer *answer)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    for (size_t i = 0; i < answer->count && text.size < MAIL_SEEN_BYTES; i++)
        buffer_printf(&text, "%s%u %.*s", i ? ", " : "", answer->records[i].preference,
                      SLICE_ARG(answer->records[i].name));
    return harmless(arena, buffer_slice(&text));
}

static int judge_hosts(struct task *t, struct arena *arena, const struct mail_host *host,
                       bool exactly_one, const struct dns_answer *answer, struct mail_record *ret)
{
    int r = 1;

    ret->seen = describe_hosts(arena, answer);
    ret->state = RECORD_WRONG;
    if (exactly_one && answer->count > 1) {
        ret->advice = arena_printf(arena,
                                   "There are %zu MX records; leave only the one that leads to "
                                   "%.*s.",
                                   answer->count, SLICE_ARG(host->hostname));
        return 0;
    }
    for (size_t i = 0; i < answer->count && r == 1; i++) {
        r = leads_here(t, arena, host, answer->records[i].name);
        if (r == 0)
            ret->advice = arena_printf(arena,
                                       "\"%.*s\" does not lead to this host; let the MX be "
                                       "%.*s.",
                                       SLICE_ARG(harmless(arena, answer->records[i].name)),
                                       SLICE_ARG(host->hostname));
        if (r == -EAGAIN)
            *ret = (struct mail_record){
                .seen = ret->seen, .advice = SLICE("Where the MX leads could not be looked up.")};
    }
    if (r == 1)
        ret->state = RECORD_RIGHT;
    return r == 1 || r == -EAGAIN ? 0 : r;
}

static int check_mx(struct task *t, struct arena *arena, struct slice domain,
                    const struct mail_host *host, bool exactly_one, struct mail_record *ret)
{
    struct dns_answer answer;
    int r = resolver_query(t, arena, domain, DNS_MX, &answer);

    *ret = (struct mail_record){.state = RECORD_ABSENT};
    if (r < 0)
        return r;
    if (is_silent(&answer)) {
        *ret = unknown(arena, domain, &answer);
        return 0;
    }
    if (answer.status == DNS_FOUND)
        return judge_hosts(t, arena, host, exactly_one, &answer, ret);
    ret->advice = arena_printf(arena,
                               "There is no MX record; publish \"10 %.*s\", so that reports "
                               "come back.",
                               SLICE_ARG(host->hostname));
    return 0;
}

/* --- SPF --- */

static void judge_spf(struct arena *arena, const struct mail_source *source,
                      const struct spf_finding *finding, struct mail_record *ret)
{
    ret->seen = finding->record;
    if (finding->result == SPF_PASS) {
        ret->state = RECORD_RIGHT;
        return;
    }
    ret->state = finding->result == SPF_NONE        ? RECORD_ABSENT
                 : finding->result == SPF_TEMPERROR ? RECORD_UNKNOWN
                                                    : RECORD_WRONG;
    if (finding->result == SPF_NONE)
        ret->advice = SLICE("There is no SPF record (a TXT record that begins with v=spf1).");
    else if (finding->why.size)
        ret->advice = arena_printf(arena, "SPF comes to %s: %.*s.",
                                   spf_result_name(finding->result), SLICE_ARG(finding->why));
    else
        ret->advice = arena_printf(arena, "SPF comes to \"%s\" for %.*s, which mail goes out from.",
                                   spf_result_name(finding->result), SLICE_ARG(source->text));
}

static int check_spf(struct task *t, struct arena *arena, struct slice domain,
                     const struct mail_host *host, struct mail_record *ret)
{
    int r = 0;

    *ret = (struct mail_record){
        .state = RECORD_RIGHT,
        .advice = arena_printf(arena,
                               "It is not known which addresses mail goes out from: %.*s has none.",
                               SLICE_ARG(host->hostname)),
    };
    if (host->source_count == 0)
        ret->state = RECORD_UNKNOWN;
    else
        ret->advice = SLICE_NONE;
    for (size_t i = 0; i < host->source_count && r == 0 && ret->state == RECORD_RIGHT; i++) {
        const struct spf_sender sender = {
            .domain = domain, .helo = host->hostname, .address = &host->sources[i].address};
        struct spf_finding finding;

        r = spf_check(t, arena, &sender, &finding);
        if (r == 0)
            judge_spf(arena, &host->sources[i], &finding, ret);
    }
    return r;
}

int mail_domain_check(struct task *t, struct arena *arena, struct slice domain,
                      const struct mail_host *host, bool exactly_one, struct mail_domain *ret)
{
    int r = check_mx(t, arena, domain, host, exactly_one, &ret->mx);

    return r < 0 ? r : check_spf(t, arena, domain, host, &ret->spf);
}

/* --- from the address to the name, and back --- */

struct slice mail_reverse_name(struct arena *arena, const struct endpoint *address)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    for (int i = 3; address->family == 4 && i >= 0; i--)
        buffer_printf(&text, "%u.", address->address[i]);
    for (int i = 15; address->family == 6 && i >= 0; i--)
        buffer_printf(&text, "%x.%x.", address->address[i] & 15u, address->address[i] >> 4);
    buffer_add(&text, address->family == 4 ? SLICE("in-addr.arpa") : SLICE("ip6.arpa"));
    return arena_copy(arena, buffer_slice(&text));
}

int mail_source_name_check(struct task *t, struct arena *arena, const struct mail_source *source,
                           struct mail_record *ret)
{
    struct endpoint found[MAIL_SOURCES_MAX];
    struct slice trouble = SLICE_NONE;
    size_t count = 0;
    int r = find_addresses(t, arena, source->hostname, found, &count, &trouble);

    if (r < 0)
        return r;
    *ret = (struct mail_record){.state = RECORD_RIGHT, .seen = ret->seen};
    if (has_address(found, count, &source->address))
        return 0;
    ret->state = trouble.size ? RECORD_UNKNOWN : RECORD_WRONG;
    ret->advice = trouble.size ? trouble
                               : arena_printf(arena,
                                              "%.*s does not lead to %.*s; publish that address "
                                              "for the name.",
                                              SLICE_ARG(source->hostname), SLICE_ARG(source->text));
    return 0;
}

static bool names_host(const struct dns_answer *answer, struct slice hostname)
{
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++)
        if (slice_equal_nocase(answer->records[i].name, hostname))
            return true;
    return false;
}

int mail_source_check(struct task *t, struct arena *arena, const struct mail_source *source,
                      struct mail_record *ret)
{
    struct slice name = mail_reverse_name(arena, &source->address);
    struct dns_answer answer;
    int r = resolver_query(t, arena, name, DNS_PTR, &answer);

    *ret = (struct mail_record){.state = RECORD_ABSENT};
    if (r < 0)
        return r;
    if (is_silent(&answer)) {
        *ret = unknown(arena, name, &answer);
        return 0;
    }
    if (answer.status == DNS_FOUND && answer.count)
        ret->seen = harmless(arena, answer.records[0].name);
    if (names_host(&answer, source->hostname))
        return mail_source_name_check(t, arena, source, ret);
    if (answer.status == DNS_FOUND)
        ret->state = RECORD_WRONG;
    ret->advice = arena_printf(arena,
                               "Have whoever the address is from let its PTR record be %.*s; large "
                               "receivers refuse mail without.",
                               SLICE_ARG(source->hostname));
    return 0;
}
