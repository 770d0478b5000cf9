#include "runtime/resolver_unbound.h"

#include "base/buffer.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

enum { CLASS_IN = 1, RCODE_NO_ERROR = 0, RCODE_NAME_ERROR = 3 };

struct resolver_unbound {
    struct ub_ctx *context;
    struct list answered; /* during ub_process */
};

static int refuse(char **ret_problem, const char *what, const char *value, int error)
{
    struct buffer text = BUFFER_NONE;

    buffer_printf(&text, "The resolver refuses %s \"%s\": %s.", what, value, ub_strerror(error));
    buffer_add_byte(&text, 0);
    *ret_problem = text.data;
    return -EINVAL;
}

static int set(struct resolver_unbound *r, const char *option, const char *value,
               char **ret_problem)
{
    int error = ub_ctx_set_option(r->context, option, value);

    return error ? refuse(ret_problem, option, value, error) : 0;
}

static int set_forwarders(struct resolver_unbound *r, const struct resolver_options *options,
                          char **ret_problem)
{
    for (size_t i = 0; i < options->forwarder_count; i++) {
        int error = ub_ctx_set_fwd(r->context, options->forwarders[i]);

        if (error)
            return refuse(ret_problem, "the forwarder", options->forwarders[i], error);
    }
    return 0;
}

static bool is_below(struct slice zone, struct slice upper)
{
    if (slice_equal_nocase(zone, slice_part(upper, 1, upper.size)))
        return true;
    return slice_ends_nocase(zone, upper);
}

/* libunbound answers for "test" and for addresses of private networks by itself: such names do not
 * exist (RFC 6761 §6.2, RFC 6303). Whoever names a server for a zone there means otherwise. */
static int unblock(struct resolver_unbound *r, struct slice zone, char **ret_problem)
{
    char line[300];

    if (slice_ends_nocase(zone, SLICE(".")))
        zone.size--;
    if (is_below(zone, SLICE(".test")))
        return set(r, "local-zone:", "test. transparent", ret_problem);
    if (!is_below(zone, SLICE(".in-addr.arpa")) && !is_below(zone, SLICE(".ip6.arpa")))
        return 0;
    snprintf(line, sizeof line, "%.*s. transparent", SLICE_ARG(zone));
    return set(r, "local-zone:", line, ret_problem);
}

static int set_stub(struct resolver_unbound *r, const struct resolver_stub *stub,
                    char **ret_problem)
{
    int error = ub_ctx_set_stub(r->context, stub->zone, stub->address, 0);

    if (error)
        return refuse(ret_problem, "the address of a zone", stub->address, error);
    if (unblock(r, slice_text(stub->zone), ret_problem) < 0)
        return -EINVAL;
    return stub->unsigned_zone ? set(r, "domain-insecure:", stub->zone, ret_problem) : 0;
}

static int set_stubs(struct resolver_unbound *r, const struct resolver_options *options,
                     char **ret_problem)
{
    for (size_t i = 0; i < options->stub_count; i++) {
        int result = set_stub(r, &options->stubs[i], ret_problem);

        if (result < 0)
            return result;
    }
    return 0;
}

/* Without an anchor nothing can be validated, and the validator would only cost time. */
static int set_anchor(struct resolver_unbound *r, const char *path, char **ret_problem)
{
    int error;

    if (!path)
        return set(r, "module-config:", "iterator", ret_problem);
    error = ub_ctx_add_ta_file(r->context, path);
    return error ? refuse(ret_problem, "the trust anchor", path, error) : 0;
}

static int set_memory(struct resolver_unbound *r, bool fresh, char **ret_problem)
{
    int result = fresh ? set(r, "cache-max-ttl:", "0", ret_problem) : 0;

    if (result == 0 && fresh)
        result = set(r, "cache-max-negative-ttl:", "0", ret_problem);
    return result;
}

static int configure(struct resolver_unbound *r, const struct resolver_options *options,
                     char **ret_problem)
{
    int result = set(r, "do-not-query-localhost:", "no", ret_problem);

    if (result == 0)
        result = set_memory(r, options->fresh, ret_problem);
    if (result == 0)
        result = set_anchor(r, options->trust_anchor_path, ret_problem);
    if (result == 0)
        result = set_forwarders(r, options, ret_problem);
    if (result == 0)
        result = set_stubs(r, options, ret_problem);
    if (result == 0 && ub_ctx_async(r->context, 1) != 0)
        result = -EINVAL;
    return result;
}

