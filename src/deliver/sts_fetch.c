#include "deliver/sts_fetch.h"

enum {
    TIME_MAX_MS = 20000, /* RFC 8461 §3.3 suggests a minute; the mail is waiting */
};

struct https_request sts_fetch_request(struct arena *arena, struct slice domain)
{
    return (struct https_request){
        .host = arena_printf(arena, "mta-sts.%.*s", SLICE_ARG(domain)),
        .target = SLICE("/.well-known/mta-sts.txt"),
        .port = HTTPS_PORT,
        .answer_bytes_max = LIMIT_STS_POLICY_BYTES,
        .time_max_ms = TIME_MAX_MS,
    };
}

static void fail(struct sts_fetched *ret, enum wire_tls_result failure, struct slice why)
{
    *ret = (struct sts_fetched){.failure = failure, .why = why};
}

static void judge_file(struct arena *arena, const struct https_answer *answer,
                       struct sts_fetched *ret)
{
    struct wire_error error = {"it is too large", 0};
    int r = wire_mta_sts_policy_parse(buffer_slice(&answer->body), &ret->policy, &error);

    ret->failure = WIRE_TLS_SUCCESS;
    if (r < 0)
        fail(ret, WIRE_TLS_STS_POLICY_INVALID,
             arena_printf(arena, "the policy file cannot be read, at byte %zu: %s", error.offset,
                          error.what));
}

static void judge_status(struct arena *arena, const struct https_answer *answer,
                         struct sts_fetched *ret)
{
    if (answer->status >= 300 && answer->status < 400)
        fail(ret, WIRE_TLS_STS_POLICY_FETCH_ERROR,
             arena_printf(arena, "the policy's host redirects (%d), which must not be followed",
                          answer->status));
    else if (answer->status != 200)
        fail(ret, WIRE_TLS_STS_POLICY_FETCH_ERROR,
             arena_printf(arena, "the policy's host answered %d instead of 200", answer->status));
    else if (!slice_equal(slice_text(answer->type), SLICE("text/plain")))
        fail(ret, WIRE_TLS_STS_POLICY_INVALID,
             SLICE("the policy file is not of the type text/plain"));
    else
        judge_file(arena, answer, ret);
}

void sts_fetch_judge(struct arena *arena, const struct https_answer *answer,
                     struct sts_fetched *ret)
{
    enum wire_tls_result failure = answer->outcome == HTTPS_BAD_CERTIFICATE
                                       ? WIRE_TLS_STS_WEBPKI_INVALID
                                       : WIRE_TLS_STS_POLICY_FETCH_ERROR;

    if (answer->outcome == HTTPS_ANSWERED)
        judge_status(arena, answer, ret);
    else
        fail(ret, failure, arena_copy(arena, slice_text(answer->why)));
}
