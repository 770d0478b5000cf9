#include "wire/dkim_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/corpora_test.h"
#include "wire/dns_text.h"

/* The keys of RFC 8463 appendix A.2 */
#define CUT "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
#define REST                                                                                       \
    "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/"             \
    "8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3Q"             \
    "IDAQAB"
#define RSA_BASE64 CUT REST
#define ED25519_BASE64 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static void decode(struct slice base64, struct buffer *out)
{
    assert_int_equal(wire_tag_base64(base64, out), 0);
}

static void formats_an_rsa_key(void **state)
{
    CLEANUP(buffer_done) struct buffer der = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    (void)state;
    decode(SLICE(RSA_BASE64), &der);
    assert_int_equal(wire_dkim_key_format(&out, WIRE_DKIM_KEY_RSA, buffer_slice(&der)), 0);
    assert_true(slice_equal(buffer_slice(&out), SLICE("v=DKIM1; k=rsa; p=" RSA_BASE64)));
}

static void formats_an_ed25519_key(void **state)
{
    static const struct slice head = {"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12};
    CLEANUP(buffer_done) struct buffer raw = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer der = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    (void)state;
    decode(SLICE(ED25519_BASE64), &raw);
    assert_int_equal(wire_dkim_key_format(&out, WIRE_DKIM_KEY_ED25519, buffer_slice(&raw)), 0);
    assert_true(slice_equal(buffer_slice(&out), SLICE("v=DKIM1; k=ed25519; p=" ED25519_BASE64)));

    out.size = 0;
    buffer_add(&der, head);
    buffer_add(&der, buffer_slice(&raw));
    assert_int_equal(wire_dkim_key_format(&out, WIRE_DKIM_KEY_ED25519, buffer_slice(&der)), 0);
    assert_true(slice_equal(buffer_slice(&out), SLICE("v=DKIM1; k=ed25519; p=" ED25519_BASE64)));
}

static void refuses_what_is_no_key(void **state)
{
    CLEANUP(buffer_done) struct buffer der = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    struct slice key;

    (void)state;
    decode(SLICE(RSA_BASE64), &der);
    key = buffer_slice(&der);
    assert_int_equal(wire_dkim_key_format(&out, WIRE_DKIM_KEY_ED25519, key), -EINVAL);
    assert_int_equal(wire_dkim_key_format(&out, WIRE_DKIM_KEY_UNKNOWN, key), -EINVAL);
    for (size_t size = 0; size < key.size; size++)
        assert_int_equal(wire_dkim_key_format(&out, WIRE_DKIM_KEY_RSA, slice_part(key, 0, size)),
                         -EINVAL);
    buffer_add_byte(&der, 0); /* more than the key */
    assert_int_equal(wire_dkim_key_format(&out, WIRE_DKIM_KEY_RSA, buffer_slice(&der)), -EINVAL);
    key = slice_part(buffer_slice(&der), 0, der.size - 1);
    assert_int_equal(wire_dkim_key_format(&out, WIRE_DKIM_KEY_RSA, key), 0);
    out.size = 0;
    der.data[5]++; /* another algorithm */
    assert_int_equal(wire_dkim_key_format(&out, WIRE_DKIM_KEY_RSA, key), -EINVAL);
    assert_int_equal(out.size, 0);
}

static void reads_records(void **state)
{
    struct wire_dkim_key key;

    (void)state;
    assert_int_equal(wire_dkim_key_parse(SLICE("p=Zg=="), &key), 0);
    assert_true(key.type == WIRE_DKIM_KEY_RSA && key.sha256 && key.email);
    assert_false(key.revoked || key.testing || key.strict_identity);

    assert_int_equal(
        wire_dkim_key_parse(SLICE(" v = DKIM1 ; h=sha1 : sha256; k=ed25519; s=tel:email;"
                                  " t=y:s; n=a note; g=*; p=Z g=="),
                            &key),
        0);
    assert_true(key.type == WIRE_DKIM_KEY_ED25519 && key.sha256 && key.email && key.testing &&
                key.strict_identity);
    assert_true(slice_equal(key.key, SLICE("Z g==")));
    assert_true(slice_equal(key.notes, SLICE("a note")));

    assert_int_equal(wire_dkim_key_parse(SLICE("v=DKIM1; h=sha1; s=tel; k=x; p="), &key), 0);
    assert_true(key.type == WIRE_DKIM_KEY_UNKNOWN && key.revoked);
    assert_false(key.sha256 || key.email);
}

static void refuses_records(void **state)
{
    static const struct {
        const char *record;
        int result;
    } cases[] = {
        {"", -EBADMSG},
        {"v=DKIM1; k=rsa;", -EBADMSG},
        {"k=rsa; v=DKIM1; p=Zg==", -EBADMSG}, /* v= comes first */
        {"v=DKIM1; p=Zg==; p=Zg==", -EBADMSG},
        {"\"v=DKIM1; p=Zg==\"", -EBADMSG},
        {"v=dkim1; p=Zg==", -EPROTO},
        {"v=DKIM1\\; p=Zg==", -EPROTO},
        {"v=DMARC1; p=none", -EPROTO},
        {"v=spf1 -all", -EPROTO},
        {"google-site-verification=abc", -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_dkim_key key;

        assert_int_equal(wire_dkim_key_parse(slice_text(cases[i].record), &key), cases[i].result);
    }
}

#define HEAD "v=DKIM1; k=rsa; p="
#define OTHER                                                                                      \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDUpnnZhPLoZqFd2TZ26uUfhFfiZuMUMUlFDyd2ujh8Fkh2PROdZin+" \
    "xXrenfGMYG8EJscizGg1/PcyjY2UkXaX9rmbLGtDOXR2pEaMfFy5U+mStuzrEjxVim+5i4q9KjCKIexvBKb57/czarNx" \
    "hwTzuyvMxUBLHHiZGpAMGkT4KQIDAQAB"

static void compares(void **state)
{
    static const struct {
        const char *published;
        const char *verdict;
    } cases[] = {
        {HEAD RSA_BASE64, "same"},
        {HEAD RSA_BASE64 ";", "same"},
        {"v=DKIM1;k=rsa;t=s;unknown=1;p= " RSA_BASE64 " ", "same"},
        {"p=" RSA_BASE64 "; n=no version", "same"},
        {HEAD CUT " " REST, "same"},
        {HEAD OTHER, "other-key"},
        {"v=DKIM1; k=ed25519; p=" ED25519_BASE64, "other-key"},
        {HEAD CUT, "truncated"},
        {HEAD CUT "iG", "truncated"},
        {HEAD "M", "truncated"},
        {"v=DKIM1; k=rsa;", "truncated"},
        {"v=DKIM1; k=rsa; p", "truncated"},
        {HEAD, "revoked"},
        {"v=DKIM1; p=;", "revoked"},
        {"v=DKIM1; k=ed25519; p=" RSA_BASE64, "restricted"},
        {"v=DKIM1; k=rsa; h=sha1; p=" RSA_BASE64, "restricted"},
        {"v=DKIM1; k=rsa; s=tel; p=" RSA_BASE64, "restricted"},
        {"v=DKIM1; k=rsa; t=y; p=" RSA_BASE64, "restricted"},
        {"v=spf1 include:_spf.example.org ~all", "not-a-key"},
        {"v=DMARC1; p=none", "not-a-key"},
        {"google-site-verification=rXOxyZounnZasA8Z7oaD3c14JdjS9aKSWvsR1EbUSIQ", "not-a-key"},
        {"", "not-a-key"},
        {"p=(the key)", "syntax"},
        {"v=dkim1; k=rsa; p=" RSA_BASE64, "syntax"},
        {"\"v=DKIM1; k=rsa; p=" RSA_BASE64 "\"", "syntax"},
        {"v=DKIM1\\; k=rsa\\; p=" RSA_BASE64, "syntax"},
        {"v=DKIM1 k=rsa p=" RSA_BASE64, "syntax"},
        {"v=DK IM1; k=rsa; p=" RSA_BASE64, "syntax"},
        {"k=rsa; v=DKIM1; p=" RSA_BASE64, "syntax"},
        {HEAD RSA_BASE64 "; p=" RSA_BASE64, "syntax"},
        {HEAD CUT "-----", "syntax"},
        {RSA_BASE64, "syntax"},
        {"-----BEGIN PUBLIC KEY----- " RSA_BASE64 " -----END PUBLIC KEY-----", "syntax"},
    };
    struct slice expected = SLICE(HEAD RSA_BASE64);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice published = slice_text(cases[i].published);
        const char *verdict =
            wire_dkim_key_verdict_name(wire_dkim_key_compare(expected, published));

        if (strcmp(verdict, cases[i].verdict) != 0)
            fail_msg("%s, not %s: %s", verdict, cases[i].verdict, cases[i].published);
    }
}

/* A record cut anywhere is never taken for the whole one. */
static void notices_every_cut(void **state)
{
    struct slice expected = SLICE(HEAD RSA_BASE64);

    (void)state;
    for (size_t size = 0; size < expected.size; size++)
        assert_int_not_equal(wire_dkim_key_compare(expected, slice_part(expected, 0, size)),
                             WIRE_DKIM_KEY_SAME);
    for (size_t start = sizeof HEAD; start < expected.size; start++)
        assert_int_not_equal(
            wire_dkim_key_compare(expected, slice_part(expected, start, expected.size)),
            WIRE_DKIM_KEY_SAME);
}

/* Files of lines "name TXT" until a blank line. */
static void reads_records_of_signed_messages(void **state)
{
    glob_t files = corpora_files("dkim-mailauth/*/*.txt");
    size_t keys = 0;

    (void)state;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
        struct slice rest, line, name;

        corpora_read(files.gl_pathv[i], &text);
        rest = buffer_slice(&text);
        while (slice_cut(&rest, '\n', &line) && slice_trim(line).size) {
            struct wire_dkim_key key;

            slice_cut(&line, ' ', &name);
            assert_int_equal(wire_dkim_key_parse(slice_trim(line), &key), 0);
            assert_false(key.revoked);
            keys++;
        }
    }
    assert_true(keys > 0);
    globfree(&files);
}

