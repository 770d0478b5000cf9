/* The sites of the simulated world, and a vault with their keys. */
#include "actors.h"
#include "vault/client.h"
#include "vault/service.h"
#include "wire/ipc.h"

#include <stdlib.h>

struct slice site_domain(unsigned site)
{
    static const struct slice domains[SCENARIO_SITES] = {
        {"site0.example", 13}, {"site1.example", 13}, {"site2.example", 13}};

    return domains[site];
}

struct slice site_access_key_id(unsigned site)
{
    static const struct slice ids[SCENARIO_SITES] = {
        {"LHKAAAAAAAAAAAAAAAAA", 20}, {"LHKABBBBBBBBBBBBBBBB", 20}, {"LHKACCCCCCCCCCCCCCCC", 20}};

    return ids[site];
}

int pause_for(struct task *t, struct scenario *s, uint64_t most_us)
{
    return task_sleep(t, chance_skewed(s->chance, most_us));
}

static void make_key(struct scenario_keys *keys, unsigned site)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, answer = BUFFER_NONE;
    const struct vault_key_request request = {.binding = {.site_id = site + 1,
                                                          .domain = site_domain(site),
                                                          .selector = SLICE("s1"),
                                                          .algorithm = VAULT_ED25519_SHA256}};
    struct vault_key_reply reply;

    vault_key_request_write(&body, &request);
    if (vault_worker_answer(keys->worker, VAULT_CALLER_STEWARD, IPC_VAULT_CREATE_KEY,
                            buffer_slice(&body), &answer) < 0 ||
        vault_key_reply_read(buffer_slice(&answer), &reply) < 0)
        abort();
    buffer_add(&keys->sealed[site], reply.sealed);
    buffer_add(&keys->public_keys[site], reply.public_key);
}

struct scenario_keys *scenario_keys_new(void)
{
    const struct vault_options options = {.master_key = SLICE("0123456789abcdef0123456789abcdef"),
                                          .region = SLICE("eu-west-1"),
                                          .site_signatures_per_minute_max = 1000000000};
    struct scenario_keys *keys = base_allocate(sizeof *keys);

    if (vault_new(&options, &keys->vault) < 0)
        abort();
    keys->worker = vault_worker_new(keys->vault);
    for (unsigned i = 0; i < SCENARIO_SITES; i++)
        make_key(keys, i);
    return keys;
}

void scenario_keys_free(struct scenario_keys *keys)
{
    for (unsigned i = 0; i < SCENARIO_SITES; i++) {
        buffer_done(&keys->sealed[i]);
        buffer_done(&keys->public_keys[i]);
    }
    vault_worker_free(keys->worker);
    vault_free(keys->vault);
    free(keys);
}
