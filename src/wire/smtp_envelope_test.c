#include "wire/smtp_envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16
#define A512 A64 A64 A64 A64 A64 A64 A64 A64

static const struct smtp_command_options plain = {0};
static const struct smtp_command_options utf8 = {.smtputf8 = true, .postmaster = true};

/* Lines that are refused, with the reply. */
static const struct {
    struct slice line;
    const struct smtp_command_options *options;
    uint16_t code;
    const char *enhanced;
} refused[] = {
    {SLICE("MAIL FROM:<a@own.example>\nRCPT TO:<b@dst.example>"), &plain, 501, "5.5.2"},
    {SLICE("MAIL"), &plain, 501, "5.5.4"},
    {SLICE("MAIL TO:<a@own.example>"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM <a@own.example>"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:"), &plain, 501, "5.1.7"},
    {SLICE("MAIL FROM:a@own.example"), &plain, 501, "5.1.7"},
    {SLICE("MAIL FROM:  <a@own.example>"), &plain, 501, "5.1.7"},
    {SLICE("MAIL FROM:<a@own.example"), &plain, 501, "5.1.7"},
    {SLICE("MAIL FROM:<a@own.example>SIZE=1"), &plain, 501, "5.1.7"},
    {SLICE("MAIL FROM:<a@own.example>> SIZE=1"), &plain, 501, "5.1.7"},
    {SLICE("MAIL FROM:<@y.example:a@own.example>"), &plain, 501, "5.1.7"},
    {SLICE("MAIL FROM:<a@[192.0.2.1]>"), &plain, 501, "5.1.7"},
    {SLICE("MAIL FROM:<a@own.example> SIZE=99999999999999999999"), &plain, 552, "5.3.4"},
    {SLICE("MAIL FROM:<a@own.example> SIZE=999999999999999999999"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> SIZE=41943041"), &plain, 552, "5.3.4"},
    {SLICE("MAIL FROM:<a@own.example> SIZE=-1"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> SIZE="), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> SIZE"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> SIZE=1 SIZE=1"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> FOO=bar"), &plain, 555, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> XREQUIRE"), &plain, 555, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> NOTIFY=NEVER"), &plain, 555, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> =x"), &plain, 555, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> BODY=BINARYMIME"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> SMTPUTF8=1"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> RET=ALL"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> ENVID=a+ZZ"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> ENVID="), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> ENVID=+0D+0A"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> ENVID=" A64 A16 A16 "aaaaa"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<a@own.example> AUTH=a=b"), &plain, 501, "5.5.4"},
    {SLICE("MAIL FROM:<\xc3\xa9@own.example>"), &plain, 553, "5.6.7"},
    {SLICE("MAIL FROM:<\xc3\x28@own.example> SMTPUTF8"), &plain, 501, "5.1.7"},
    {SLICE("RCPT TO:<>"), &plain, 501, "5.1.3"},
    {SLICE("RCPT TO:<b>"), &plain, 501, "5.1.3"},
    {SLICE("RCPT TO:<Postmaster>"), &plain, 501, "5.1.3"},
    {SLICE("RCPT TO:b@dst.example"), &plain, 501, "5.1.3"},
    {SLICE("RCPT TO:<" A64 "a@dst.example>"), &plain, 501, "5.1.3"},
    {SLICE("RCPT TO:<root@[IPv6:::1]>"), &plain, 501, "5.1.3"},
    {SLICE("RCPT TO:<\xc3\xa9@dst.example>"), &plain, 553, "5.6.7"},
    {SLICE("RCPT TO:<\xc3\x28@dst.example>"), &utf8, 501, "5.1.3"},
    {SLICE("RCPT TO:<b@dst.example> ORCPT=rfc822;a+0D+0Ab@x.example"), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> ORCPT=rfc822;a+FF@x.example"), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> ORCPT=rfc822;"), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> ORCPT=a@x.example"), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> ORCPT=;a@x.example"), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> ORCPT=a_b;a@x.example"), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> ORCPT=utf-8;\\x{A}b"), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> ORCPT=rfc822;" A512), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> NOTIFY=NEVER,DELAY"), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> NOTIFY=SUCCESS,"), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> NOTIFY="), &plain, 501, "5.5.4"},
    {SLICE("RCPT TO:<b@dst.example> SIZE=1"), &plain, 555, "5.5.4"},
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

