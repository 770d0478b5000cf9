#include "vault/seal.h"

#include <sodium.h>

enum {
    FORMAT = 1,
    KEY_ID_BYTES = 8,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    HEADER_BYTES = 2 + KEY_ID_BYTES, /* what is authenticated besides the binding */
};
_Static_assert(HEADER_BYTES + NONCE_BYTES + TAG_BYTES == VAULT_SEAL_OVERHEAD_BYTES, "blob layout");
_Static_assert(VAULT_MASTER_KEY_BYTES == crypto_kdf_KEYBYTES, "master key");

/* Numbers of the keys derived from the master key; never reused for anything else. */
enum { DERIVED_AEAD_KEY = 1, DERIVED_KEY_ID = 2, DERIVED_RETURN_ROOT = 3 };
static const char derivation_context[crypto_kdf_CONTEXTBYTES] = {'L', 'H', 's', 'e',
                                                                 'a', 'l', 'e', 'd'};
/* Of the keys derived from the return paths' root; their numbers are the periods. */
static const char return_context[crypto_kdf_CONTEXTBYTES] = {'L', 'H', 'r', 'e',
                                                             't', 'u', 'r', 'n'};
_Static_assert(VAULT_RETURN_PATH_KEY_BYTES >= crypto_kdf_BYTES_MIN, "return path key");

struct vault_seal {
    struct secret aead_key;
    struct secret return_root;
    unsigned char key_id[KEY_ID_BYTES];
};

/* Whatever an editor or a shell leaves at the end of a line does not belong to the key. */
static int decode_base64(struct slice text, unsigned char master[static VAULT_MASTER_KEY_BYTES])
{
    size_t size;

    text = slice_trim(text);
    if (sodium_base642bin(master, VAULT_MASTER_KEY_BYTES, text.data, text.size, NULL, &size, NULL,
                          sodium_base64_VARIANT_ORIGINAL) < 0)
        return -EINVAL;
    return size == VAULT_MASTER_KEY_BYTES ? 0 : -EINVAL;
}

static int read_master_key(struct slice file, unsigned char master[static VAULT_MASTER_KEY_BYTES])
{
    if (file.size != VAULT_MASTER_KEY_BYTES)
        return decode_base64(file, master);
    memcpy(master, file.data, VAULT_MASTER_KEY_BYTES);
    return 0;
}

static struct vault_seal *derive(const unsigned char *master)
{
    struct vault_seal *seal = base_allocate(sizeof *seal);
    unsigned char id[crypto_kdf_BYTES_MIN];
    int r;

    secret_init(&seal->aead_key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    r = crypto_kdf_derive_from_key((unsigned char *)seal->aead_key.data, seal->aead_key.size,
                                   DERIVED_AEAD_KEY, derivation_context, master);
    assert(r == 0);
    secret_init(&seal->return_root, crypto_kdf_KEYBYTES);
    r = crypto_kdf_derive_from_key((unsigned char *)seal->return_root.data, seal->return_root.size,
                                   DERIVED_RETURN_ROOT, derivation_context, master);
    assert(r == 0);
    r = crypto_kdf_derive_from_key(id, sizeof id, DERIVED_KEY_ID, derivation_context, master);
    assert(r == 0);
    memcpy(seal->key_id, id, sizeof seal->key_id);
    return seal;
}

int vault_seal_new(struct slice file, struct vault_seal **ret)
{
    CLEANUP(secret_done) struct secret master = SECRET_NONE;
    int r;

    if (sodium_init() < 0)
        return -EIO;
    secret_init(&master, VAULT_MASTER_KEY_BYTES);
    r = read_master_key(file, (unsigned char *)master.data);
    if (r < 0)
        return r;
    *ret = derive((const unsigned char *)master.data);
    return 0;
}

void vault_seal_free(struct vault_seal *seal)
{
    if (!seal)
        return;
    secret_done(&seal->aead_key);
    secret_done(&seal->return_root);
    base_free_pointer(&seal);
}

void vault_seal_free_pointer(struct vault_seal **seal)
{
    vault_seal_free(*seal);
}

void vault_seal_return_key(const struct vault_seal *seal, uint32_t period,
                           unsigned char ret[static VAULT_RETURN_PATH_KEY_BYTES])
{
    int r = crypto_kdf_derive_from_key(ret, VAULT_RETURN_PATH_KEY_BYTES, period, return_context,
                                       (const unsigned char *)seal->return_root.data);

    assert(r == 0);
}

static void write_header(struct buffer *b, const struct vault_seal *seal, enum vault_use use)
{
    buffer_add_u8(b, FORMAT);
    buffer_add_u8(b, (uint8_t)use);
    buffer_add(b, slice_of(seal->key_id, KEY_ID_BYTES));
}

void vault_seal_close(const struct vault_seal *seal, enum vault_use use, struct slice binding,
                      struct slice plain, struct buffer *ret_sealed)
{
    CLEANUP(buffer_done) struct buffer bound = BUFFER_NONE;
    unsigned char nonce[NONCE_BYTES];
    int r;

    write_header(&bound, seal, use);
    buffer_add(&bound, binding);
    randombytes_buf(nonce, sizeof nonce);
    write_header(ret_sealed, seal, use);
    buffer_add(ret_sealed, slice_of(nonce, sizeof nonce));
    r = crypto_aead_xchacha20poly1305_ietf_encrypt(
        (unsigned char *)buffer_reserve(ret_sealed, plain.size + TAG_BYTES), NULL,
        (const unsigned char *)plain.data, plain.size, (const unsigned char *)bound.data,
        bound.size, NULL, nonce, (const unsigned char *)seal->aead_key.data);
    assert(r == 0);
    ret_sealed->size += plain.size + TAG_BYTES;
}

/* Says what the header says before the cipher is asked, so that an old master key gets its own
 * error. */
static int check_header(const struct vault_seal *seal, enum vault_use use, struct slice sealed)
{
    struct cursor c = cursor_of(sealed);
    uint8_t format = cursor_u8(&c), sealed_use = cursor_u8(&c);
    struct slice key_id = cursor_bytes(&c, KEY_ID_BYTES);

    if (sealed.size < VAULT_SEAL_OVERHEAD_BYTES || format != FORMAT || sealed_use != use)
        return -EBADMSG;
    if (!slice_equal(key_id, slice_of(seal->key_id, KEY_ID_BYTES)))
        return -ENOKEY;
    return 0;
}

int vault_seal_open(const struct vault_seal *seal, enum vault_use use, struct slice binding,
                    struct slice sealed, struct secret *room, struct slice *ret_plain)
{
    CLEANUP(buffer_done) struct buffer bound = BUFFER_NONE;
    struct slice nonce = slice_part(sealed, HEADER_BYTES, NONCE_BYTES);
    struct slice cipher = slice_part(sealed, HEADER_BYTES + NONCE_BYTES, sealed.size);
    int r = check_header(seal, use, sealed);

    if (r < 0)
        return r;
    if (cipher.size - TAG_BYTES > room->size)
        return -EBADMSG;
    buffer_add(&bound, slice_part(sealed, 0, HEADER_BYTES));
    buffer_add(&bound, binding);
    r = crypto_aead_xchacha20poly1305_ietf_decrypt(
        (unsigned char *)room->data, NULL, NULL, (const unsigned char *)cipher.data, cipher.size,
        (const unsigned char *)bound.data, bound.size, (const unsigned char *)nonce.data,
        (const unsigned char *)seal->aead_key.data);
    if (r < 0)
        return -EACCES;
    *ret_plain = slice_of(room->data, cipher.size - TAG_BYTES);
    return 0;
}
