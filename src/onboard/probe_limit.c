#include "onboard/probe_limit.h"

#include <openssl/sha.h>
#include <stdlib.h>

static const uint64_t WINDOW_US = (uint64_t)3600 * 1000000;

struct digest {
    unsigned char bytes[SHA256_DIGEST_LENGTH];
};

struct refusal {
    uint64_t time_us; /* 0: none */
    struct digest host, user, sealed;
};

/* A ring: the oldest is overwritten. */
struct probe_limit {
    struct refusal refusals[PROBE_GUESSES_KEPT];
    size_t next;
};

struct probe_limit *probe_limit_new(void)
{
    return base_allocate(sizeof(struct probe_limit));
}

void probe_limit_free(struct probe_limit *l)
{
    free(l);
}

static struct digest digest_of(struct slice text)
{
    struct digest d;

    SHA256((const unsigned char *)(text.size ? text.data : ""), text.size, d.bytes);
    return d;
}

static struct refusal refusal_of(const struct probe_guess *guess, uint64_t now_us)
{
    return (struct refusal){.time_us = now_us ? now_us : 1,
                            .host = digest_of(guess->host),
                            .user = digest_of(guess->user),
                            .sealed = digest_of(guess->sealed)};
}

static bool same(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool is_recent(const struct refusal *r, uint64_t now_us)
{
    return r->time_us != 0 && now_us < r->time_us + WINDOW_US;
}

bool probe_limit_allows(const struct probe_limit *l, uint64_t now_us,
                        const struct probe_guess *guess)
{
    const struct refusal asked = refusal_of(guess, now_us);
    size_t at_host = 0, of_user = 0;

    for (size_t i = 0; i < PROBE_GUESSES_KEPT; i++) {
        const struct refusal *r = &l->refusals[i];

        if (!is_recent(r, now_us) || !same(&r->host, &asked.host))
            continue;
        at_host++;
        if (!same(&r->user, &asked.user))
            continue;
        if (same(&r->sealed, &asked.sealed))
            return true;
        of_user++;
    }
    return of_user < PROBE_GUESSES_MAX && at_host < PROBE_GUESSES_PER_HOST_MAX;
}

/* The same password again is noted once, as of now. */
void probe_limit_note(struct probe_limit *l, uint64_t now_us, const struct probe_guess *guess)
{
    const struct refusal refused = refusal_of(guess, now_us);

    for (size_t i = 0; i < PROBE_GUESSES_KEPT; i++) {
        struct refusal *r = &l->refusals[i];

        if (r->time_us && same(&r->host, &refused.host) && same(&r->user, &refused.user) &&
            same(&r->sealed, &refused.sealed)) {
            r->time_us = refused.time_us;
            return;
        }
    }
    l->refusals[l->next] = refused;
    l->next = (l->next + 1) % PROBE_GUESSES_KEPT;
}
