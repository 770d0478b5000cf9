#include "wire/dkim_signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/corpora_test.h"
#include "wire/dkim_hash.h"

static void reads_signatures(void **state)
{
    struct slice text =
        SLICE(" v=1; a=rsa-sha256; c=relaxed/simple; d=example.org;\r\n s=one; t=10;"
              " x=20; l=3; i=@mail.Example.org;\r\n q=other:dns/txt; h=From : To:\r\n"
              " from; bh=Zm9v\r\n YmFy; b=Zg = =; extra=ignored;");
    struct wire_dkim_signature s;
    struct slice name;

    (void)state;
    assert_int_equal(wire_dkim_signature_parse(text, &s), 0);
    assert_true(slice_equal(s.algorithm, SLICE("rsa-sha256")));
    assert_int_equal(s.header, WIRE_CANON_RELAXED);
    assert_int_equal(s.body, WIRE_CANON_SIMPLE);
    assert_true(slice_equal(s.domain, SLICE("example.org")));
    assert_true(slice_equal(s.selector, SLICE("one")));
    assert_true(slice_equal(s.identity, SLICE("@mail.Example.org")));
    assert_true(slice_equal(s.signature, SLICE("Zg = =")));
    assert_true(s.time_s == 10 && s.expire_s == 20 && s.body_length == 3);
    assert_true(wire_dkim_signature_next_field(&s.signed_fields, &name));
    assert_true(slice_equal(name, SLICE("From")));
    assert_true(wire_dkim_signature_next_field(&s.signed_fields, &name));
    assert_true(slice_equal(name, SLICE("To")));
    assert_true(wire_dkim_signature_next_field(&s.signed_fields, &name));
    assert_true(slice_equal(name, SLICE("from")));
    assert_false(wire_dkim_signature_next_field(&s.signed_fields, &name));
}

static void knows_defaults(void **state)
{
    struct slice text = SLICE("v=1; a=x; d=e.org; s=s; h=from; bh=Zg==; b=Zg==");
    struct wire_dkim_signature s;

    (void)state;
    assert_int_equal(wire_dkim_signature_parse(text, &s), 0);
    assert_int_equal(s.header, WIRE_CANON_SIMPLE);
    assert_int_equal(s.body, WIRE_CANON_SIMPLE);
    assert_int_equal(s.identity.size, 0);
    assert_true(s.time_s == -1 && s.expire_s == -1 && s.body_length == -1);
}

