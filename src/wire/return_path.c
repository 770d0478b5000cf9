#include "wire/return_path.h"

#include "base/limits.h"
#include "base/secret.h"
#include "wire/base32.h"
#include "wire/dkim_hash.h"

enum {
    ID_TIME_BYTES = 6,
    SIGNED_BYTES = 1 + ID_TIME_BYTES + 16 + 2 + 2,
    MAC_BYTES = 12,
    PATH_BYTES = SIGNED_BYTES + MAC_BYTES,
    HASH_BLOCK_BYTES = 64, /* of SHA-256 */
};
_Static_assert((PATH_BYTES * 8 + 4) / 5 == RETURN_PATH_CHARACTERS, "length of a local part");
_Static_assert((int)RETURN_PATH_CHARACTERS <= (int)LIMIT_LOCAL_PART_BYTES, "RFC 5321 §4.5.3.1.1");
_Static_assert((int)LIMIT_RECIPIENTS <= UINT16_MAX, "every recipient has a number");

static const int64_t DAY_US = 86400 * (int64_t)1000000;

static uint16_t day_of(int64_t time_us)
{
    int64_t day = time_us < 0 ? 0 : time_us / DAY_US;

    return day > UINT16_MAX ? UINT16_MAX : (uint16_t)day;
}

uint16_t return_path_last_day(int64_t expires_us)
{
    return day_of(expires_us + LIMIT_RETURN_PATH_DAYS * DAY_US);
}

/* One of the two hashes of RFC 2104 §2: of the padded key and what follows. */
static void hash_with_key(const struct return_path_key *key, uint8_t pad, struct slice bytes,
                          uint8_t ret[static WIRE_DKIM_HASH_BYTES])
{
    uint8_t block[HASH_BLOCK_BYTES + WIRE_DKIM_HASH_BYTES];

    assert(key->bytes.size == RETURN_PATH_KEY_BYTES && bytes.size <= WIRE_DKIM_HASH_BYTES);
    memset(block, pad, HASH_BLOCK_BYTES);
    for (size_t i = 0; i < RETURN_PATH_KEY_BYTES; i++)
        block[i] ^= (uint8_t)key->bytes.data[i];
    memcpy(block + HASH_BLOCK_BYTES, bytes.data, bytes.size);
    wire_dkim_hash(slice_of(block, HASH_BLOCK_BYTES + bytes.size), ret);
    secret_wipe(block, sizeof block);
}

static void authenticate(const struct return_path_key *key, const uint8_t path[static SIGNED_BYTES],
                         uint8_t ret[static WIRE_DKIM_HASH_BYTES])
{
    uint8_t inner[WIRE_DKIM_HASH_BYTES];

    hash_with_key(key, 0x36, slice_of(path, SIGNED_BYTES), inner);
    hash_with_key(key, 0x5c, slice_of(inner, sizeof inner), ret);
}

void return_path_write(struct buffer *b, const struct return_path_key *key,
                       const struct return_path *path)
{
    uint8_t bytes[PATH_BYTES], mac[WIRE_DKIM_HASH_BYTES], *at = bytes;

    assert(key->version && path->id.ms >> 48 == 0);
    *at++ = key->version;
    for (int shift = 40; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(path->id.ms >> shift);
    memcpy(at, path->id.uuid, sizeof path->id.uuid);
    at += sizeof path->id.uuid;
    *at++ = (uint8_t)(path->recipient >> 8);
    *at++ = (uint8_t)path->recipient;
    *at++ = (uint8_t)(path->last_day >> 8);
    *at++ = (uint8_t)path->last_day;
    authenticate(key, bytes, mac);
    memcpy(at, mac, MAC_BYTES);
    wire_base32_encode(b, slice_of(bytes, sizeof bytes));
}

static int decode(struct slice local_part, uint8_t ret[static PATH_BYTES])
{
    size_t size;

    if (local_part.size != RETURN_PATH_CHARACTERS)
        return -EINVAL;
    return wire_base32_decode(local_part, ret, PATH_BYTES, &size) < 0 ? -EINVAL : 0;
}

static struct return_path path_of(const uint8_t bytes[static PATH_BYTES])
{
    struct cursor c = cursor_of(slice_of(bytes, PATH_BYTES));
    struct return_path path = {.recipient = 0};

    (void)cursor_u8(&c); /* the version */
    for (int i = 0; i < ID_TIME_BYTES; i++)
        path.id.ms = path.id.ms << 8 | cursor_u8(&c);
    memcpy(path.id.uuid, cursor_bytes(&c, sizeof path.id.uuid).data, sizeof path.id.uuid);
    path.recipient = cursor_u16(&c);
    path.last_day = cursor_u16(&c);
    return path;
}

static const struct return_path_key *find_key(const struct return_path_keys *keys, uint8_t version)
{
    if (!version)
        return NULL;
    if (keys->current.version == version)
        return &keys->current;
    return keys->previous.version == version ? &keys->previous : NULL;
}

int return_path_parse(struct slice local_part, struct return_path *ret)
{
    uint8_t bytes[PATH_BYTES];
    int r = decode(local_part, bytes);

    if (r == 0)
        *ret = path_of(bytes);
    return r;
}

int return_path_read(struct slice local_part, const struct return_path_keys *keys, int64_t now_us,
                     struct return_path *ret)
{
    uint8_t bytes[PATH_BYTES], mac[WIRE_DKIM_HASH_BYTES];
    const struct return_path_key *key;
    struct return_path path;
    int r = decode(local_part, bytes);

    if (r < 0)
        return r;
    key = find_key(keys, bytes[0]);
    if (!key)
        return -EACCES;
    authenticate(key, bytes, mac);
    if (!slice_equal_constant_time(slice_of(mac, MAC_BYTES),
                                   slice_of(bytes + SIGNED_BYTES, MAC_BYTES)))
        return -EACCES;
    path = path_of(bytes);
    if (day_of(now_us) > path.last_day)
        return -ETIME;
    *ret = path;
    return 0;
}