/* A first question, never answered, makes libunbound read its settings: a bad anchor file is told
 * now, and not when a message waits. */
static int finish(struct resolver_unbound *r, const struct resolver_options *options,
                  char **ret_problem)
{
    int error = ub_ctx_zone_add(r->context, "letterhead.invalid.", "static");
    struct ub_result *result = NULL;

    if (error == 0)
        error = ub_resolve(r->context, "letterhead.invalid", DNS_A, CLASS_IN, &result);
    ub_resolve_free(result);
    if (error == 0)
        return 0;
    return refuse(ret_problem, "the trust anchor",
                  options->trust_anchor_path ? options->trust_anchor_path : "(none)", error);
}

int resolver_unbound_new(const struct resolver_options *options, struct resolver_unbound **ret,
                         char **ret_problem)
{
    struct resolver_unbound *r = base_allocate(sizeof *r);
    int result;

    list_init(&r->answered);
    r->context = ub_ctx_create();
    if (!r->context) {
        free(r);
        return -ENOMEM;
    }
    ub_ctx_debugout(r->context,
                    NULL); /* its log lines know nothing of ours; answers say what is wrong */
    result = configure(r, options, ret_problem);
    if (result == 0)
        result = finish(r, options, ret_problem);
    if (result < 0) {
        resolver_unbound_free(r);
        return result;
    }
    *ret = r;
    return 0;
}

void resolver_unbound_free(struct resolver_unbound *r)
{
    if (!r)
        return;
    ub_ctx_delete(r->context);
    free(r);
}

int resolver_unbound_descriptor(const struct resolver_unbound *r)
{
    return ub_fd(r->context);
}

/* A name in wire form as text: lower case, no final dot, "" for the root. -EBADMSG when it is cut
 * short or has bytes that no host name has: such a name is of no use to us, and safe nowhere. RDATA
 * from libunbound holds no compression. */
static int read_name(struct slice *rdata, struct arena *arena, struct slice *ret)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    for (;;) {
        size_t length = rdata->size ? (unsigned char)rdata->data[0] : 64;
        struct slice label = slice_part(*rdata, 1, length);

        if (length > LIMIT_LABEL_BYTES || label.size != length)
            return -EBADMSG;
        *rdata = slice_part(*rdata, 1 + length, rdata->size);
        if (length == 0)
            break;
        if (text.size)
            buffer_add_byte(&text, '.');
        for (size_t i = 0; i < length; i++) {
            char c = label.data[i];

            if (c <= ' ' || c >= 127 || c == '.' || c == '\\')
                return -EBADMSG;
            buffer_add_byte(&text, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
        }
    }
    *ret = arena_copy(arena, buffer_slice(&text));
    return 0;
}

/* RFC 7208 §3.3, RFC 6376 §3.6.2.2: the strings of one record are one text, with nothing between
 * them. */
static int read_text(struct slice rdata, struct arena *arena, struct slice *ret)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    while (rdata.size) {
        size_t length = (unsigned char)rdata.data[0];
        struct slice string = slice_part(rdata, 1, length);

        if (string.size != length)
            return -EBADMSG;
        buffer_add(&text, string);
        rdata = slice_part(rdata, 1 + length, rdata.size);
    }
    *ret = arena_copy(arena, buffer_slice(&text));
    return 0;
}

static int read_address(struct slice rdata, enum dns_type type, struct endpoint *ret)
{
    size_t size = type == DNS_A ? 4 : 16;

    if (rdata.size != size)
        return -EBADMSG;
    *ret = (struct endpoint){.family = type == DNS_A ? 4 : 6};
    memcpy(ret->address, rdata.data, size);
    return 0;
}

static int read_mx(struct slice rdata, struct arena *arena, struct dns_record *ret)
{
    struct cursor c = cursor_of(rdata);

    ret->preference = cursor_u16(&c);
    if (c.failed)
        return -EBADMSG;
    return read_name(&c.rest, arena, &ret->name);
}