static void reads_mail(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct smtp_mail m =
        accept(&a,
               "MAIL FROM: <A.b@OWN.example> SIZE=41943040 BODY=8bitmime RET=HDRS ENVID=QQ+2B1 "
               "AUTH=e+3Dmc2@x.example  SMTPUTF8 RequireTLS",
               &plain)
            .mail;

    (void)state;
    assert_string_equal(wire_address_text(&a, &m.from).data, "A.b@own.example");
    assert_int_equal(m.size_bytes, 41943040);
    assert_int_equal(m.body, SMTP_BODY_8BITMIME);
    assert_int_equal(m.ret, SMTP_RET_HDRS);
    assert_true(m.smtputf8 && m.has_envid && m.has_auth && m.requiretls);
    assert_true(slice_equal(m.envid, SLICE("QQ+1")));
    assert_true(slice_equal(m.auth, SLICE("e=mc2@x.example")));
}

static void reads_mail_defaults(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct smtp_mail m = accept(&a, "MAIL FROM:<>", &plain).mail;

    (void)state;
    assert_true(wire_address_is_null(&m.from));
    assert_false(m.smtputf8 || m.has_envid || m.has_auth || m.requiretls);
    assert_int_equal(m.size_bytes, 0);
    assert_int_equal(m.body, SMTP_BODY_UNSAID);
    m = accept(&a, "MAIL FROM:<a@own.example> AUTH=<> RET=full BODY=7BIT", &plain).mail;
    assert_true(m.has_auth && m.auth.size == 0);
    assert_int_equal(m.ret, SMTP_RET_FULL);
    assert_int_equal(m.body, SMTP_BODY_7BIT);
    m = accept(&a, "MAIL FROM:<\xc3\xa9@own.example> SMTPUTF8", &plain).mail;
    assert_true(m.from.needs_smtputf8);
}

static void reads_rcpt(void **state)
{
    static const struct {
        const char *line;
        const char *to;
    } lines[] = {
        {"RCPT TO:<\"evil@attacker.example x\"@dst.example>",
         "\"evil@attacker.example x\"@dst.example"},
        {"RCPT TO:<user%other.example@dst.example>", "user%other.example@dst.example"},
        {"RCPT TO:<other.example!user@dst.example>", "other.example!user@dst.example"},
        {"RCPT TO:<" A64 "@dst.example>", A64 "@dst.example"},
        {"RCPT TO:<a@\xef\xbd\x84st.example>", "a@dst.example"},
        {"RCPT TO:<postMASTER>", "postmaster"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct smtp_rcpt r = accept(&a, lines[i].line, &utf8).rcpt;

        assert_string_equal(wire_address_text(&a, &r.to).data, lines[i].to);
        assert_int_equal(r.notify, SMTP_NOTIFY_UNSAID);
        assert_int_equal(r.orcpt_type.size, 0);
    }
}

static void reads_rcpt_parameters(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct smtp_rcpt r = accept(&a,
                                "RCPT TO:<b@dst.example> NOTIFY=success,DELAY "
                                "ORCPT=RFC822;b+2Bc@dst.example",
                                &plain)
                             .rcpt;

    (void)state;
    assert_int_equal(r.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
    assert_true(slice_equal(r.orcpt_type, SLICE("rfc822")));
    assert_true(slice_equal(r.orcpt, SLICE("b+c@dst.example")));
    r = accept(&a, "RCPT TO:<b@dst.example> NOTIFY=NEVER ORCPT=utf-8;\\x{E9}@x.example", &plain)
            .rcpt;
    assert_int_equal(r.notify, SMTP_NOTIFY_NEVER);
    assert_true(slice_equal(r.orcpt, SLICE("\xc3\xa9@x.example")));
}

static void takes_the_longest(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;

    (void)state;
    assert_int_equal(accept(&a, "MAIL FROM:<> ENVID=" A64 A16 A16 "aaaa", &plain).mail.envid.size,
                     100);
    assert_int_equal(
        accept(&a,
               "RCPT TO:<b@dst.example> ORCPT=rfc822;" A64 A64 A64 A64 A64 A64 A64 A16 A16
               "aaaaaaaaaaaaa",
               &plain)
            .rcpt.orcpt.size,
        493);
    assert_int_equal(accept(&a, "MAIL FROM:<> SIZE=00000000000041943040", &plain).mail.size_bytes,
                     41943040);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(reads_mail),
        cmocka_unit_test(reads_mail_defaults),
        cmocka_unit_test(reads_rcpt),
        cmocka_unit_test(reads_rcpt_parameters),
        cmocka_unit_test(takes_the_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
