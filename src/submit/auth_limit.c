#include "submit/auth_limit.h"

#include <sodium/crypto_shorthash.h>
#include <stdlib.h>

_Static_assert(crypto_shorthash_KEYBYTES == SUBMIT_AUTH_HASH_KEY_BYTES, "the key of SipHash");

enum { SETS = 1024, WAYS = 8 };

/* `until_us` is the moment at which the debt is paid (for a known pair: when it last worked). */
struct entry {
    uint64_t key; /* 0: free */
    uint64_t until_us;
};

struct table {
    struct entry entries[SETS][WAYS];
};

struct submit_auth_limit {
    struct submit_auth_limits limits;
    uint8_t hash_key[SUBMIT_AUTH_HASH_KEY_BYTES];
    struct table addresses;
    struct table accounts;
    struct table pairs; /* debts of known pairs */
    struct table known;
};

struct keys {
    uint64_t address;
    uint64_t account;
    uint64_t pair;
};

struct submit_auth_limit *
submit_auth_limit_new(const struct submit_auth_limits *limits,
                      const uint8_t hash_key[static SUBMIT_AUTH_HASH_KEY_BYTES])
{
    struct submit_auth_limit *l = base_allocate(sizeof(*l));

    l->limits = *limits;
    memcpy(l->hash_key, hash_key, sizeof(l->hash_key));
    return l;
}

void submit_auth_limit_free(struct submit_auth_limit *l)
{
    free(l);
}

static uint64_t hash(const struct submit_auth_limit *l, const void *bytes, size_t size)
{
    uint64_t value;

    crypto_shorthash((unsigned char *)&value, bytes, size, l->hash_key);
    return value ? value : 1;
}

/* An IPv6 customer has a /64 at least: all of it is one party. */
static struct keys keys_of(const struct submit_auth_limit *l, const struct endpoint *address,
                           struct slice user)
{
    uint8_t party[9] = {address->family};
    uint64_t pair[2];
    struct keys keys;

    memcpy(party + 1, address->address, address->family == 6 ? 8 : 4);
    keys.address = hash(l, party, sizeof(party));
    keys.account = hash(l, user.data, user.size);
    pair[0] = keys.address;
    pair[1] = keys.account;
    keys.pair = hash(l, pair, sizeof(pair));
    return keys;
}

static struct entry *set_of(struct table *table, uint64_t key)
{
    return table->entries[key % SETS];
}

static uint64_t until_of(const struct table *table, uint64_t key)
{
    const struct entry *set = table->entries[key % SETS];

    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return set[i].until_us;
    }
    return 0;
}

/* The key's entry, or the place of the smallest one in its set, made free. */
static struct entry *claim(struct table *table, uint64_t key)
{
    struct entry *set = set_of(table, key);
    struct entry *smallest = &set[0];

    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].until_us < smallest->until_us)
            smallest = &set[i];
    }
    *smallest = (struct entry){.key = key};
    return smallest;
}

static bool closed(const struct submit_auth_limit *l, const struct table *table, uint64_t key,
                   uint64_t now_us, unsigned max)
{
    uint64_t until_us = until_of(table, key);

    return until_us > now_us && until_us - now_us > (max - 1) * l->limits.failure_cost_us;
}

/* More than one failure past the bound makes no more debt: so a party that has stopped is let in
 * again soon, and one that goes on has one try for each failure_cost_us. */
static void add_debt(const struct submit_auth_limit *l, struct table *table, uint64_t key,
                     uint64_t now_us, unsigned max)
{
    struct entry *entry = claim(table, key);
    uint64_t most_us = now_us + max * l->limits.failure_cost_us;

    if (entry->until_us < now_us)
        entry->until_us = now_us;
    entry->until_us += l->limits.failure_cost_us;
    if (entry->until_us > most_us)
        entry->until_us = most_us;
}

bool submit_auth_limit_allows(const struct submit_auth_limit *l, uint64_t now_us,
                              const struct endpoint *address, struct slice user)
{
    struct keys keys = keys_of(l, address, user);

    if (until_of(&l->known, keys.pair))
        return !closed(l, &l->pairs, keys.pair, now_us, l->limits.per_known_pair_max);
    return !closed(l, &l->addresses, keys.address, now_us, l->limits.per_address_max) &&
           !closed(l, &l->accounts, keys.account, now_us, l->limits.per_account_max);
}

void submit_auth_limit_failed(struct submit_auth_limit *l, uint64_t now_us,
                              const struct endpoint *address, struct slice user)
{
    struct keys keys = keys_of(l, address, user);

    if (until_of(&l->known, keys.pair)) {
        add_debt(l, &l->pairs, keys.pair, now_us, l->limits.per_known_pair_max);
        return;
    }
    add_debt(l, &l->addresses, keys.address, now_us, l->limits.per_address_max);
    add_debt(l, &l->accounts, keys.account, now_us, l->limits.per_account_max);
}

void submit_auth_limit_passed(struct submit_auth_limit *l, uint64_t now_us,
                              const struct endpoint *address, struct slice user)
{
    struct keys keys = keys_of(l, address, user);

    claim(&l->known, keys.pair)->until_us = now_us ? now_us : 1;
    claim(&l->pairs, keys.pair)->until_us = 0;
}
