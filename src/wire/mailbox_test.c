#include "wire/mailbox.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define OPEN8 "(((((((("
#define CLOSE8 "))))))))"

static const struct {
    const char *value;
    const char *read; /* name|address for each, joined with a newline */
} accepted[] = {
    {"a@own.example", "|a@own.example"},
    {" a@own.example", "|a@own.example"},
    {"\ta@own.example\t", "|a@own.example"},
    {"\r\n a@own.example", "|a@own.example"},
    {"<a@own.example>", "|a@own.example"},
    {"< a@own.example >", "|a@own.example"},
    {"A B <a@own.example>", "A B|a@own.example"},
    {"A  B\r\n\tC<a@own.example>", "A B C|a@own.example"},
    {"J. Doe <a@own.example>", "J. Doe|a@own.example"},
    {"\"A, B\" <a@own.example>", "A, B|a@own.example"},
    {"\"A \\\"B\\\" \\\\\" <a@own.example>", "A \"B\" \\|a@own.example"},
    {"\"A\r\n B\" C <a@own.example>", "A B C|a@own.example"},
    {"\"ceo@victim.example\" <a@own.example>", "ceo@victim.example|a@own.example"},
    {"\"b@victim.example\"@own.example", "|\"b@victim.example\"@own.example"},
    {"<\"b@victim.example>\"@own.example>", "|\"b@victim.example>\"@own.example"},
    {"\"quoted\"@own.example", "|quoted@own.example"},
    {"<\"a\\\">b\"@own.example>", "|\"a\\\">b\"@own.example"},
    {"< \"a>b\"@own.example>", "|\"a>b\"@own.example"},
    {"=?utf-8?B?YkB2aWN0aW0uZXhhbXBsZQ==?= <a@own.example>",
     "=?utf-8?B?YkB2aWN0aW0uZXhhbXBsZQ==?=|a@own.example"},
    {"=?utf-8?q?a=0D=0ABcc:_x?= <a@own.example>", "=?utf-8?q?a=0D=0ABcc:_x?=|a@own.example"},
    {"a@own.example (b@victim.example)", "|a@own.example"},
    {"(x) a@own.example", "|a@own.example"},
    {"A (x) B <a@own.example> (y)", "A B|a@own.example"},
    {"(((((((a@victim.example))))))) <a@own.example>", "|a@own.example"},
    {OPEN8 OPEN8 CLOSE8 CLOSE8 " a@own.example", "|a@own.example"},
    {"(\\)) a@own.example", "|a@own.example"},
    {"caf\xc3\xa9 <a@own.example>", "caf\xc3\xa9|a@own.example"},
    {"\xc3\xa9@own.example", "|\xc3\xa9@own.example"},
    {"a@\xef\xbd\x8fwn.example", "|a@own.example"},
    {"b%victim.example@own.example", "|b%victim.example@own.example"},
    {"victim.example!b@own.example", "|victim.example!b@own.example"},
    {"a@own.example, B <b@own.example>", "|a@own.example\nB|b@own.example"},
    {"a@own.example,b@own.example(x),c@own.example",
     "|a@own.example\n|b@own.example\n|c@own.example"},
};

static const struct {
    struct slice value;
    int error;
} refused[] = {
    {SLICE(""), -EBADMSG},
    {SLICE(" \r\n "), -EBADMSG},
    {SLICE("()"), -EBADMSG},
    {SLICE("a"), -EBADMSG},
    {SLICE("@own.example"), -EBADMSG},
    {SLICE("<>"), -EBADMSG},
    {SLICE("<a@own.example"), -EBADMSG},
    {SLICE("<\"a@own.example>"), -EBADMSG},
    {SLICE("a@"), -EBADMSG},
    {SLICE("a@own.example,"), -EBADMSG},
    {SLICE(",a@own.example"), -EBADMSG},
    {SLICE("a@own.example,,b@own.example"), -EBADMSG},
    {SLICE("a@own.example b@victim.example"), -EBADMSG},
    {SLICE("a@own.example; b@victim.example"), -EBADMSG},
    {SLICE("<a@own.example>b@victim.example"), -EBADMSG},
    {SLICE("<a@own.example><b@victim.example>"), -EBADMSG},
    {SLICE("<<a@own.example>>"), -EBADMSG},
    {SLICE("<a@own.example b>"), -EBADMSG},
    {SLICE("<(x)a@own.example>"), -EBADMSG},
    {SLICE("b@victim.example <a@own.example>"), -EBADMSG},
    {SLICE("B b@victim.example"), -EBADMSG},
    {SLICE("<@victim.example:a@own.example>"), -EBADMSG},
    {SLICE("<@own.example:b@victim.example>"), -EBADMSG},
    {SLICE("g: a@own.example;"), -EBADMSG},
    {SLICE("undisclosed:;"), -EBADMSG},
    {SLICE("a(x)@(y)own.example"), -EBADMSG},
    {SLICE("a @own.example"), -EBADMSG},
    {SLICE("a@ own.example"), -EBADMSG},
    {SLICE("a@own .example"), -EBADMSG},
    {SLICE("a@own.example."), -EBADMSG},
    {SLICE("\"a\".b@own.example"), -EBADMSG},
    {SLICE("a@[192.0.2.1]"), -EBADMSG},
    {SLICE("a@own.example\\, <b@victim.example>"), -EBADMSG},
    {SLICE("=?utf-8?q?b=40victim.example=3e?=@own.example"), -EBADMSG},
    {SLICE("=?utf-8?q?<b@victim.example>?= <a@own.example>"), -EBADMSG},
    {SLICE("=?utf-8?q?a,b@victim.example?= <a@own.example>"), -EBADMSG},
    {SLICE("=?utf-8?q?a:x <a@own.example>"), -EBADMSG},
    {SLICE("=?utf-8?q?a:x?=@own.example"), -EBADMSG},
    {SLICE("(a@own.example"), -EBADMSG},
    {SLICE("(a\\"), -EBADMSG},
    {SLICE("\"a"), -EBADMSG},
    {SLICE("\"a\\"), -EBADMSG},
    {SLICE("a)b <a@own.example>"), -EBADMSG},
    {SLICE("[a] <a@own.example>"), -EBADMSG},
    {SLICE("(" OPEN8 OPEN8 CLOSE8 CLOSE8 ") a@own.example"), -EBADMSG},
    {SLICE("a@own.example\r\nb"), -EBADMSG},
    {SLICE("a@own.example\r\n"), -EBADMSG},
    {SLICE("a@own.example\n b"), -EBADMSG},
    {SLICE("A\r <a@own.example>"), -EBADMSG},
    {SLICE("A\0 <a@own.example>"), -EBADMSG},
    {SLICE("A\x1b <a@own.example>"), -EBADMSG},
    {SLICE("caf\xe9 <a@own.example>"), -EBADMSG},
    {SLICE("a@own.example, b@own.example, c@own.example, d@own.example"), -ENOSPC},
    {SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@own.example"),
     -E2BIG},
};

