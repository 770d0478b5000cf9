#include "wire/smtp_command.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16
#define A512 A64 A64 A64 A64 A64 A64 A64 A64

static const struct smtp_command_options plain = {0};

/* Lines that are refused, with the reply. */
static const struct {
    struct slice line;
    const struct smtp_command_options *options;
    uint16_t code;
    const char *enhanced;
} refused[] = {
    {{"", 0}, &plain, 500, "5.5.1"},
    {{" NOOP", 5}, &plain, 500, "5.5.1"},
    {{"\x80\x81\x82", 3}, &plain, 500, "5.5.1"},
    {{"NOOP\rRSET", 9}, &plain, 500, "5.5.1"},
    {{"NOOP\tx", 6}, &plain, 500, "5.5.1"},
    {{"\x16\x03\x01\0\xa5\x01\0", 7}, &plain, 500, "5.5.1"},
    {SLICE("NOOP \0x"), &plain, 501, "5.5.2"},
    {SLICE("NOOP \xff"), &plain, 501, "5.5.2"},
    {SLICE("EHLO"), &plain, 501, "5.5.4"},
    {SLICE("HELO "), &plain, 501, "5.5.4"},
    {SLICE("EHLO " A512), &plain, 501, "5.5.4"},
    {SLICE("EHLO a\x1b[31m"), &plain, 501, "5.5.2"},
    {SLICE("EHLO a b"), &plain, 501, "5.5.4"},
    {SLICE("EHLO a..b"), &plain, 501, "5.5.4"},
    {SLICE("EHLO [a>b]"), &plain, 501, "5.5.4"},
    {SLICE("EHLO []"), &plain, 501, "5.5.4"},
    {SLICE("EHLO [1"), &plain, 501, "5.5.4"},
    {SLICE("EHLO 1]"), &plain, 501, "5.5.4"},
    {SLICE("EHLO " A64), &plain, 501, "5.5.4"},
    {SLICE("EHLO \xc3\xa9.example"), &plain, 501, "5.5.4"},
    {SLICE("DATA x"), &plain, 501, "5.5.4"},
    {SLICE("RSET x"), &plain, 501, "5.5.4"},
    {SLICE("QUIT x"), &plain, 501, "5.5.4"},
    {SLICE("STARTTLS x"), &plain, 501, "5.5.4"},
    {SLICE("VRFY"), &plain, 501, "5.5.4"},
    {SLICE("EXPN"), &plain, 501, "5.5.4"},
    {SLICE("NOOP " A512 A512 A512 A512), &plain, 500, "5.5.2"},
    {SLICE("AUTH"), &plain, 501, "5.5.4"},
    {SLICE("AUTH PLAIN !!!!"), &plain, 501, "5.5.2"},
    {SLICE("AUTH PLAIN AAA"), &plain, 501, "5.5.2"},
    {SLICE("AUTH PLAIN A==="), &plain, 501, "5.5.2"},
    {SLICE("AUTH PLAIN AGEAYg== x"), &plain, 501, "5.5.4"},
    {SLICE("AUTH PL,IN"), &plain, 501, "5.5.4"},
    {SLICE("AUTH AAAAAAAAAAAAAAAAAAAAA"), &plain, 501, "5.5.4"},
    {SLICE("BDAT"), &plain, 501, "5.5.4"},
    {SLICE("BDAT -1"), &plain, 501, "5.5.4"},
    {SLICE("BDAT 1 FIRST"), &plain, 501, "5.5.4"},
    {SLICE("BDAT 1 LAST LAST"), &plain, 501, "5.5.4"},
};

/* Copies the line to memory of its exact size, so that reading past its end is seen. */
static bool parse(struct arena *a, struct slice line, const struct smtp_command_options *options,
                  struct smtp_command *ret, struct wire_reply *ret_refusal)
{
    char *exact = malloc(line.size ? line.size : 1);
    bool parsed;

    if (line.size)
        memcpy(exact, line.data, line.size);
    parsed = wire_command_parse(a, slice_of(exact, line.size), options, ret, ret_refusal);
    free(exact);
    return parsed;
}

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct smtp_command command;
        struct wire_reply reply = {0};

        if (parse(&a, refused[i].line, refused[i].options, &command, &reply))
            fail_msg("case %zu was accepted: %s", i, refused[i].line.data);
        if (reply.code != refused[i].code || strcmp(reply.enhanced, refused[i].enhanced) != 0)
            fail_msg("%s: %u %s %s", refused[i].line.data, reply.code, reply.enhanced, reply.text);
        assert_true(slice_is_ascii(slice_text(reply.text)));
        assert_null(strpbrk(reply.text, "\r\n"));
    }
}

