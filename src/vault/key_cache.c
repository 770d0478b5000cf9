#include "vault/key_cache.h"

#include "base/list.h"

#include <sodium.h>
#include <stdlib.h>

enum { TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES };

struct entry {
    struct list bucket;
    struct list recency;
    struct vault_key *key;
    struct buffer name; /* binding and blob */
};

struct vault_key_cache {
    const struct vault_seal *seal;
    size_t capacity, count;
    struct list recency; /* the least recently used first */
    struct list *buckets;
    size_t bucket_count; /* a power of two */
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    struct buffer wanted; /* the name that is looked for */
    struct secret room;   /* where a blob is opened */
};

struct vault_key_cache *vault_key_cache_new(const struct vault_seal *seal, size_t capacity)
{
    struct vault_key_cache *cache = base_allocate(sizeof *cache);

    cache->seal = seal;
    cache->capacity = capacity;
    for (cache->bucket_count = 1; cache->bucket_count < capacity; cache->bucket_count *= 2)
        ;
    cache->buckets = base_allocate(cache->bucket_count * sizeof *cache->buckets);
    for (size_t i = 0; i < cache->bucket_count; i++)
        list_init(&cache->buckets[i]);
    list_init(&cache->recency);
    crypto_shorthash_keygen(cache->hash_key);
    secret_init(&cache->room, VAULT_SEALED_BYTES_MAX);
    return cache;
}

static void drop(struct vault_key_cache *cache, struct entry *entry)
{
    list_remove(&entry->bucket);
    list_remove(&entry->recency);
    vault_key_free(entry->key);
    buffer_done(&entry->name);
    free(entry);
    cache->count--;
}

static struct entry *oldest(struct vault_key_cache *cache)
{
    return LIST_FIRST(&cache->recency, struct entry, recency);
}

void vault_key_cache_free(struct vault_key_cache *cache)
{
    if (!cache)
        return;
    while (!list_empty(&cache->recency))
        drop(cache, oldest(cache));
    buffer_done(&cache->wanted);
    secret_done(&cache->room);
    free(cache->buckets);
    free(cache);
}

size_t vault_key_cache_count(const struct vault_key_cache *cache)
{
    return cache->count;
}

/* A blob ends in its authentication tag, which tells it from all others. The hash is keyed, and
 * only blobs that open are kept: nobody can make them all meet in one bucket. */
static struct list *bucket_of(const struct vault_key_cache *cache, struct slice name)
{
    struct slice tag =
        slice_part(name, name.size < TAG_BYTES ? 0 : name.size - TAG_BYTES, TAG_BYTES);
    unsigned char hash[crypto_shorthash_BYTES];
    size_t index;

    crypto_shorthash(hash, (const unsigned char *)tag.data, tag.size, cache->hash_key);
    memcpy(&index, hash, sizeof index);
    return &cache->buckets[index & (cache->bucket_count - 1)];
}

static struct entry *find(struct list *bucket, struct slice name)
{
    LIST_FOREACH (link, bucket) {
        struct entry *entry = LIST_ENTRY(link, struct entry, bucket);

        if (slice_equal(buffer_slice(&entry->name), name))
            return entry;
    }
    return NULL;
}

static int open_sealed(struct vault_key_cache *cache, const struct vault_key_binding *binding,
                       struct slice sealed, struct vault_key **ret)
{
    struct slice bound =
        slice_part(buffer_slice(&cache->wanted), 0, cache->wanted.size - sealed.size);
    struct slice plain;
    int r = vault_seal_open(cache->seal, VAULT_USE_KEY, bound, sealed, &cache->room, &plain);

    if (r < 0)
        return r;
    r = vault_key_open(binding->algorithm, plain, ret);
    secret_wipe(cache->room.data, plain.size);
    return r;
}

static void insert(struct vault_key_cache *cache, struct list *bucket, struct vault_key *key)
{
    struct entry *entry = base_allocate(sizeof *entry);

    entry->key = key;
    buffer_add(&entry->name, buffer_slice(&cache->wanted));
    list_add_first(bucket, &entry->bucket);
    list_add_last(&cache->recency, &entry->recency);
    cache->count++;
    if (cache->count > cache->capacity)
        drop(cache, oldest(cache));
}

int vault_key_cache_get(struct vault_key_cache *cache, const struct vault_key_binding *binding,
                        struct slice sealed, struct vault_key **ret)
{
    struct list *bucket;
    struct entry *entry;
    struct vault_key *key;
    int r;

    cache->wanted.size = 0;
    vault_key_binding_write(&cache->wanted, binding);
    buffer_add(&cache->wanted, sealed);
    bucket = bucket_of(cache, buffer_slice(&cache->wanted));
    entry = find(bucket, buffer_slice(&cache->wanted));
    if (entry) {
        list_remove(&entry->recency);
        list_add_last(&cache->recency, &entry->recency);
        *ret = entry->key;
        return 0;
    }
    r = open_sealed(cache, binding, sealed, &key);
    if (r < 0)
        return r;
    insert(cache, bucket, key);
    *ret = key;
    return 0;
}
