#include "deliver/transport.h"

#include "wire/ipc.h"

#include <stdlib.h>

enum { STS_DOMAINS_MAX = 20000, STS_BYTES_MAX = 16 << 20 };

struct transport {
    struct sts_cache *sts;
    struct dane_proof dane;
};

static int ask_steward(struct task *t, void *context, struct slice question, struct buffer *answer)
{
    return peer_call(t, context, IPC_STS_ASK, question, answer);
}

struct transport *transport_new(const struct transport_options *options, struct peer *steward)
{
    struct transport *tp = base_allocate(sizeof *tp);
    const struct sts_cache_options sts = {.ask = ask_steward,
                                          .context = steward,
                                          .domains_max = STS_DOMAINS_MAX,
                                          .bytes_max = STS_BYTES_MAX};

    tp->sts = sts_cache_new(&sts);
    dane_proof_init(&tp->dane, options->dane_signed_name, options->dane_bogus_name,
                    options->dane_off);
    return tp;
}

void transport_free(struct transport *tp)
{
    if (!tp)
        return;
    sts_cache_free(tp->sts);
    free(tp);
}

int transport_start(struct transport *tp, struct scope *scope)
{
    return tp->dane.state == DANE_OFF ? 0 : scope_spawn(scope, "dane", dane_proof_main, &tp->dane);
}

struct tls_policy transport_policy(const struct transport *tp)
{
    return (struct tls_policy){.sts = tp->sts, .dane = &tp->dane.proved};
}

void transport_status_write(const struct transport *tp, struct buffer *body)
{
    dane_proof_write(body, &tp->dane);
}
