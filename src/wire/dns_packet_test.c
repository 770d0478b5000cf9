#include "wire/dns_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct wire_packet_name name_of(const char *text)
{
    struct wire_packet_name name;

    assert_int_equal(wire_packet_name_of(slice_text(text), &name), 0);
    return name;
}

static void assert_text(const struct wire_packet_name *name, const char *text)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    wire_packet_name_text(name, &out);
    if (!slice_equal(buffer_slice(&out), slice_text(text)))
        fail_msg("%.*s, not %s", SLICE_ARG(buffer_slice(&out)), text);
}

static void names_go_both_ways(void **state)
{
    static const struct {
        const char *text, *back;
    } good[] = {
        {"example.net", "example.net"},
        {"Example.NET.", "example.net"},
        {"_x._domainkey.a-b.example", "_x._domainkey.a-b.example"},
        {"a b.example", "a\\032b.example"},
    };
    static const char *const bad[] = {
        "",   ".",   "a..b",
        ".a", "a..", "a123456789012345678901234567890123456789012345678901234567890123.example",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct wire_packet_name name = name_of(good[i].text);

        assert_text(&name, good[i].back);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct wire_packet_name name;

        if (wire_packet_name_of(slice_text(bad[i]), &name) != -EINVAL)
            fail_msg("\"%s\" was taken", bad[i]);
    }
    assert_true(
        wire_packet_name_equal(&(struct wire_packet_name){0}, &(struct wire_packet_name){0}));
}

/* An answer with a name compressed into another, twice over. */
static void compressed_names_are_read(void **state)
{
    static const char message[] = "\x12\x34\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00"
                                  "\x01"
                                  "A\x07"
                                  "Example\x00\x00\x10\x00\x01"
                                  "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04"
                                  "\x01"
                                  "b\xc0\x0e";
    struct slice bytes = slice_of(message, sizeof message - 1);
    struct wire_packet_header header;
    struct wire_packet_reader reader;
    struct wire_packet_record record;
    struct wire_packet_name name;
    uint16_t type, class;
    size_t size;

    (void)state;
    assert_int_equal(wire_packet_reader_init(bytes, &reader, &header), 0);
    assert_int_equal(header.id, 0x1234);
    assert_true(header.response && header.authoritative && !header.truncated);
    assert_int_equal(wire_packet_question_read(&reader, &name, &type, &class), 0);
    assert_text(&name, "a.example");
    assert_int_equal(wire_packet_record_read(&reader, &record), 0);
    assert_text(&record.name, "a.example");
    assert_int_equal(record.ttl_s, 60);
    assert_int_equal(wire_packet_rdata_name(bytes, &record, &name, &size), 0);
    assert_text(&name, "b.example");
    assert_int_equal(size, 4);
    assert_int_equal(wire_packet_reader_done(&reader), 0);
    for (size_t cut = 0; cut < bytes.size; cut++) { /* no part of it is taken for the whole */
        int r = wire_packet_reader_init(slice_part(bytes, 0, cut), &reader, &header);

        if (r == 0)
            r = wire_packet_question_read(&reader, &name, &type, &class);
        if (r == 0)
            r = wire_packet_record_read(&reader, &record);
        assert_int_equal(r, -EBADMSG);
    }
}

static void pointers_lead_back_or_nowhere(void **state)
{
    static const struct {
        const char *what, *name;
        size_t size;
    } cases[] = {
        {"to itself", "\xc0\x0c\x00\x10\x00\x01", 6},
        {"forward", "\xc0\x10\x00\x10\x00\x01", 6},
        {"round and round",
         "\x01"
         "a\xc0\x0c\x00\x10\x00\x01",
         8},
        {"a label of a kind that is not", "\x40\x61\x00\x00\x10\x00\x01", 7},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
        struct wire_packet_header header = {.counts = {1, 0, 0, 0}};
        struct wire_packet_reader reader;
        struct wire_packet_name name;
        uint16_t type, class;

        wire_packet_header_write(&message, &header);
        buffer_add(&message, slice_of(cases[i].name, cases[i].size));
        assert_int_equal(wire_packet_reader_init(buffer_slice(&message), &reader, &header), 0);
        if (wire_packet_question_read(&reader, &name, &type, &class) != -EBADMSG)
            fail_msg("a pointer %s was followed", cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(compressed_names_are_read),
        cmocka_unit_test(pointers_lead_back_or_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
