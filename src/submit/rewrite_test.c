#include "submit/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TRACE "Received: by mail.test; now\r\n"
#define DATE "Date: Mon, 23 Nov 2026 21:00:06 +0000\r\n"
#define ID                                                                                         \
    "Message-ID: <0f000000000000ff-00000000-0000-4000-8000-000000000000-000000@mail.test>\r\n"
#define KNOWN "Date: x\r\nMessage-ID: <y>\r\n"

struct rewriting {
    const char *message, *expected;
    size_t body_size;
};

static const struct rewriting REWRITINGS[] = {
    {KNOWN "From: a\r\n\r\nbody\r\n", KNOWN "From: a\r\n\r\nbody\r\n", 6},
    {"From: a\r\n\r\nbody\r\n", "From: a\r\n" DATE ID "\r\nbody\r\n", 6},
    {"From: a\r\nmessage-id: <z>\r\n\r\nb\r\n", "From: a\r\nmessage-id: <z>\r\n" DATE "\r\nb\r\n",
     3},
    {"From: a\r\nDATE: then\r\n\r\n", "From: a\r\nDATE: then\r\n" ID "\r\n", 0},
    {KNOWN "From: a\r\n", KNOWN "From: a\r\n\r\n", 0},
    {KNOWN "From: a", KNOWN "From: a\r\n\r\n", 0},
    {KNOWN "\r\n\r\n\r\n", KNOWN "\r\n\r\n\r\n", 4},
    /* taken out, wherever they stand and however they are written */
    {"Bcc: secret@x.example\r\n" KNOWN "\r\nb\r\n", KNOWN "\r\nb\r\n", 3},
    {KNOWN "bcc: one,\r\n two\r\nFrom: a\r\n\r\nb\r\n", KNOWN "From: a\r\n\r\nb\r\n", 3},
    {KNOWN "From: a\r\nResent-Bcc: x\r\n", KNOWN "From: a\r\n\r\n", 0},
    {"Return-Path: <b@victim.example>\r\n" KNOWN "\r\n", KNOWN "\r\n", 0},
    {"X-SES-CONFIGURATION-SET: a\r\nx-ses-message-tags: b=c\r\n" KNOWN "\r\n", KNOWN "\r\n", 0},
    {"X-LETTERHEAD-priority: bulk\r\nX-Letterhead: a\r\n" KNOWN "\r\n",
     "X-Letterhead: a\r\n" KNOWN "\r\n", 0},
    {"X-SESAME: a\r\n" KNOWN "\r\n", "X-SESAME: a\r\n" KNOWN "\r\n", 0},
    {"Bcc-Note: a\r\n" KNOWN "\r\n", "Bcc-Note: a\r\n" KNOWN "\r\n", 0},
    /* claims to come from us */
    {"Authentication-Results: mail.test; dkim=pass\r\n" KNOWN "\r\n", KNOWN "\r\n", 0},
    {"authentication-results:\r\n (a (b\\) c)) MAIL.Test 1; spf=pass\r\n" KNOWN "\r\n",
     KNOWN "\r\n", 0},
    {"Authentication-Results: \"mail.test\"; none\r\n" KNOWN "\r\n", KNOWN "\r\n", 0},
    {"Authentication-Results: mail.test\r\n" KNOWN "\r\n", KNOWN "\r\n", 0},
    {"Authentication-Results: mail.test.example; none\r\n" KNOWN "\r\n",
     "Authentication-Results: mail.test.example; none\r\n" KNOWN "\r\n", 0},
    {"Authentication-Results: other; x=mail.test\r\n" KNOWN "\r\n",
     "Authentication-Results: other; x=mail.test\r\n" KNOWN "\r\n", 0},
};

static void check(const struct rewriting *c, size_t room)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    struct submit_rewrite rewrite = {.host_name = SLICE("mail.test"),
                                     .id = {.ms = 255, .uuid = {[6] = 0x40, [8] = 0x80}},
                                     .time_s = 1795467606,
                                     .trace_size = strlen(TRACE)};
    struct wire_header header;
    struct wire_error error;

    buffer_reserve(&bytes, room);
    buffer_add(&bytes, SLICE(TRACE));
    buffer_add(&bytes, slice_text(c->message));
    struct slice message = slice_part(buffer_slice(&bytes), strlen(TRACE), bytes.size);
    assert_int_equal(wire_header_scan(&arena, message, &header, &error), 0);
    size_t header_size = submit_rewrite_header(&rewrite, &header, &bytes);
    assert_int_equal(bytes.size - header_size, c->body_size);
    assert_memory_equal(bytes.data, TRACE, strlen(TRACE));
    buffer_add_byte(&bytes, 0);
    assert_string_equal(bytes.data + strlen(TRACE), c->expected);
}

static void puts_headers_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(REWRITINGS); i++) {
        check(&REWRITINGS[i], 1);
        check(&REWRITINGS[i], 10000);
    }
}

static void finds_repeated_fields(void **state)
{
    (void)state;
    static const struct {
        const char *header, *repeated;
    } cases[] = {
        {"Subject: a\r\nTo: b\r\nTo: c\r\nReceived: x\r\nReceived: y\r\n", NULL},
        {"Subject: a\r\nsubject: b\r\n", "Subject"},
        {"Date: a\r\nFrom: b\r\nDATE: c\r\n", "Date"},
        {"Message-Id: a\r\nMessage-ID: b\r\n", "Message-ID"},
        {"Content-Type: a\r\nX: b\r\nContent-Type: c\r\n", "Content-Type"},
        {"Reply-To: a\r\nReply-To: c\r\n", "Reply-To"},
        {"Bcc: a\r\nBcc: c\r\nReturn-Path: a\r\nReturn-Path: a\r\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct wire_header header;
        struct wire_error error;
        int r = wire_header_scan(&arena, slice_text(cases[i].header), &header, &error);

        assert_int_equal(r, 0);
        const char *repeated = submit_rewrite_repeated(&header);
        if (!cases[i].repeated)
            assert_null(repeated);
        else
            assert_string_equal(repeated, cases[i].repeated);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_headers_right),
        cmocka_unit_test(finds_repeated_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
