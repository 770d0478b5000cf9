/* Signs a message with the code that signs mail, for the judges to look at.
 *
 *   dkim_sign_tool sign DOMAIN SELECTOR KEY.pem    a message (CR LF) from input, signed to output
 *   dkim_sign_tool record KEY.pem                  the key's record: text, zone form, RDATA in hex
 */
#include "base/arena.h"
#include "wire/dkim_key.h"
#include "wire/dkim_sign.h"
#include "wire/dns_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { FIELDS_MAX = 1000, SIGNATURE_BYTES_MAX = 1024, LIFE_S = 7 * 86400 };

static NORETURN void give_up(const char *what)
{
    fprintf(stderr, "dkim_sign_tool: %s\n", what);
    exit(2);
}

static void ensure(bool done, const char *what)
{
    if (!done)
        give_up(what);
}

static EVP_PKEY *read_key(const char *path)
{
    FILE *file = fopen(path, "r");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

    ensure(key != NULL, "cannot read the key");
    fclose(file);
    return key;
}

static void read_all(FILE *file, struct buffer *out)
{
    size_t size;

    do {
        size = fread(buffer_reserve(out, 65536), 1, 65536, file);
        out->size += size;
    } while (size);
}

static void write_all(struct slice s)
{
    ensure(fwrite(s.data, 1, s.size, stdout) == s.size, "cannot write");
}

/* Cuts the message into fields and body. */
static size_t read_fields(struct slice message, struct wire_dkim_field *fields,
                          struct slice *ret_body)
{
    struct slice rest = message;
    size_t count = 0;

    while (rest.size && !slice_starts(rest, SLICE("\r\n"))) {
        struct slice all = rest, line;
        size_t size = 0;

        do {
            slice_cut(&rest, '\n', &line);
            size += line.size + 1;
        } while (rest.size && (rest.data[0] == ' ' || rest.data[0] == '\t'));
        ensure(count < FIELDS_MAX, "too many fields");
        fields[count].raw = line = slice_part(all, 0, size);
        slice_cut(&line, ':', &fields[count++].name);
    }
    *ret_body = slice_part(rest, 2, rest.size);
    return count;
}

static size_t sign_rsa(EVP_PKEY *key, struct slice digest, unsigned char *out)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    size_t size = SIGNATURE_BYTES_MAX;

    ensure(context && EVP_PKEY_sign_init(context) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
               EVP_PKEY_sign(context, out, &size, (const unsigned char *)digest.data,
                             digest.size) == 1,
           "cannot sign");
    EVP_PKEY_CTX_free(context);
    return size;
}

static size_t sign_ed25519(EVP_PKEY *key, struct slice digest, unsigned char *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = SIGNATURE_BYTES_MAX;

    ensure(context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestSign(context, out, &size, (const unsigned char *)digest.data,
                              digest.size) == 1,
           "cannot sign");
    EVP_MD_CTX_free(context);
    return size;
}

static void sign_message(const char *domain, const char *selector, EVP_PKEY *key)
{
    static struct wire_dkim_field fields[FIELDS_MAX];
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer whole = BUFFER_NONE;
    bool rsa = EVP_PKEY_is_a(key, "RSA");
    struct wire_dkim_signing signing = {.domain = slice_text(domain),
                                        .selector = slice_text(selector),
                                        .algorithm =
                                            rsa ? WIRE_DKIM_RSA_SHA256 : WIRE_DKIM_ED25519_SHA256,
                                        .time_s = time(NULL),
                                        .expire_s = time(NULL) + LIFE_S};
    uint8_t digest[WIRE_DKIM_HASH_BYTES];
    unsigned char signature[SIGNATURE_BYTES_MAX];
    struct slice body, field, hashed = slice_of(digest, sizeof digest);
    size_t count, size;

    read_all(stdin, &message);
    count = read_fields(buffer_slice(&message), fields, &body);
    wire_dkim_body_hash(body, signing.body_hash);
    ensure(wire_dkim_sign_prepare(&arena, fields, count, &signing, &field, digest) == 0,
           "cannot prepare");
    size = rsa ? sign_rsa(key, hashed, signature) : sign_ed25519(key, hashed, signature);
    wire_dkim_sign_finish(&whole, field, slice_of(signature, size));
    write_all(buffer_slice(&whole));
    write_all(buffer_slice(&message));
}

static void print_record(EVP_PKEY *key)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer rdata = BUFFER_NONE;
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);

    ensure(size > 0, "cannot write the public key");
    ensure(wire_dkim_key_format(
               &text, EVP_PKEY_is_a(key, "RSA") ? WIRE_DKIM_KEY_RSA : WIRE_DKIM_KEY_ED25519,
               slice_of(der, (size_t)size)) == 0,
           "cannot format the record");
    OPENSSL_free(der);
    buffer_add(&out, buffer_slice(&text));
    buffer_add_byte(&out, '\n');
    wire_dns_text_quote(&out, buffer_slice(&text));
    buffer_add_byte(&out, '\n');
    wire_dns_text_encode(&rdata, buffer_slice(&text));
    for (size_t i = 0; i < rdata.size; i++)
        buffer_printf(&out, "%02x", (unsigned char)rdata.data[i]);
    buffer_add_byte(&out, '\n');
    write_all(buffer_slice(&out));
}

int main(int count, char **arguments)
{
    EVP_PKEY *key = NULL;

    if (count == 5 && strcmp(arguments[1], "sign") == 0) {
        key = read_key(arguments[4]);
        sign_message(arguments[2], arguments[3], key);
    } else if (count == 3 && strcmp(arguments[1], "record") == 0) {
        key = read_key(arguments[2]);
        print_record(key);
    } else {
        give_up("say `sign DOMAIN SELECTOR KEY.pem` or `record KEY.pem`");
    }
    EVP_PKEY_free(key);
    return 0;
}
