#include "onboard/probe_limit.h"

#include <openssl/sha.h>

static const int64_t WINDOW_US = 3600 * (int64_t)1000000;

struct digest {
    unsigned char bytes[SHA256_DIGEST_LENGTH];
};

struct digests {
    struct digest host, user, sealed;
};

static struct digest digest_of(struct slice text)
{
    struct digest d;

    SHA256((const unsigned char *)(text.size ? text.data : ""), text.size, d.bytes);
    return d;
}

static struct digests digests_of(const struct probe_guess *guess)
{
    return (struct digests){digest_of(guess->host), digest_of(guess->user),
                            digest_of(guess->sealed)};
}

static void bind_digests(struct query *q, const struct digests *d)
{
    query_bind_blob(q, slice_of(&d->host, sizeof d->host));
    query_bind_blob(q, slice_of(&d->user, sizeof d->user));
    query_bind_blob(q, slice_of(&d->sealed, sizeof d->sealed));
}

static void bind_window(struct query *q, int64_t now_us)
{
    query_bind_int(q, now_us - WINDOW_US);
    query_bind_int(q, now_us + WINDOW_US);
}

int probe_limit_allows(struct store *s, int64_t now_us, const struct probe_guess *guess)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PROBE_REFUSAL_COUNT);
    const struct digests digests = digests_of(guess);
    int r;

    bind_digests(&q, &digests);
    bind_window(&q, now_us);
    r = query_step(&q);
    if (r < 0)
        return r;
    return query_int(&q, 2) > 0 ||
           (query_int(&q, 1) < PROBE_GUESSES_MAX && query_int(&q, 0) < PROBE_GUESSES_PER_HOST_MAX);
}

static int forget(struct store *s, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PROBE_REFUSAL_FORGET);

    bind_window(&q, now_us);
    query_bind_int(&q, PROBE_GUESSES_KEPT);
    return query_run(&q);
}

int probe_limit_note(struct store *s, int64_t now_us, const struct probe_guess *guess)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    CLEANUP(query_done) struct query q = store_query(s, STORE_PROBE_REFUSAL_NOTE);
    const struct digests digests = digests_of(guess);
    int r = store_transaction_begin(s, &all);

    bind_digests(&q, &digests);
    query_bind_int(&q, now_us);
    if (r == 0)
        r = query_run(&q);
    if (r == 0)
        r = forget(s, now_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

int probe_limit_clear(struct store *s, const struct probe_guess *guess)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PROBE_REFUSAL_CLEAR);
    const struct digests digests = digests_of(guess);

    bind_digests(&q, &digests);
    return query_run(&q);
}
