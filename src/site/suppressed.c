#include "site/suppressed.h"

#include "base/limits.h"

#include <sodium/crypto_shorthash_siphash24.h>
#include <stdlib.h>

#define uthash_fatal(message) abort()
#include <uthash.h>

_Static_assert((int)SUPPRESSED_HASH_BYTES == crypto_shorthash_siphashx24_BYTES, "a hash's size");
_Static_assert((int)SUPPRESSED_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "a key's size");

enum { SLOTS_MIN = 16 };

struct hash {
    uint64_t words[2]; /* both zero: an empty slot */
};

/* Open addressing: a hash lies in the first free slot from its own place on. */
struct set {
    uint64_t site_id;
    uint64_t generation; /* the push that it was last seen in */
    unsigned char key[SUPPRESSED_KEY_BYTES];
    struct hash *slots;
    size_t slot_count; /* a power of two */
    size_t count;
    UT_hash_handle by_site;
};

struct suppressed {
    struct set *sets;
    uint64_t generation;
};

/* --- a set --- */

static bool is_empty(const struct hash *hash)
{
    return hash->words[0] == 0 && hash->words[1] == 0;
}

static bool equal(const struct hash *a, const struct hash *b)
{
    return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* The slot that has it, or the one that it would go to. */
static size_t find_slot(const struct set *set, const struct hash *hash)
{
    size_t i = hash->words[0] & (set->slot_count - 1);

    while (!is_empty(&set->slots[i]) && !equal(&set->slots[i], hash))
        i = (i + 1) & (set->slot_count - 1);
    return i;
}

static bool set_has(const struct set *set, const struct hash *hash)
{
    return set->slot_count && !is_empty(&set->slots[find_slot(set, hash)]);
}

static void set_resize(struct set *set, size_t slot_count)
{
    struct set before = *set;

    set->slots = base_allocate(slot_count * sizeof *set->slots);
    set->slot_count = slot_count;
    for (size_t i = 0; i < before.slot_count; i++)
        if (!is_empty(&before.slots[i]))
            set->slots[find_slot(set, &before.slots[i])] = before.slots[i];
    free(before.slots);
}

static void set_add(struct set *set, const struct hash *hash)
{
    size_t i;

    if ((set->count + 1) * 4 > set->slot_count * 3)
        set_resize(set, set->slot_count ? set->slot_count * 2 : SLOTS_MIN);
    i = find_slot(set, hash);
    if (!is_empty(&set->slots[i]))
        return;
    set->slots[i] = *hash;
    set->count++;
}

/* What lies behind it may have been pushed there by it: all up to the next gap is put in anew. */
static void set_remove(struct set *set, const struct hash *hash)
{
    size_t i;

    if (!set_has(set, hash))
        return;
    i = find_slot(set, hash);
    set->slots[i] = (struct hash){{0, 0}};
    set->count--;
    for (i = (i + 1) & (set->slot_count - 1); !is_empty(&set->slots[i]);
         i = (i + 1) & (set->slot_count - 1)) {
        struct hash moved = set->slots[i];

        set->slots[i] = (struct hash){{0, 0}};
        set->slots[find_slot(set, &moved)] = moved;
    }
}

/* --- all of them --- */

struct suppressed *suppressed_new(void)
{
    return base_allocate(sizeof(struct suppressed));
}

static void set_free(struct suppressed *s, struct set *set)
{
    HASH_DELETE(by_site, s->sets, set);
    free(set->slots);
    free(set);
}

void suppressed_free(struct suppressed *s)
{
    struct set *set, *next;

    if (!s)
        return;
    HASH_ITER (by_site, s->sets, set, next) {
        set_free(s, set);
    }
    free(s);
}

static struct set *set_of(const struct suppressed *s, uint64_t site_id)
{
    struct set *set;

    HASH_FIND(by_site, s->sets, &site_id, sizeof site_id, set);
    return set;
}

static struct set *set_need(struct suppressed *s, uint64_t site_id)
{
    struct set *set = set_of(s, site_id);

    if (set)
        return set;
    set = base_allocate(sizeof *set);
    set->site_id = site_id;
    HASH_ADD(by_site, s->sets, site_id, sizeof set->site_id, set);
    return set;
}

void suppressed_begin(struct suppressed *s)
{
    s->generation++;
}

void suppressed_end(struct suppressed *s)
{
    struct set *set, *next;

    HASH_ITER (by_site, s->sets, set, next) {
        if (set->generation != s->generation)
            set_free(s, set);
    }
}

void suppressed_forget(struct suppressed *s, uint64_t site_id)
{
    struct set *set = set_of(s, site_id);

    if (set)
        set_free(s, set);
}

/* No address hashes to what an empty slot has. */
static struct hash hash_read(const unsigned char bytes[static SUPPRESSED_HASH_BYTES])
{
    struct hash hash;

    memcpy(&hash, bytes, sizeof hash);
    if (is_empty(&hash))
        hash.words[1] = 1;
    return hash;
}

void suppressed_hash(const unsigned char key[static SUPPRESSED_KEY_BYTES], struct slice address,
                     unsigned char out[static SUPPRESSED_HASH_BYTES])
{
    crypto_shorthash_siphashx24(out, (const unsigned char *)address.data, address.size, key);
}

bool suppressed_has(const struct suppressed *s, uint64_t site_id, struct slice address)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct set *set = set_of(s, site_id);
    unsigned char bytes[SUPPRESSED_HASH_BYTES];
    struct hash hash;

    if (!set || !set->count)
        return false;
    suppressed_hash(set->key, arena_copy_lower(&arena, address), bytes);
    hash = hash_read(bytes);
    return set_has(set, &hash);
}

