/* RFC 8463 appendix A: its key, made into a signature over its message by the code that signs mail,
 * gives its very signature, since Ed25519 has no randomness. */
#include "vault/key.h"
#include "wire/base64.h"
#include "wire/dkim_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PRIVATE_KEY "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define BODY_HASH "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
#define SIGNATURE                                                                                  \
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="

/* In the order of h=; what is named a second time is not there. */
static const char *const signed_fields[] = {
    "From: Joe SixPack <joe@football.example.com>\r\n",
    "To: Suzie Q <suzie@shopping.example.net>\r\n",
    "Subject: Is dinner ready?\r\n",
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n",
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n",
};
static const char unsigned_field[] = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                                     " d=football.example.com; i=@football.example.com;\r\n"
                                     " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                                     " subject : date : message-id : from : subject : date;\r\n"
                                     " bh=" BODY_HASH ";\r\n"
                                     " b=\r\n";
static const char body[] = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

static void hash_header(uint8_t ret_digest[static WIRE_DKIM_HASH_BYTES])
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    for (size_t i = 0; i < ARRAY_LEN(signed_fields); i++)
        wire_canon_header(WIRE_CANON_RELAXED, slice_text(signed_fields[i]), &text);
    wire_canon_header(WIRE_CANON_RELAXED, slice_text(unsigned_field), &text);
    text.size -= 2; /* the field's own CR LF is not hashed (RFC 6376 §3.7) */
    wire_dkim_hash(buffer_slice(&text), ret_digest);
}

static void assert_base64(const uint8_t *bytes, size_t size, const char *expected)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    wire_base64_encode(&text, slice_of(bytes, size));
    assert_true(slice_equal(buffer_slice(&text), slice_text(expected)));
}

static void signs_the_message_of_the_rfc(void **state)
{
    CLEANUP(vault_key_free_pointer) struct vault_key *key = NULL;
    uint8_t seed[32], hash[WIRE_DKIM_HASH_BYTES], digest[WIRE_DKIM_HASH_BYTES];
    unsigned char signature[VAULT_SIGNATURE_BYTES_MAX];
    size_t size;

    (void)state;
    wire_dkim_body_hash(slice_text(body), hash);
    assert_base64(hash, sizeof hash, BODY_HASH);
    hash_header(digest);
    assert_int_equal(wire_base64_decode(slice_text(PRIVATE_KEY), seed, sizeof seed, &size), 0);
    assert_int_equal(vault_key_open(VAULT_ED25519_SHA256, slice_of(seed, size), &key), 0);
    assert_int_equal(vault_key_sign(key, digest, signature, &size), 0);
    assert_base64(signature, size, SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(signs_the_message_of_the_rfc)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
