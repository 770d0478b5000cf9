#include "wire/dns_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER(flags, questions, answers, authorities)                                             \
    "\x12\x34" flags "\0" questions "\0" answers "\0" authorities "\0\0"
#define QUESTION "\1K\7Example\3org\0\0\x10\0\1" /* k.example.org TXT, at 12 */

/* A key with two strings behind a CNAME, both names compressed. */
static const char found[] = HEADER("\x84\0", "\1", "\2", "\0") QUESTION
    "\xc0\x0c\0\5\0\1\0\0\1\x2c\0\4\1T\xc0\x0e"          /* k CNAME t.example.org */
    "\1t\xc0\x0e\0\x10\0\1\0\0\0\x3c\0\x0a\4v=DK\4IM1;"; /* t.example.org TXT */

static const char absent[] = HEADER("\x84\3", "\1", "\0", "\1") QUESTION
    "\xc0\x0e\0\6\0\1\0\0\0\x3c\0\x20\2ns\xc0\x0e\4host\xc0\x0e"
    "\0\0\0\x07\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1";

static const char referral[] =
    HEADER("\x80\0", "\1", "\0", "\1") QUESTION "\xc0\x0e\0\2\0\1\0\0\0\x3c\0\5\2ns\xc0\x0e";

static const char refused[] = HEADER("\x80\5", "\0", "\0", "\0");

static struct slice bytes_of(const char *text, size_t size)
{
    return slice_of(text, size - 1);
}
#define BYTES(array) bytes_of(array, sizeof(array))

static void assert_slice(struct slice got, const char *expected)
{
    assert_int_equal(got.size, strlen(expected));
    assert_memory_equal(got.size ? got.data : "", expected, got.size);
}

static void writes_a_question(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    struct wire_dns_message m;

    (void)state;
    assert_int_equal(wire_dns_question_write(&out, 7, SLICE("a_b._domainkey.example.org"), 16), 0);
    assert_int_equal(wire_dns_message_read(&arena, buffer_slice(&out), &m), 0);
    assert_int_equal(m.id, 7);
    assert_false(m.is_answer);
    assert_slice(m.name, "a_b._domainkey.example.org");
    assert_int_equal(m.type, WIRE_DNS_TXT);

    out.size = 0;
    assert_int_equal(wire_dns_question_write(&out, 7, SLICE_NONE, 2), 0); /* of the root */
    assert_int_equal(out.size, 12 + 1 + 4);
    out.size = 0;
    assert_int_equal(wire_dns_question_write(&out, 7, SLICE("a..b"), 16), -EINVAL);
    assert_int_equal(wire_dns_question_write(&out, 7, SLICE("a b"), 16), -EINVAL);
    assert_int_equal(out.size, 0);
}

static void reads_records(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct wire_dns_message m;

    (void)state;
    assert_int_equal(wire_dns_message_read(&arena, BYTES(found), &m), 0);
    assert_true(m.is_answer && m.authoritative && !m.truncated);
    assert_int_equal(m.rcode, WIRE_DNS_NO_ERROR);
    assert_slice(m.name, "k.example.org");
    assert_int_equal(m.record_count, 2);
    assert_slice(m.records[0].name, "k.example.org");
    assert_int_equal(m.records[0].type, WIRE_DNS_CNAME);
    assert_slice(m.records[0].target, "t.example.org");
    assert_slice(m.records[1].name, "t.example.org");
    assert_slice(m.records[1].text, "v=DKIM1;");
    assert_int_equal(m.records[1].ttl_s, 60);
    assert_true(m.records[1].in_answer);
}

static void reads_other_answers(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct wire_dns_message m;

    (void)state;
    assert_int_equal(wire_dns_message_read(&arena, BYTES(absent), &m), 0);
    assert_int_equal(m.rcode, WIRE_DNS_NAME_ERROR);
    assert_int_equal(m.record_count, 1);
    assert_false(m.records[0].in_answer);
    assert_slice(m.records[0].target, "ns.example.org");
    assert_int_equal(m.records[0].serial, 7);

    assert_int_equal(wire_dns_message_read(&arena, BYTES(referral), &m), 0);
    assert_false(m.authoritative);
    assert_slice(m.records[0].target, "ns.example.org");

    assert_int_equal(wire_dns_message_read(&arena, BYTES(refused), &m), 0);
    assert_int_equal(m.rcode, WIRE_DNS_REFUSED);
    assert_int_equal(m.type, 0);
}

/* What is cut off anywhere is no message: its header says that there is more. */
static void refuses_what_is_cut(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof found - 1; size++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        char *copy = malloc(size + 1); /* of just this size, for the sanitizer */
        struct wire_dns_message m;

        memcpy(copy, found, size);
        assert_int_equal(wire_dns_message_read(&arena, slice_of(copy, size), &m), -EBADMSG);
        free(copy);
    }
}

static void refuses_what_makes_no_sense(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
#define CASE(text) {HEADER("\x84\0", "\1", "\0", "\0") text, 12 + sizeof(text) - 1}
        CASE("\xc0\x0c\0\x10\0\1"),    /* points to itself */
        CASE("\1a\xc0\x0c\0\x10\0\1"), /* points back into itself */
        CASE("\xc0\xff\0\x10\0\1"),    /* points behind the end */
        CASE("\x40"
             "a\0\0\x10\0\1"),   /* a label of a kind that there is not */
        CASE("\1a\0\0\x10\0\3"), /* another class */
#undef CASE
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct wire_dns_message m;

        assert_int_equal(wire_dns_message_read(&arena, slice_of(cases[i].bytes, cases[i].size), &m),
                         -EBADMSG);
    }
}

static void keeps_strange_names_apart(void **state)
{
    static const char bytes[] = HEADER("\x84\0", "\1", "\0", "\0") "\4a.b\n\0\0\x10\0\1";
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct wire_dns_message m;

    (void)state;
    assert_int_equal(wire_dns_message_read(&arena, BYTES(bytes), &m), 0);
    assert_slice(m.name, "a\\046b\\010");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_question),           cmocka_unit_test(reads_records),
        cmocka_unit_test(reads_other_answers),         cmocka_unit_test(refuses_what_is_cut),
        cmocka_unit_test(refuses_what_makes_no_sense), cmocka_unit_test(keeps_strange_names_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
