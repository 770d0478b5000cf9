#include "deliver/https.h"

#include "deliver/https_curl.h"
#include "runtime/resolver.h"
#include "wire/https_url.h"

#include <stdio.h>
#include <stdlib.h>

struct https {
    struct https_options options;
    struct https_curl *curl;
    atomic_bool stop;
};

int https_new(const struct https_options *options, struct https **ret, char **ret_problem)
{
    struct https *h = base_allocate(sizeof *h);
    int r = https_curl_load(&h->curl, ret_problem);

    if (r < 0) {
        free(h);
        return r;
    }
    h->options = *options;
    *ret = h;
    return 0;
}

void https_stop(struct https *h)
{
    atomic_store(&h->stop, true);
}

void https_free(struct https *h)
{
    if (!h)
        return;
    https_curl_free(h->curl);
    free(h);
}

void https_answer_done(struct https_answer *answer)
{
    buffer_done(&answer->body);
}

/* What the DNS says of a host, sorted by the address policy. */
struct lookup {
    struct endpoint allowed[LIMIT_HOST_ADDRESSES];
    size_t allowed_count, refused_count;
    struct slice trouble; /* why a question got no answer */
};

static void sort_addresses(const struct https *h, const struct dns_answer *answer, uint16_t port,
                           struct lookup *lookup)
{
    if (answer->status == DNS_TEMPORARY || answer->status == DNS_BOGUS)
        lookup->trouble = answer->why;
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++) {
        struct endpoint address = answer->records[i].address;

        address.port = port;
        if (!address_policy_allows(&h->options.policy, &address))
            lookup->refused_count++;
        else if (lookup->allowed_count < LIMIT_HOST_ADDRESSES)
            lookup->allowed[lookup->allowed_count++] = address;
    }
}

static int look_up(struct task *t, struct https *h, struct arena *arena,
                   const struct https_request *request, struct lookup *lookup)
{
    static const enum dns_type types[] = {DNS_AAAA, DNS_A};
    struct dns_answer answer;
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(types) && r == 0; i++) {
        r = resolver_query(t, arena, request->host, types[i], &answer);
        if (r == 0)
            sort_addresses(h, &answer, request->port, lookup);
    }
    return r;
}

static void explain_no_address(const struct https_request *request, const struct lookup *lookup,
                               struct https_answer *ret)
{
    if (lookup->refused_count) {
        ret->outcome = HTTPS_NOT_ALLOWED;
        snprintf(ret->why, sizeof ret->why,
                 "%.*s has only addresses that must not be connected to "
                 "(delivery.allow_networks)",
                 SLICE_ARG(request->host));
        return;
    }
    ret->outcome = lookup->trouble.data ? HTTPS_DNS_SILENT : HTTPS_NO_ADDRESS;
    if (lookup->trouble.data)
        snprintf(ret->why, sizeof ret->why, "the DNS gave no answer for %.*s: %.*s",
                 SLICE_ARG(request->host), SLICE_ARG(slice_part(lookup->trouble, 0, 100)));
    else
        snprintf(ret->why, sizeof ret->why, "%.*s has no address", SLICE_ARG(request->host));
}

static int exchange_run(void *argument)
{
    https_curl_exchange(argument);
    return 0;
}

int https_ask(struct task *t, struct https *h, const struct https_request *request,
              struct https_answer *ret)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct lookup lookup = {.allowed_count = 0};
    struct https_exchange exchange = {
        .curl = h->curl,
        .authorities_file = h->options.authorities_file,
        .stop = &h->stop,
        .request = request,
        .host = arena_copy(&arena, request->host).data,
        .addresses = lookup.allowed,
        .answer = ret,
    };
    int r;

    if (!wire_https_host_valid(request->host))
        return -EINVAL;
    *ret = HTTPS_ANSWER_NONE;
    r = look_up(t, h, &arena, request, &lookup);
    if (r < 0)
        return r;
    exchange.address_count = lookup.allowed_count;
    if (lookup.allowed_count == 0) {
        explain_no_address(request, &lookup, ret);
        return 0;
    }
    return task_offload(t, TASK_LANE_FETCH, exchange_run, &exchange);
}
