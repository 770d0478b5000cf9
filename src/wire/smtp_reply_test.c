#include "wire/smtp_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *bytes;
    int result; /* 1, or what the parser says when it has all bytes */
    uint16_t code;
    size_t used;
    const char *text; /* lines joined with | */
    struct smtp_status status;
    bool mismatch;
} cases[] = {
    {"220 x\r\n", 1, 220, 7, "x", {0}, false},
    {"220 x\n", 1, 220, 6, "x", {0}, false},
    {"220\r\n", 1, 220, 5, "", {0}, false},
    {"250 \r\nrest", 1, 250, 6, "", {0}, false},
    {"220 go\r\n250 injected\r\n", 1, 220, 8, "go", {0}, false},
    {"235-a\r\n235 b\r\n", 1, 235, 14, "a|b", {0}, false},
    {"250-\r\n250-b\n250 c\r\n", 1, 250, 19, "|b|c", {0}, false},
    {"250 2.0.0 Ok: queued as ABC\r\n", 1, 250, 29, "2.0.0 Ok: queued as ABC", {2, 0, 0}, false},
    {"450 5.1.1 odd\r\n", 1, 450, 15, "5.1.1 odd", {5, 1, 1}, true},
    {"550 4.2.2 odd\r\n", 1, 550, 15, "4.2.2 odd", {4, 2, 2}, true},
    {"550-a\r\n550 5.7.26 b\r\n", 1, 550, 21, "a|5.7.26 b", {5, 7, 26}, false},
    {"299 x\r\n", 1, 299, 7, "x", {0}, false},
    {"421 4.3.2 busy\r\n", 1, 421, 16, "4.3.2 busy", {4, 3, 2}, false},
    {"334 \r\n", 1, 334, 6, "", {0}, false},
    {"220 x", 0, 0, 5, NULL, {0}, false},
    {"220-x\r\n", 0, 0, 7, NULL, {0}, false},
    {"hello\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {"\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {"22\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {"2x0 a\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {"2200 a\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {"220=a\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {"150 a\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {"650 a\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {" 220 a\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {"220-a\r\n250 b\r\n", -EPROTO, 0, 0, NULL, {0}, false},
    {"220-a\r\nb\r\n", -EPROTO, 0, 0, NULL, {0}, false},
};

static void assert_same_status(const struct smtp_status *got, const struct smtp_status *wanted)
{
    assert_int_equal(got->class, wanted->class);
    assert_int_equal(got->subject, wanted->subject);
    assert_int_equal(got->detail, wanted->detail);
}

static void check_reply(size_t i, const struct smtp_reply *reply)
{
    CLEANUP(buffer_done) struct buffer joined = BUFFER_NONE;

    assert_int_equal(reply->code, cases[i].code);
    for (size_t line = 0; line < reply->line_count; line++) {
        if (line)
            buffer_add_byte(&joined, '|');
        buffer_add(&joined, reply->lines[line]);
    }
    assert_true(slice_equal(buffer_slice(&joined), slice_text(cases[i].text)));
    assert_same_status(&reply->status, &cases[i].status);
    assert_int_equal(reply->status_mismatch, cases[i].mismatch);
}

/* Pieces of `first`, then of `rest` bytes; stops like a client: at a reply or an error. */
static void run_case(size_t i, size_t first, size_t rest)
{
    CLEANUP(reply_parser_done) struct reply_parser p = REPLY_PARSER_NONE;
    struct slice bytes = slice_text(cases[i].bytes);
    struct smtp_reply reply;
    struct wire_error error = {NULL, 0};
    size_t at = 0, used, size = first;
    int r = 0;

    while (r == 0 && at < bytes.size) {
        r = reply_parser_feed(&p, slice_part(bytes, at, size), &used, &reply, &error);
        at += used;
        size = rest;
    }
    if (r != cases[i].result)
        fail_msg("case %zu cut at %zu: %d, %s", i, first, r, error.what);
    if (r >= 0)
        assert_int_equal(at, cases[i].used);
    if (r > 0)
        check_reply(i, &reply);
    if (r < 0)
        assert_non_null(error.what);
}

static void parses_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].bytes); cut++)
            run_case(i, cut, strlen(cases[i].bytes));
        run_case(i, 1, 1);
    }
}

