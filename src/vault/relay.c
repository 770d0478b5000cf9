#include "vault/relay.h"

#include <openssl/hmac.h>
#include <sodium.h>

enum { MD5_BYTES = 16 };

const char *vault_mechanism_name(enum vault_mechanism mechanism)
{
    static const char *const names[] = {"", "CRAM-MD5", "LOGIN", "PLAIN"};

    return names[mechanism];
}

static int respond_cram_md5(struct slice user, struct slice password, struct slice challenge,
                            struct secret *ret_response)
{
    unsigned char digest[MD5_BYTES];
    struct secret response;
    char *at;

    if (!HMAC(EVP_md5(), password.data, (int)password.size, (const unsigned char *)challenge.data,
              challenge.size, digest, NULL))
        return -EIO;
    secret_init(&response, user.size + 1 + 2 * MD5_BYTES + 1);
    memcpy(response.data, user.data, user.size);
    at = response.data + user.size;
    *at++ = ' ';
    sodium_bin2hex(at, 2 * MD5_BYTES + 1, digest, sizeof digest);
    response.size--; /* the NUL */
    *ret_response = response;
    return 0;
}

static int respond_plain(struct slice user, struct slice password, struct secret *ret_response)
{
    char *at;

    secret_init(ret_response, 1 + user.size + 1 + password.size);
    at = ret_response->data + 1; /* nobody else's name to act in */
    memcpy(at, user.data, user.size);
    at += user.size + 1;
    memcpy(at, password.data, password.size);
    return 0;
}

/* What a mechanism cannot carry. */
static bool is_sayable(struct slice text)
{
    return text.size > 0 && slice_find(text, '\0') < 0;
}

int vault_relay_respond(enum vault_mechanism mechanism, struct slice user, struct slice password,
                        struct slice challenge, struct secret *ret_response)
{
    if (!is_sayable(user) || !is_sayable(password))
        return -EINVAL;
    switch (mechanism) {
    case VAULT_CRAM_MD5:
        return respond_cram_md5(user, password, challenge, ret_response);
    case VAULT_LOGIN:
        secret_copy(ret_response, password);
        return 0;
    case VAULT_PLAIN:
        return respond_plain(user, password, ret_response);
    }
    return -EINVAL;
}