static int read_record(struct slice rdata, enum dns_type type, struct arena *arena,
                       struct dns_record *ret)
{
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        return read_address(rdata, type, &ret->address);
    case DNS_MX:
        return read_mx(rdata, arena, ret);
    case DNS_TXT:
        return read_text(rdata, arena, &ret->text);
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
    case DNS_SOA:
        return read_name(&rdata, arena, &ret->name);
    case DNS_TLSA:
        ret->text = arena_copy(arena, rdata);
        return 0;
    }
    return -EBADMSG;
}

/* Records that do not parse are left out: one bad MX must not hide the good ones. */
static void read_records(const struct ub_result *result, struct world_query *query)
{
    struct dns_answer *answer = &query->answer;
    size_t count = 0;

    while (count < LIMIT_DNS_RECORDS && result->data[count])
        count++;
    answer->records = ARENA_ARRAY(query->arena, struct dns_record, count);
    for (size_t i = 0; i < count; i++) {
        struct slice rdata = slice_of(result->data[i], (size_t)result->len[i]);

        if (read_record(rdata, query->type, query->arena, &answer->records[answer->count]) == 0)
            answer->count++;
    }
}

static struct slice canonical_name(const struct ub_result *result, struct world_query *query)
{
    const char *name = result->canonname ? result->canonname : query->name;
    struct slice copy = arena_copy(query->arena, slice_text(name));
    char *bytes = (char *)(uintptr_t)copy.data;

    for (size_t i = 0; i < copy.size; i++)
        if (bytes[i] >= 'A' && bytes[i] <= 'Z')
            bytes[i] = (char)(bytes[i] + 32);
    if (slice_ends_nocase(copy, SLICE(".")))
        copy.size--;
    return copy;
}

static void answer_temporary(struct world_query *query, const char *why)
{
    query->answer.status = DNS_TEMPORARY;
    query->answer.why =
        arena_printf(query->arena, "DNS gives no answer for \"%s\" now: %s.", query->name, why);
}

static const char *rcode_words(int rcode)
{
    switch (rcode) {
    case 1:
        return "the server did not understand the question (FORMERR)";
    case 2:
        return "its servers fail or do not answer (SERVFAIL)";
    case 4:
        return "the server does not know such questions (NOTIMP)";
    case 5:
        return "the server refuses to answer (REFUSED)";
    default:
        return "the answer is of an unknown kind";
    }
}

static void answer_bogus(struct world_query *query, const char *why)
{
    query->answer.status = DNS_BOGUS;
    query->answer.why = arena_printf(query->arena, "DNSSEC validation of \"%s\" failed: %s.",
                                     query->name, why ? why : "no reason given");
}

static void take_answer(const struct ub_result *result, struct world_query *query)
{
    struct dns_answer *answer = &query->answer;

    if (result->bogus) {
        answer_bogus(query, result->why_bogus);
        return;
    }
    if (result->rcode != RCODE_NO_ERROR && result->rcode != RCODE_NAME_ERROR) {
        answer_temporary(query, rcode_words(result->rcode));
        return;
    }
    answer->secure = result->secure;
    answer->ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0;
    answer->canonical = canonical_name(result, query);
    if (result->havedata)
        read_records(result, query);
    if (answer->count)
        answer->status = DNS_FOUND;
    else
        answer->status = result->nxdomain ? DNS_NO_NAME : DNS_NO_DATA;
}

static void answered(void *context, int error, struct ub_result *result)
{
    struct world_query *query = context;
    struct resolver_unbound *r = query->own;

    query->answer = (struct dns_answer){.status = DNS_TEMPORARY};
    if (error || !result)
        answer_temporary(query, ub_strerror(error));
    else
        take_answer(result, query);
    ub_resolve_free(result);
    list_add_last(&r->answered, &query->link);
}

int resolver_unbound_start(struct resolver_unbound *r, struct world_query *query)
{
    const char *name = query->name[0] ? query->name : ".";

    query->own = r;
    if (ub_resolve_async(r->context, name, (int)query->type, CLASS_IN, query, answered,
                         &query->handle) != 0)
        return -EIO;
    return 0;
}

/* libunbound marks the question; its callback is not called even if the answer is on its way. */
void resolver_unbound_cancel(struct resolver_unbound *r, struct world_query *query)
{
    (void)!ub_cancel(r->context, query->handle);
}

void resolver_unbound_process(struct resolver_unbound *r, struct list *queries)
{
    (void)!ub_process(r->context);
    LIST_FOREACH_SAFE (link, &r->answered) {
        list_remove(link);
        list_add_last(queries, link);
    }
}