static void parses_replies_in_a_row(void **state)
{
    CLEANUP(reply_parser_done) struct reply_parser p = REPLY_PARSER_NONE;
    struct slice bytes = SLICE("250-a\r\n250 b\r\n550 5.1.1 c\r\n354 d\r\n");
    static const uint16_t codes[] = {250, 550, 354};
    struct smtp_reply reply;
    struct wire_error error;
    size_t used;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        assert_int_equal(reply_parser_feed(&p, bytes, &used, &reply, &error), 1);
        assert_int_equal(reply.code, codes[i]);
        bytes = slice_part(bytes, used, bytes.size);
    }
    assert_int_equal(reply.status.class, 0);
    assert_int_equal(bytes.size, 0);
}

/* Feeds the same bytes again and again; how many times before the parser has enough, and why. */
static size_t feed_for_ever(struct slice bytes, int *ret_result)
{
    CLEANUP(reply_parser_done) struct reply_parser p = REPLY_PARSER_NONE;
    struct smtp_reply reply;
    struct wire_error error;
    size_t used;

    for (size_t n = 0; n < 1000000; n++) {
        *ret_result = reply_parser_feed(&p, bytes, &used, &reply, &error);
        if (*ret_result != 0)
            return n;
        assert_true(p.text.size + p.partial.size <= LIMIT_REPLY_BYTES + LIMIT_REPLY_LINE_BYTES);
    }
    return SIZE_MAX;
}

static void bounds_endless_replies(void **state)
{
    char long_line[1024];
    int r;

    (void)state;
    assert_int_equal(feed_for_ever(SLICE("220-x\r\n"), &r), LIMIT_REPLY_LINES);
    assert_int_equal(r, -EMSGSIZE);
    assert_int_equal(feed_for_ever(SLICE("2"), &r), LIMIT_REPLY_LINE_BYTES);
    assert_int_equal(r, -EMSGSIZE);
    memset(long_line, 'a', sizeof long_line);
    memcpy(long_line, "220-", 4);
    long_line[sizeof long_line - 1] = '\n';
    assert_true(feed_for_ever(slice_of(long_line, sizeof long_line), &r) < 66);
    assert_int_equal(r, -EMSGSIZE);
}

