#include "wire/dkim_sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/base64.h"
#include "wire/dkim_signature.h"

#define FIELD(name, value)                                                                         \
    {                                                                                              \
        {name, sizeof(name) - 1},                                                                  \
        {                                                                                          \
            name ": " value "\r\n", sizeof(name ": " value "\r\n") - 1                             \
        }                                                                                          \
    }

static const struct wire_dkim_field message[] = {
    FIELD("Received", "from a by b"),
    FIELD("from", "Library <noreply@example.org>"),
    FIELD("TO", "reader@example.net"),
    FIELD("Subject", "Your\r\n hold"),
    FIELD("References", "<first@example.net>"),
    FIELD("Bcc", "hidden@example.net"),
    FIELD("References", "<second@example.net>"),
};

static struct wire_dkim_signing signing_of_example(void)
{
    struct wire_dkim_signing signing = {
        .domain = SLICE("example.org"),
        .selector = SLICE("s1"),
        .algorithm = WIRE_DKIM_RSA_SHA256,
        .time_s = 1700000000,
        .expire_s = 1700604800,
    };

    wire_dkim_body_hash(SLICE("Ready.\r\n"), signing.body_hash);
    return signing;
}

static struct slice value_of(struct slice field)
{
    return slice_part(field, sizeof "DKIM-Signature:" - 1, field.size);
}

static void chooses_fields(void **state)
{
    static const char expected[] =
        "from:from:to:to:cc:subject:subject:date:message-id:reply-to:sender:mime-version:"
        "content-type:content-transfer-encoding:in-reply-to:references:references:references:"
        "list-unsubscribe:list-unsubscribe-post:list-id";
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer whole = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer names = BUFFER_NONE;
    struct wire_dkim_signing signing = signing_of_example();
    struct wire_dkim_signature s;
    uint8_t digest[WIRE_DKIM_HASH_BYTES];
    struct slice field;

    (void)state;
    assert_int_equal(
        wire_dkim_sign_prepare(&arena, message, ARRAY_LEN(message), &signing, &field, digest), 0);
    wire_dkim_sign_finish(&whole, field, SLICE("signature"));
    assert_int_equal(wire_dkim_signature_parse(value_of(buffer_slice(&whole)), &s), 0);
    wire_tag_squeeze(s.signed_fields, &names);
    assert_true(slice_equal(buffer_slice(&names), slice_text(expected)));
}

static void writes_all_tags(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer whole = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    struct wire_dkim_signing signing = signing_of_example();
    struct wire_dkim_signature s;
    uint8_t digest[WIRE_DKIM_HASH_BYTES];
    struct slice field;

    (void)state;
    signing.algorithm = WIRE_DKIM_ED25519_SHA256;
    assert_int_equal(
        wire_dkim_sign_prepare(&arena, message, ARRAY_LEN(message), &signing, &field, digest), 0);
    wire_dkim_sign_finish(&whole, field, SLICE("signature"));
    assert_true(
        slice_starts(buffer_slice(&whole), SLICE("DKIM-Signature: v=1; a=ed25519-sha256; ")));
    assert_true(slice_ends_nocase(buffer_slice(&whole), SLICE("\r\n")));
    assert_int_equal(wire_dkim_signature_parse(value_of(buffer_slice(&whole)), &s), 0);
    assert_true(s.header == WIRE_CANON_RELAXED && s.body == WIRE_CANON_RELAXED);
    assert_true(slice_equal(s.domain, SLICE("example.org")));
    assert_true(slice_equal(s.selector, SLICE("s1")));
    assert_true(s.time_s == 1700000000 && s.expire_s == 1700604800 && s.body_length == -1);
    assert_int_equal(wire_tag_base64(s.body_hash, &bytes), 0);
    assert_true(slice_equal(buffer_slice(&bytes), slice_of(signing.body_hash, 32)));
    bytes.size = 0;
    assert_int_equal(wire_tag_base64(s.signature, &bytes), 0);
    assert_true(slice_equal(buffer_slice(&bytes), SLICE("signature")));
}

/* RFC 6376 §3.7: the signed fields from the last up, then the field itself with an empty b= and
 * without its line end. */