/* A zone file's entry: quoted strings between parentheses. */
static void reads_a_zone_entry(void **state)
{
    glob_t files = corpora_files("dkim-mimekit/example.bind9");
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer record = BUFFER_NONE;
    struct wire_dkim_key key;
    struct slice rest, part;

    (void)state;
    corpora_read(files.gl_pathv[0], &text);
    rest = buffer_slice(&text);
    assert_true(slice_cut(&rest, '(', &part));
    assert_true(slice_cut(&rest, ')', &part));
    assert_int_equal(wire_dns_text_unquote(part, &record), 0);
    assert_int_equal(wire_dkim_key_parse(buffer_slice(&record), &key), 0);
    assert_true(key.strict_identity && key.type == WIRE_DKIM_KEY_RSA);
    assert_int_equal(wire_dkim_key_compare(SLICE(HEAD OTHER), buffer_slice(&record)),
                     WIRE_DKIM_KEY_SAME);
    globfree(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_an_rsa_key),
        cmocka_unit_test(formats_an_ed25519_key),
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(reads_records),
        cmocka_unit_test(refuses_records),
        cmocka_unit_test(compares),
        cmocka_unit_test(notices_every_cut),
        cmocka_unit_test(reads_records_of_signed_messages),
        cmocka_unit_test(reads_a_zone_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
