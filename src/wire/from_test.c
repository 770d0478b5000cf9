#include "wire/from.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define OWN "From: a@own.example\r\n"

static const struct {
    const char *header;
    enum wire_from_verdict verdict;
    const char *from;
} cases[] = {
    {OWN, WIRE_FROM_OK, "a@own.example"},
    {"from:a@own.example\r\n", WIRE_FROM_OK, "a@own.example"},
    {"X: y\r\n From: b@victim.example\r\n" OWN, WIRE_FROM_OK, "a@own.example"},
    {OWN "Reply-To: b@victim.example\r\n", WIRE_FROM_OK, "a@own.example"},
    {"Subject: x\r\n", WIRE_FROM_MISSING, NULL},
    {"", WIRE_FROM_MISSING, NULL},
    {OWN "FROM: b@victim.example\r\n", WIRE_FROM_REPEATED, NULL},
    {OWN OWN, WIRE_FROM_REPEATED, NULL},
    {"From: a@own.example, b@own.example\r\n", WIRE_FROM_SEVERAL, NULL},
    {"From: a@own.example, junk\r\n", WIRE_FROM_SEVERAL, NULL},
    {"From:\r\n", WIRE_FROM_UNREADABLE, NULL},
    {"From: g: a@own.example;\r\n", WIRE_FROM_UNREADABLE, NULL},
    {"From: a@own.example <b@victim.example>\r\n", WIRE_FROM_UNREADABLE, NULL},
    {OWN "Sender: b@victim.example\r\n", WIRE_FROM_OK, "a@own.example"},
    {OWN "Sender: b@x.example\r\nSender: c@x.example\r\n", WIRE_FROM_SENDER_REPEATED, NULL},
    {OWN "Sender: b@x.example, c@x.example\r\n", WIRE_FROM_SENDER_UNREADABLE, NULL},
    {OWN "Sender: b\r\n", WIRE_FROM_SENDER_UNREADABLE, NULL},
    {OWN "Resent-From: b\r\n", WIRE_FROM_RESENT_UNREADABLE, NULL},
    {OWN "Resent-Sender:\r\n", WIRE_FROM_RESENT_UNREADABLE, NULL},
};

static void judges(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct wire_header h;
        struct wire_from from;
        struct wire_error error;

        assert_int_equal(wire_header_scan(&a, slice_text(cases[i].header), &h, &error), 0);
        wire_from_judge(&a, &h, &from);
        if (from.verdict != cases[i].verdict)
            fail_msg("%s: %s", cases[i].header, wire_from_word(from.verdict));
        if (from.verdict > WIRE_FROM_MISSING)
            assert_true(from.field && from.field->whole.size);
        if (from.verdict == WIRE_FROM_SENDER_REPEATED)
            assert_ptr_equal(from.field, wire_header_find(&h, SLICE("Sender"), NULL));
        if (cases[i].from)
            assert_string_equal(wire_address_text(&a, &from.from.address).data, cases[i].from);
    }
}

static void collects_other_identities(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct wire_header h;
    struct wire_from from;
    struct wire_error error;
    static const char *const claims[] = {"s@x.example", "r1@x.example", "r2@x.example",
                                         "r3@x.example", "rs@x.example"};

    (void)state;
    assert_int_equal(wire_header_scan(&a,
                                      SLICE("Return-Path: <x@y.example>\r\n" OWN
                                            "Resent-Sender: rs@x.example\r\n"
                                            "Resent-From: r1@x.example, r2@x.example\r\n"
                                            "Sender: S <s@x.example>\r\n"
                                            "Resent-From: r3@x.example\r\n"),
                                      &h, &error),
                     0);
    wire_from_judge(&a, &h, &from);
    assert_int_equal(from.verdict, WIRE_FROM_OK);
    assert_int_equal(from.return_path_count, 1);
    assert_int_equal(from.claim_count, ARRAY_LEN(claims));
    for (size_t i = 0; i < from.claim_count; i++)
        assert_string_equal(wire_address_text(&a, &from.claims[i].mailbox.address).data, claims[i]);
}

static void bounds_claims(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct wire_header h;
    struct wire_from from;
    struct wire_error error;

    (void)state;
    buffer_add(&b, SLICE(OWN));
    for (int i = 0; i < WIRE_FROM_CLAIMS_MAX; i++)
        buffer_add(&b, SLICE("Resent-From: r@x.example\r\n"));
    assert_int_equal(wire_header_scan(&a, buffer_slice(&b), &h, &error), 0);
    wire_from_judge(&a, &h, &from);
    assert_int_equal(from.verdict, WIRE_FROM_OK);
    buffer_add(&b, SLICE("Resent-Sender: r@x.example\r\n"));
    assert_int_equal(wire_header_scan(&a, buffer_slice(&b), &h, &error), 0);
    wire_from_judge(&a, &h, &from);
    assert_int_equal(from.verdict, WIRE_FROM_TOO_MANY_CLAIMS);
}

static void every_verdict_has_words(void **state)
{
    (void)state;
    for (int v = WIRE_FROM_OK; v <= WIRE_FROM_TOO_MANY_CLAIMS; v++) {
        assert_non_null(wire_from_word((enum wire_from_verdict)v));
        assert_non_null(wire_from_sentence((enum wire_from_verdict)v));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(collects_other_identities),
        cmocka_unit_test(bounds_claims),
        cmocka_unit_test(every_verdict_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
