#include "base/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t hash_key[2];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void hash_key_make(void)
{
    ssize_t n = getrandom(hash_key, sizeof(hash_key), 0);

    assert(n == sizeof(hash_key));
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

uint64_t table_hash(struct slice key)
{
    uint64_t v[4], word = 0;
    size_t at = 0;

    pthread_once(&hash_key_once, hash_key_make);
    v[0] = hash_key[0] ^ 0x736f6d6570736575;
    v[1] = hash_key[1] ^ 0x646f72616e646f6d;
    v[2] = hash_key[0] ^ 0x6c7967656e657261;
    v[3] = hash_key[1] ^ 0x7465646279746573;
    for (; key.size - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, key.data + at, sizeof(word));
        sip_word(v, word);
    }
    word = (uint64_t)key.size << 56;
    for (size_t i = 0; at + i < key.size; i++)
        word |= (uint64_t)(unsigned char)key.data[at + i] << (8 * i);
    sip_word(v, word);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void table_done(struct table *t)
{
    free(t->slots);
    *t = (struct table){NULL, 0, 0};
}

static struct table_item **slot_of(const struct table *t, uint64_t hash)
{
    return &t->slots[hash & (t->slot_count - 1)];
}

static void grow(struct table *t)
{
    struct table larger = {NULL, t->slot_count ? t->slot_count * 2 : 16, t->count};

    larger.slots = base_allocate(larger.slot_count * sizeof(*larger.slots));
    for (size_t i = 0; i < t->slot_count; i++) {
        while (t->slots[i]) {
            struct table_item *item = t->slots[i], **slot = slot_of(&larger, item->hash);

            t->slots[i] = item->next;
            item->next = *slot;
            *slot = item;
        }
    }
    table_done(t);
    *t = larger;
}

void table_add(struct table *t, struct table_item *item, uint64_t hash)
{
    struct table_item **slot;

    if (t->count >= t->slot_count)
        grow(t);
    slot = slot_of(t, hash);
    item->hash = hash;
    item->next = *slot;
    *slot = item;
    t->count++;
}

void table_remove(struct table *t, struct table_item *item)
{
    struct table_item **at = slot_of(t, item->hash);

    while (*at != item) {
        assert(*at);
        at = &(*at)->next;
    }
    *at = item->next;
    item->next = NULL;
    t->count--;
}

struct table_item *table_find(const struct table *t, uint64_t hash)
{
    struct table_item *item = t->slot_count ? *slot_of(t, hash) : NULL;

    while (item && item->hash != hash)
        item = item->next;
    return item;
}

struct table_item *table_find_more(const struct table_item *item)
{
    struct table_item *more = item->next;

    while (more && more->hash != item->hash)
        more = more->next;
    return more;
}
