#include "wire/dkim_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/base64.h"

static void assert_hash(const uint8_t hash[WIRE_DKIM_HASH_BYTES], const char *base64)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    wire_base64_encode(&text, slice_of(hash, WIRE_DKIM_HASH_BYTES));
    assert_true(slice_equal(buffer_slice(&text), slice_text(base64)));
}

/* The hashes of empty bodies stand in RFC 6376 §3.4.3 and §3.4.4, that of the message in its
 * appendix A.2. */
static void agrees_with_the_rfc(void **state)
{
    CLEANUP(wire_dkim_body_hasher_done) struct wire_dkim_body_hasher h;
    uint8_t hash[WIRE_DKIM_HASH_BYTES];

    (void)state;
    wire_dkim_body_hash(SLICE_NONE, hash);
    assert_hash(hash, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    wire_dkim_hash(SLICE_NONE, hash);
    assert_hash(hash, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    wire_dkim_body_hash(
        SLICE("Hi.\r\n\r\nWe lost  the game. \tAre you hungry yet? \r\n\r\nJoe.\r\n\r\n\r\n"),
        hash);
    assert_hash(hash, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");

    wire_dkim_body_hasher_init(&h, WIRE_CANON_SIMPLE);
    wire_dkim_body_hasher_finish(&h, hash);
    assert_hash(hash, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
}

static void hashes_pieces_as_the_whole(void **state)
{
    struct slice body = SLICE("One \r\n\r\n two  three\r\n\r\n");
    uint8_t whole[WIRE_DKIM_HASH_BYTES], pieces[WIRE_DKIM_HASH_BYTES];

    (void)state;
    wire_dkim_body_hash(body, whole);
    for (size_t at = 0; at <= body.size; at++) {
        CLEANUP(wire_dkim_body_hasher_done) struct wire_dkim_body_hasher h;

        wire_dkim_body_hasher_init(&h, WIRE_CANON_RELAXED);
        wire_dkim_body_hasher_add(&h, slice_part(body, 0, at));
        wire_dkim_body_hasher_add(&h, slice_part(body, at, body.size));
        wire_dkim_body_hasher_finish(&h, pieces);
        assert_memory_equal(whole, pieces, sizeof whole);
    }
}

static void can_be_left_unfinished(void **state)
{
    struct wire_dkim_body_hasher begun, unused = {0};

    (void)state;
    wire_dkim_body_hasher_init(&begun, WIRE_CANON_RELAXED);
    wire_dkim_body_hasher_add(&begun, SLICE("half a body"));
    wire_dkim_body_hasher_done(&begun);
    wire_dkim_body_hasher_done(&begun);
    wire_dkim_body_hasher_done(&unused);
    assert_null(begun.digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_rfc),
        cmocka_unit_test(hashes_pieces_as_the_whole),
        cmocka_unit_test(can_be_left_unfinished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
