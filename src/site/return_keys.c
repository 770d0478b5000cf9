#include "site/return_keys.h"

#include "base/limits.h"
#include "base/log.h"
#include "vault/client.h"
#include "wire/ipc.h"

enum { BODY_BYTES = 4 + 2 * RETURN_PATH_KEY_BYTES, QUEUE_LIFETIME_DAYS_MAX = 14 };
_Static_assert((int)VAULT_RETURN_PATH_KEY_BYTES == (int)RETURN_PATH_KEY_BYTES, "size of a key");
_Static_assert(QUEUE_LIFETIME_DAYS_MAX + LIMIT_RETURN_PATH_DAYS < RETURN_KEY_PERIOD_DAYS,
               "the key of the period before reads all that is still taken");

static const int64_t PERIOD_US = RETURN_KEY_PERIOD_DAYS * 86400 * (int64_t)1000000;
static const uint64_t LOOK_US = 600 * SECOND_US; /* at the clock, which may jump */
static const uint64_t RETRY_US = 10 * SECOND_US;
static const uint64_t TELL_US = 5 * SECOND_US; /* who is away is told when it is back */

uint32_t return_key_period(int64_t now_us)
{
    int64_t period = now_us / PERIOD_US;

    return period < 1 ? 1 : (uint32_t)period;
}

uint8_t return_key_version(uint32_t period)
{
    return (uint8_t)(period % UINT8_MAX + 1);
}

bool return_keys_known(const struct return_keys *k)
{
    return k->keys.current.version != 0;
}

void return_keys_set(struct return_keys *k, uint32_t period, struct slice current,
                     struct slice previous)
{
    struct secret bytes;

    assert(current.size == RETURN_PATH_KEY_BYTES && previous.size == RETURN_PATH_KEY_BYTES);
    secret_init(&bytes, 2 * RETURN_PATH_KEY_BYTES);
    memcpy(bytes.data, current.data, RETURN_PATH_KEY_BYTES);
    memcpy(bytes.data + RETURN_PATH_KEY_BYTES, previous.data, RETURN_PATH_KEY_BYTES);
    return_keys_done(k);
    k->bytes = bytes;
    k->period = period;
    k->keys.current = (struct return_path_key){return_key_version(period),
                                               slice_of(bytes.data, RETURN_PATH_KEY_BYTES)};
    k->keys.previous = (struct return_path_key){
        return_key_version(period - 1),
        slice_of(bytes.data + RETURN_PATH_KEY_BYTES, RETURN_PATH_KEY_BYTES)};
}

void return_keys_done(struct return_keys *k)
{
    secret_done(&k->bytes);
    *k = (struct return_keys){.bytes = SECRET_NONE};
}

void return_keys_write(struct buffer *body, const struct return_keys *k)
{
    buffer_reserve(body, BODY_BYTES); /* so that it does not move */
    buffer_add_u32(body, k->period);
    buffer_add(body, k->keys.current.bytes);
    buffer_add(body, k->keys.previous.bytes);
}

int return_keys_apply(struct return_keys *k, struct slice body)
{
    struct cursor c = cursor_of(body);
    uint32_t period = cursor_u32(&c);
    struct slice current = cursor_bytes(&c, RETURN_PATH_KEY_BYTES);
    struct slice previous = cursor_bytes(&c, RETURN_PATH_KEY_BYTES);

    if (cursor_done(&c) < 0 || period == 0)
        return -EBADMSG;
    return_keys_set(k, period, current, previous);
    return 0;
}

/* --- the steward's side --- */

static void wipe(struct buffer *b)
{
    secret_wipe(b->data, b->size);
    buffer_done(b);
}

static int ask_vault(struct task *t, struct return_keeper *k, uint32_t period)
{
    CLEANUP(secret_done) struct secret current = SECRET_NONE;
    CLEANUP(secret_done) struct secret previous = SECRET_NONE;
    int r = vault_return_key(t, k->vault, period, &current);

    if (r == 0)
        r = vault_return_key(t, k->vault, period - 1, &previous);
    if (r == 0)
        return_keys_set(&k->keys, period, secret_slice(&current), secret_slice(&previous));
    return r;
}

/* Who does not answer now says hello when it is there. */
static int tell_all(struct task *t, const struct return_keeper *k)
{
    CLEANUP(peer_answers_done) struct peer_answers answers;
    CLEANUP(wipe) struct buffer body = BUFFER_NONE;

    return_keys_write(&body, &k->keys);
    return peer_group_call(t, k->gateways, IPC_RETURN_KEYS, buffer_slice(&body), TELL_US, &answers);
}

static int renew(struct task *t, struct return_keeper *k, uint32_t period)
{
    int r = ask_vault(t, k, period);

    if (r == 0)
        return tell_all(t, k);
    if (r == -ECANCELED)
        return r;
    log_error("the vault did not give out the key for return paths (%s); it is asked again",
              strerror(-r));
    return task_sleep(t, RETRY_US);
}

int return_keeper_run(struct task *t, struct return_keeper *k)
{
    int r = 0;

    while (r == 0) {
        uint32_t period = return_key_period(task_wall_us(t));

        if (return_keys_known(&k->keys) && k->keys.period == period)
            r = task_sleep(t, LOOK_US);
        else
            r = renew(t, k, period);
    }
    return r;
}

void return_keeper_greet(struct task *t, const struct return_keeper *k,
                         const struct peer_member *gateway)
{
    CLEANUP(wipe) struct buffer body = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    int r;

    if (!return_keys_known(&k->keys)) /* all are told when they are */
        return;
    return_keys_write(&body, &k->keys);
    r = peer_call(t, gateway->peer, IPC_RETURN_KEYS, buffer_slice(&body), &reply);
    if (r < 0 && r != -ECANCELED)
        log_error("gateway %u did not take the keys of return paths: %s", gateway->number,
                  strerror(-r));
}