static void reads_status(void **state)
{
    static const struct {
        const char *text;
        struct smtp_status status; /* class 0: none */
    } texts[] = {
        {"5.1.1 x", {5, 1, 1}},
        {"2.0.0", {2, 0, 0}},
        {"4.7.650 x", {4, 7, 650}},
        {"5.123.456", {5, 123, 456}},
        {"5.1", {0}},
        {"5.1.", {0}},
        {"5.1.1x", {0}},
        {"5.1.1.1", {0}},
        {"5.1.1234", {0}},
        {"3.1.1", {0}},
        {"x5.1.1", {0}},
        {"5..1", {0}},
        {"", {0}},
        {"5.1234.1", {0}},
        {"5-1.1 x", {0}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct smtp_status status = {0};
        bool found = wire_status_parse(slice_text(texts[i].text), &status);

        assert_int_equal(found, texts[i].status.class != 0);
        assert_same_status(&status, &texts[i].status);
    }
}

/* The reply in `bytes`, in the arena. */
static struct smtp_reply parse(struct arena *a, struct slice bytes)
{
    CLEANUP(reply_parser_done) struct reply_parser p = REPLY_PARSER_NONE;
    struct smtp_reply reply;
    struct wire_error error;
    size_t used;

    assert_int_equal(reply_parser_feed(&p, bytes, &used, &reply, &error), 1);
    return wire_reply_copy(a, &reply);
}

static void escapes_strangers_text(void **state)
{
    static const struct {
        struct slice bytes;
        size_t max;
        const char *text;
    } replies[] = {
        {{"550 \xff\xfe\r\n", 8}, 100, "550 \\xff\\xfe"},
        {{"550-a\r\n550 b\r\n", 14}, 100, "550 a / b"},
        {{"550 a\rb\0c\x1b[31m\r\n", 17}, 100, "550 a\\x0db\\x00c\\x1b[31m"},
        {{"550 caf\xc3\xa9\r\n", 11}, 100, "550 caf\xc3\xa9"},
        {{"550 caf\xc3\xa9\r\n", 11}, 8, "550 caf"},
        {{"550 abcdef\r\n", 12}, 6, "550 ab"},
        {{"550\r\n", 5}, 100, "550"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct smtp_reply reply = parse(&a, replies[i].bytes);

        assert_string_equal(wire_reply_escape(&a, &reply, replies[i].max).data, replies[i].text);
    }
}

static struct smtp_capabilities capabilities(const char *text)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct smtp_reply reply = parse(&a, slice_text(text));
    struct smtp_capabilities c;

    wire_capabilities_parse(&reply, &c);
    return c;
}

static void reads_capabilities(void **state)
{
    struct smtp_capabilities c = capabilities(
        "250-mx.example\r\n250-pipelining\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-STARTTLS\r\n"
        "250-SMTPUTF8\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250 REQUIRETLS\r\n");

    (void)state;
    assert_true(c.pipelining && c.eightbitmime && c.starttls && c.smtputf8 && c.dsn);
    assert_true(c.enhanced_status && c.chunking && c.requiretls && c.size);
    assert_int_equal(c.size_bytes, 1000);
    assert_false(c.auth);
    c = capabilities("250-mx.example\r\n250-XSTARTTLS\r\n250-STARTTLSX\r\n250 SIZE\r\n");
    assert_false(c.starttls);
    assert_true(c.size);
    assert_int_equal(c.size_bytes, 0);
    c = capabilities("250-SIZE 99999\r\n250-SIZE 10\r\n250-SIZE 0\r\n250-SIZE -1\r\n250 x\r\n");
    assert_int_equal(c.size_bytes, 10);
}

static void reads_mechanisms(void **state)
{
    (void)state;
    assert_int_equal(capabilities("250 AUTH  PLAIN   LOGIN \r\n").mechanisms,
                     SMTP_MECHANISM_PLAIN | SMTP_MECHANISM_LOGIN);
    assert_int_equal(
        capabilities("250-x\r\n250-AUTH=LOGIN plain\r\n250 AUTH CRAM-MD5\r\n").mechanisms,
        SMTP_MECHANISM_PLAIN | SMTP_MECHANISM_LOGIN | SMTP_MECHANISM_CRAM_MD5);
    assert_int_equal(capabilities("250-x\r\n250 AUTH LOGIN1 CRAM_MD5\r\n").mechanisms,
                     SMTP_MECHANISM_OTHER);
    assert_true(capabilities("250-x\r\n250 AUTH\r\n").auth);
    assert_int_equal(capabilities("250-x\r\n250 AUTH\r\n").mechanisms, 0);
    assert_false(capabilities("250-x\r\n250 AUTHX PLAIN\r\n").auth);
    assert_string_equal(wire_mechanism_name(SMTP_MECHANISM_SCRAM_SHA_256), "SCRAM-SHA-256");
    assert_null(wire_mechanism_name(SMTP_MECHANISM_OTHER));
}

static void formats_replies(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    (void)state;
    wire_reply_format(&b, &(struct wire_reply){250, NULL, "mx.example\nSIZE 10\nDSN"});
    wire_reply_format(&b, &(struct wire_reply){550, "5.7.1", "No\nreally"});
    wire_reply_format(&b, &(struct wire_reply){221, "2.0.0", "Bye"});
    buffer_add_byte(&b, 0);
    assert_string_equal(b.data, "250-mx.example\r\n250-SIZE 10\r\n250 DSN\r\n"
                                "550-5.7.1 No\r\n550 5.7.1 really\r\n221 2.0.0 Bye\r\n");
}

static void classifies(void **state)
{
    (void)state;
    assert_int_equal(wire_reply_class(200), SMTP_CLASS_SUCCESS);
    assert_int_equal(wire_reply_class(354), SMTP_CLASS_CONTINUE);
    assert_int_equal(wire_reply_class(421), SMTP_CLASS_TRANSIENT);
    assert_int_equal(wire_reply_class(599), SMTP_CLASS_PERMANENT);
    assert_int_equal(wire_reply_class(199), SMTP_CLASS_NONE);
    assert_int_equal(wire_reply_class(600), SMTP_CLASS_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_cut_anywhere),
        cmocka_unit_test(parses_replies_in_a_row),
        cmocka_unit_test(bounds_endless_replies),
        cmocka_unit_test(reads_status),
        cmocka_unit_test(escapes_strangers_text),
        cmocka_unit_test(reads_capabilities),
        cmocka_unit_test(reads_mechanisms),
        cmocka_unit_test(formats_replies),
        cmocka_unit_test(classifies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