/* --- frames --- */

void suppressed_frame_write(struct buffer *body, uint64_t site_id,
                            const unsigned char key[static SUPPRESSED_KEY_BYTES],
                            enum suppressed_change change)
{
    buffer_add_u64(body, site_id);
    buffer_add(body, slice_of(key, SUPPRESSED_KEY_BYTES));
    buffer_add_u8(body, (uint8_t)change);
}

static void begin_whole(struct set *set)
{
    free(set->slots);
    set->slots = NULL;
    set->slot_count = set->count = 0;
}

static void apply_hashes(struct set *set, enum suppressed_change change, struct slice hashes)
{
    for (size_t at = 0; at < hashes.size; at += SUPPRESSED_HASH_BYTES) {
        struct hash hash = hash_read((const unsigned char *)hashes.data + at);

        if (change == SUPPRESSED_REMOVE)
            set_remove(set, &hash);
        else
            set_add(set, &hash);
    }
}

int suppressed_apply(struct suppressed *s, struct slice body)
{
    struct cursor c = cursor_of(body);
    uint64_t site_id = cursor_u64(&c);
    struct slice key = cursor_bytes(&c, SUPPRESSED_KEY_BYTES);
    uint8_t change = cursor_u8(&c);
    struct slice hashes = cursor_bytes(&c, c.rest.size);
    size_t count = hashes.size / SUPPRESSED_HASH_BYTES;
    struct set *set;

    if (c.failed || change < SUPPRESSED_WHOLE || change > SUPPRESSED_REMOVE ||
        hashes.size % SUPPRESSED_HASH_BYTES || count > SUPPRESSED_HASHES_MAX)
        return -EBADMSG;
    set = set_of(s, site_id);
    if (set && change != SUPPRESSED_WHOLE && memcmp(set->key, key.data, key.size) != 0)
        return -ESTALE;
    if (set && change == SUPPRESSED_ADD && set->count + count > LIMIT_SUPPRESSIONS)
        return -EBADMSG;
    if (!set && change == SUPPRESSED_REMOVE)
        return 0;
    set = set_need(s, site_id);
    set->generation = s->generation;
    if (change == SUPPRESSED_WHOLE)
        begin_whole(set);
    memcpy(set->key, key.data, sizeof set->key);
    apply_hashes(set, (enum suppressed_change)change, hashes);
    return 0;
}