static void join(struct buffer *b, const struct mailbox *mailboxes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_add_byte(b, '\n');
        buffer_add(b, mailboxes[i].name);
        buffer_add_byte(b, '|');
        wire_address_format(b, &mailboxes[i].address);
    }
    buffer_add_byte(b, 0);
}

static void accepts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct mailbox mailboxes[3];
        struct wire_error error = {NULL, 0};
        size_t count;
        int r = wire_mailbox_list_parse(&a, slice_text(accepted[i].value), WIRE_ADDRESS_UTF8, 3,
                                        mailboxes, &count, &error);

        if (r < 0)
            fail_msg("%s: %d, %s at %zu", accepted[i].value, r, error.what, error.offset);
        join(&b, mailboxes, count);
        assert_string_equal(b.data, accepted[i].read);
    }
}

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct mailbox mailboxes[3];
        struct wire_error error = {NULL, 0};
        size_t count;
        int r = wire_mailbox_list_parse(&a, refused[i].value, WIRE_ADDRESS_UTF8, 3, mailboxes,
                                        &count, &error);

        if (r != refused[i].error)
            fail_msg("%s: %d, %s", refused[i].value.data, r, error.what);
        assert_non_null(error.what);
        assert_true(error.offset <= refused[i].value.size);
    }
}

static void says_why(void **state)
{
    static const struct {
        const char *value;
        const char *why;
        size_t offset;
    } reasons[] = {
        {"g: a@own.example;", "group", 1},
        {"a b", "without an address", 3},
        {"", "no mailbox", 0},
        {"a; b", "inside quotes", 1},
        {"a b@own.example", "outside quotes", 3},
        {"a@own.example b", "after the address", 14},
        {"A <a@own.example", "without its >", 2},
        {"A <@y.example:a@own.example>", "source route", 3},
        {"A <a@own_example>", "letter, digit", 8},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct mailbox mailbox;
        struct wire_error error = {"", 0};
        size_t count;

        assert_int_equal(wire_mailbox_list_parse(&a, slice_text(reasons[i].value), 0, 1, &mailbox,
                                                 &count, &error),
                         -EBADMSG);
        if (!strstr(error.what, reasons[i].why) || error.offset != reasons[i].offset)
            fail_msg("%s: %s at %zu", reasons[i].value, error.what, error.offset);
    }
}

static void literals_are_a_choice(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct mailbox mailboxes[2];
    struct wire_error error;
    size_t count = 0;

    (void)state;
    assert_int_equal(wire_mailbox_list_parse(&a, SLICE("a@[192.0.2.1] , b@[IPv6:::1](x)"),
                                             WIRE_ADDRESS_LITERAL, 2, mailboxes, &count, &error),
                     0);
    assert_int_equal(count, 2);
    assert_true(mailboxes[1].address.literal);
}

/* UTF-8 in a name is text; in an address it needs SMTPUTF8. */
static void utf8_in_addresses_is_a_choice(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct mailbox mailbox;
    struct wire_error error;
    size_t count;

    (void)state;
    assert_int_equal(wire_mailbox_list_parse(&a, SLICE("\xc3\xa9 <a@x.example>"), 0, 1, &mailbox,
                                             &count, &error),
                     0);
    assert_int_equal(
        wire_mailbox_list_parse(&a, SLICE("\xc3\xa9@x.example"), 0, 1, &mailbox, &count, &error),
        -EAFNOSUPPORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(says_why),
        cmocka_unit_test(literals_are_a_choice),
        cmocka_unit_test(utf8_in_addresses_is_a_choice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