/* Parses what must be accepted; slices point into the literal or the arena. */
static struct smtp_command accept(struct arena *a, const char *line,
                                  const struct smtp_command_options *options)
{
    struct smtp_command command = {0};
    struct wire_reply reply = {0};

    if (!wire_command_parse(a, slice_text(line), options, &command, &reply))
        fail_msg("%s: %u %s %s", line, reply.code, reply.enhanced, reply.text);
    return command;
}

static void knows_the_verbs(void **state)
{
    static const struct {
        const char *line;
        enum smtp_verb verb;
    } lines[] = {
        {"EHLO mx.example", SMTP_EHLO},
        {"helo x", SMTP_HELO},
        {"EHLO [192.0.2.1]", SMTP_EHLO},
        {"EHLO [IPv6:2001:db8::1]", SMTP_EHLO},
        {"EHLO DESKTOP_1", SMTP_EHLO},
        {"EHLO [1]", SMTP_EHLO},
        {"EHLO " A16 A16 A16 "aaaaaaaaaaaaaaa", SMTP_EHLO},
        {"AUTH X", SMTP_AUTH},
        {"AUTH aaaaaaaaaaaaaaaaaaaa", SMTP_AUTH},
        {"mail from:<>", SMTP_MAIL},
        {"RCPT To:<b@dst.example>", SMTP_RCPT},
        {"DATA", SMTP_DATA},
        {"DATA  ", SMTP_DATA},
        {"RSET\t", SMTP_RSET},
        {"BDAT 0 last", SMTP_BDAT},
        {"NOOP", SMTP_NOOP},
        {"NOOP " A512, SMTP_NOOP},
        {"QUIT", SMTP_QUIT},
        {"VRFY root", SMTP_VRFY},
        {"EXPN staff", SMTP_EXPN},
        {"HELP", SMTP_HELP},
        {"HELP MAIL", SMTP_HELP},
        {"AUTH PLAIN", SMTP_AUTH},
        {"STARTTLS", SMTP_STARTTLS},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;

        assert_int_equal(accept(&a, lines[i].line, &plain).verb, lines[i].verb);
    }
    assert_string_equal(wire_command_name(SMTP_STARTTLS), "STARTTLS");
}

static void reads_auth(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer line = BUFFER_NONE;
    struct smtp_auth auth = accept(&a, "auth plain AHUAcA==", &plain).auth;

    (void)state;
    assert_true(slice_equal(auth.mechanism, SLICE("PLAIN")));
    assert_true(auth.has_initial && slice_equal(auth.initial, SLICE("AHUAcA==")));
    auth = accept(&a, "AUTH EXTERNAL =", &plain).auth;
    assert_true(auth.has_initial && auth.initial.size == 0);
    auth = accept(&a, "AUTH LOGIN", &plain).auth;
    assert_false(auth.has_initial);

    buffer_add(&line, SLICE("AUTH PLAIN "));
    memset(buffer_reserve(&line, 12000), 'A', 12000);
    line.size += 12000;
    buffer_add_byte(&line, 0);
    assert_int_equal(accept(&a, line.data, &plain).auth.initial.size, 12000);
}

static void reads_bdat(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct smtp_command c = accept(&a, "BDAT 1000", &plain);

    (void)state;
    assert_int_equal(c.bdat.size_bytes, 1000);
    assert_false(c.bdat.last);
    c = accept(&a, "BDAT 99999999999999999999999 LAST", &plain);
    assert_true(c.bdat.size_bytes == UINT64_MAX && c.bdat.last);
}

/* The code for `start` and letters up to `size` bytes with CR LF; 0 if the line is taken. */
static uint16_t code_of_long(const char *start, size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer line = BUFFER_NONE;
    struct smtp_command command;
    struct wire_reply reply = {0};

    buffer_add(&line, slice_text(start));
    while (line.size < size - 2)
        buffer_add_byte(&line, 'A');
    return wire_command_parse(&a, buffer_slice(&line), &plain, &command, &reply) ? 0 : reply.code;
}

static void bounds_lines(void **state)
{
    (void)state;
    assert_int_equal(code_of_long("NOOP ", LIMIT_COMMAND_BYTES), 0);
    assert_int_equal(code_of_long("NOOP ", LIMIT_COMMAND_BYTES + 1), 500);
    assert_int_equal(code_of_long("AUTH A    ", LIMIT_AUTH_LINE_BYTES), 0);
    assert_int_equal(code_of_long("AUTH A    ", LIMIT_AUTH_LINE_BYTES + 1), 500);
    assert_int_equal(code_of_long("EHLO a.", LIMIT_COMMAND_BYTES), 501);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),      cmocka_unit_test(knows_the_verbs),
        cmocka_unit_test(reads_auth),   cmocka_unit_test(reads_bdat),
        cmocka_unit_test(bounds_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