static void digests_the_header(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer input = BUFFER_NONE;
    struct wire_dkim_signing signing = signing_of_example();
    uint8_t digest[WIRE_DKIM_HASH_BYTES], expected[WIRE_DKIM_HASH_BYTES];
    struct slice field;

    (void)state;
    assert_int_equal(
        wire_dkim_sign_prepare(&arena, message, ARRAY_LEN(message), &signing, &field, digest), 0);
    buffer_add(&input, SLICE("from:Library <noreply@example.org>\r\nto:reader@example.net\r\n"
                             "subject:Your hold\r\nreferences:<second@example.net>\r\n"
                             "references:<first@example.net>\r\n"));
    wire_canon_header(WIRE_CANON_RELAXED, field, &input);
    input.size -= 2;
    assert_true(slice_ends_nocase(buffer_slice(&input), SLICE("; b=")));
    wire_dkim_hash(buffer_slice(&input), expected);
    assert_memory_equal(digest, expected, sizeof digest);
}

static size_t longest_line(struct slice text)
{
    size_t longest = 0;
    struct slice line;
    bool more = true;

    while (more) {
        more = slice_cut(&text, '\n', &line);
        if (line.size > longest)
            longest = line.size;
    }
    return longest - 1; /* the CR */
}

/* Whatever the lengths of domain, selector and signature, at most 78 columns, and no line that is
 * blank (RFC 5322 §3.2.2). */
static void folds(void **state)
{
    static const char label[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklm";
    unsigned char signature[512] = {0};
    struct wire_dkim_signing signing = signing_of_example();

    (void)state;
    for (size_t size = 1; size < sizeof label; size++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        CLEANUP(buffer_done) struct buffer whole = BUFFER_NONE;
        uint8_t digest[WIRE_DKIM_HASH_BYTES];
        struct wire_dkim_signature s;
        struct slice field;

        signing.domain = slice_of(label, size);
        signing.selector = slice_of(label, sizeof label - size);
        assert_int_equal(
            wire_dkim_sign_prepare(&arena, message, ARRAY_LEN(message), &signing, &field, digest),
            0);
        wire_dkim_sign_finish(&whole, field, slice_of(signature, size * 13));
        assert_true(longest_line(buffer_slice(&whole)) <= 78);
        assert_int_equal(slice_find_slice(buffer_slice(&whole), SLICE("\r\n \r\n")), -1);
        assert_int_equal(wire_dkim_signature_parse(value_of(buffer_slice(&whole)), &s), 0);
    }
}

static void signs_the_longest_names(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct wire_dkim_signing signing = signing_of_example();
    uint8_t digest[WIRE_DKIM_HASH_BYTES];
    struct slice field;
    char name[253];

    (void)state;
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 64 == 63 ? '.' : 'a';
    signing.domain = signing.selector = slice_of(name, sizeof name);
    assert_int_equal(
        wire_dkim_sign_prepare(&arena, message, ARRAY_LEN(message), &signing, &field, digest), 0);
}

static void refuses(void **state)
{
    static const struct {
        const char *domain, *selector;
        int64_t time_s, expire_s;
        size_t first; /* of the message's fields */
        int result;
    } cases[] = {
        {"example.org", "s1", 1, 2, 0, 0},
        {"example.org; l=0", "s1", 1, 2, 0, -EINVAL},
        {"", "s1", 1, 2, 0, -EINVAL},
        {"example.org", "", 1, 2, 0, -EINVAL},
        {"example.org", "s 1", 1, 2, 0, -EINVAL},
        {"example.org", "s1", 2, 2, 0, -EINVAL},
        {"example.org", "s1", -1, 2, 0, -EINVAL},
        {"example.org", "s1", 1, 1000000000000, 0, -EINVAL},
        {"example.org", "s1", 1, 2, 2, -EINVAL}, /* no From */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct wire_dkim_signing signing = signing_of_example();
        uint8_t digest[WIRE_DKIM_HASH_BYTES];
        struct slice field;
        size_t first = cases[i].first;

        signing.domain = slice_text(cases[i].domain);
        signing.selector = slice_text(cases[i].selector);
        signing.time_s = cases[i].time_s;
        signing.expire_s = cases[i].expire_s;
        assert_int_equal(wire_dkim_sign_prepare(&arena, message + first, ARRAY_LEN(message) - first,
                                                &signing, &field, digest),
                         cases[i].result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_fields),          cmocka_unit_test(writes_all_tags),
        cmocka_unit_test(digests_the_header),      cmocka_unit_test(folds),
        cmocka_unit_test(signs_the_longest_names), cmocka_unit_test(refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
