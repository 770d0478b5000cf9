/* The keys that return paths are signed with (wire/return_path.h): the same in all gateways, a new
 * one every RETURN_KEY_PERIOD_DAYS, in no table and no file. The vault derives them from the master
 * key; the steward asks for those of this period and of the one before, and pushes them to the
 * gateways as it does the directory. What is replaced is wiped. */
#ifndef LETTERHEAD_SITE_RETURN_KEYS_H
#define LETTERHEAD_SITE_RETURN_KEYS_H

#include "base/secret.h"
#include "runtime/peer_group.h"
#include "wire/return_path.h"

enum { RETURN_KEY_PERIOD_DAYS = 90 };

/* Of a moment (Unix time), and what stands for it in a return path: 1 to 255. */
uint32_t return_key_period(int64_t now_us);
uint8_t return_key_version(uint32_t period);

/* Zeroed memory has none. */
struct return_keys {
    uint32_t period;
    struct return_path_keys keys; /* point into `bytes` */
    struct secret bytes;
};

bool return_keys_known(const struct return_keys *k);
/* Both keys, RETURN_PATH_KEY_BYTES each. */
void return_keys_set(struct return_keys *k, uint32_t period, struct slice current,
                     struct slice previous);
/* Wipes; for CLEANUP. */
void return_keys_done(struct return_keys *k);

/* The body of IPC_RETURN_KEYS, which is secret. -EBADMSG: it is none, and nothing was changed. */
void return_keys_write(struct buffer *body, const struct return_keys *k);
MUST_CHECK int return_keys_apply(struct return_keys *k, struct slice body);

/* --- The steward's side. --- */

struct return_keeper {
    struct return_keys keys;
    struct peer *vault;
    const struct peer_group *gateways;
};

/* Keeps the keys those of the present, and the gateways told. Runs until cancelled. */
MUST_CHECK int return_keeper_run(struct task *t, struct return_keeper *k);
/* A gateway has started: it gets them, as soon as they are known. */
void return_keeper_greet(struct task *t, const struct return_keeper *k,
                         const struct peer_member *gateway);

#endif