/* Each case takes the place of a part of a good signature, or is added to it. */
static void judges_values(void **state)
{
    static const struct {
        const char *version, *fields, *more;
        int result;
    } cases[] = {
        {"v=1", "h=from", "", 0},
        {"v=1", "h=from", "c=relaxed", 0},
        {"v=1", "h=from", "c=Relaxed", -EBADMSG},
        {"v=1", "h=from", "c=relaxed/", -EBADMSG},
        {"v=1", "h=from", "c=relaxed/nofws", -EBADMSG},
        {"v=1", "h=from", "q=dns", -EBADMSG},
        {"v=1", "h=from", "t=-1", -EBADMSG},
        {"v=1", "h=from", "t=1234567890123", -EBADMSG},
        {"v=1", "h=from", "t=5;x=5", -EBADMSG},
        {"v=1", "h=from", "t=5;x=6", 0},
        {"v=1", "h=from", "l=99999999999999999999", -EBADMSG},
        {"v=1", "h=from", "i=e.org", -EBADMSG},
        {"v=1", "h=from", "i=joe@e.org", 0},
        {"v=1", "h=from", "i=@a.e.org", 0},
        {"v=1", "h=from", "i=@note.org", -EBADMSG},
        {"v=1", "h=from", "i=@org", -EBADMSG},
        {"v=1", "h=from", "d=other.org", -EBADMSG}, /* twice */
        {"v=1", "h=to", "", -EBADMSG},
        {"v=1", "h=from:", "", -EBADMSG},
        {"v=1", "h=from::to", "", -EBADMSG},
        {"v=1", "h=from:t o", "", -EBADMSG},
        {"v=1", "h=", "", -EBADMSG},
        {"v=1", "n=none", "", -EBADMSG},
        {"v=2", "h=from", "", -EPROTO},
        {"v=1.0", "h=from", "", -EPROTO},
        {"n=1", "h=from", "", -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
        struct wire_dkim_signature s;

        buffer_printf(&text, "%s; a=x; d=e.org; s=s; %s; bh=Zg==; b=Zg==; %s", cases[i].version,
                      cases[i].fields, cases[i].more);
        if (wire_dkim_signature_parse(buffer_slice(&text), &s) != cases[i].result)
            fail_msg("%.*s", SLICE_ARG(buffer_slice(&text)));
    }
}

/* With the line ends of mail, whatever the file has. */
static void read_message(const char *path, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer file = BUFFER_NONE;

    corpora_read(path, &file);
    for (size_t i = 0; i < file.size; i++) {
        if (file.data[i] == '\n' && (i == 0 || file.data[i - 1] != '\r'))
            buffer_add_byte(out, '\r');
        buffer_add_byte(out, file.data[i]);
    }
}

/* Takes one field with its folds off the front; false at the header's end. */
static bool next_field(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
    struct slice all = *rest, field;
    size_t size = 0;

    do {
        ssize_t end = slice_find_slice(*rest, SLICE("\r\n"));
        size_t line = end < 0 ? rest->size : (size_t)end + 2;

        size += line;
        *rest = slice_part(*rest, line, rest->size);
    } while (rest->size && (rest->data[0] == ' ' || rest->data[0] == '\t'));
    field = slice_part(all, 0, size);
    *ret_value = field;
    return field.size > 2 && slice_cut(ret_value, ':', ret_name);
}

static struct slice body_of(struct slice message)
{
    ssize_t end = slice_find_slice(message, SLICE("\r\n\r\n"));

    return end < 0 ? SLICE_NONE : slice_part(message, (size_t)end + 4, message.size);
}

static void add(void *context, struct slice bytes)
{
    buffer_add(context, bytes);
}

/* Whether the body's hash is the one that the signature names: a judge of the canonical body made
 * by many other signers. */
static bool body_hash_agrees(const struct wire_dkim_signature *s, struct slice body)
{
    CLEANUP(buffer_done) struct buffer canonical = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer claimed = BUFFER_NONE;
    uint8_t hash[WIRE_DKIM_HASH_BYTES];
    struct wire_canon_body b;

    wire_canon_body_init(&b, s->body, add, &canonical);
    wire_canon_body_add(&b, body);
    wire_canon_body_finish(&b);
    if (s->body_length >= 0)
        canonical.size = (size_t)s->body_length;
    wire_dkim_hash(buffer_slice(&canonical), hash);
    assert_int_equal(wire_tag_base64(s->body_hash, &claimed), 0);
    return slice_equal(buffer_slice(&claimed), slice_of(hash, sizeof hash));
}

struct found {
    size_t signatures, refused, agreeing;
};

static struct found look_at(struct slice message)
{
    struct slice rest = message, name, value;
    struct found found = {0};

    while (next_field(&rest, &name, &value)) {
        struct wire_dkim_signature s;

        if (!slice_equal_nocase(name, SLICE("DKIM-Signature")))
            continue;
        found.signatures++;
        if (wire_dkim_signature_parse(value, &s) < 0)
            found.refused++;
        else if (body_hash_agrees(&s, body_of(message)))
            found.agreeing++;
    }
    return found;
}

/* Signed messages that must verify; their DNS records stand before a blank line. */
static void agrees_with_other_signers(void **state)
{
    glob_t files = corpora_files("dkim-mailauth/dkim/*.txt");

    (void)state;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
        struct found found;

        read_message(files.gl_pathv[i], &text);
        found = look_at(body_of(buffer_slice(&text)));
        if (found.signatures == 0 || found.refused || found.agreeing != found.signatures)
            fail_msg("%s: %zu signatures, %zu refused, %zu agreeing", files.gl_pathv[i],
                     found.signatures, found.refused, found.agreeing);
    }
    globfree(&files);
}

static void reads_what_strangers_wrote(void **state)
{
    static const struct {
        const char *file;
        struct found expected;
    } cases[] = {
        {"dkim-chasquid/01-*.msg", {2, 0, 2}},
        {"dkim-chasquid/04-bad_dkim_signature_header.msg", {1, 1, 0}},
        {"dkim-chasquid/09-limited_body.msg", {3, 0, 3}},
        {"dkim-chasquid/11-strict_domain_check_fail.msg", {1, 0, 1}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
        glob_t files = corpora_files(cases[i].file);
        struct found found;

        read_message(files.gl_pathv[0], &text);
        found = look_at(buffer_slice(&text));
        if (memcmp(&found, &cases[i].expected, sizeof found) != 0)
            fail_msg("%s: %zu signatures, %zu refused, %zu agreeing", cases[i].file,
                     found.signatures, found.refused, found.agreeing);
        globfree(&files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_signatures),
        cmocka_unit_test(knows_defaults),
        cmocka_unit_test(judges_values),
        cmocka_unit_test(agrees_with_other_signers),
        cmocka_unit_test(reads_what_strangers_wrote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
