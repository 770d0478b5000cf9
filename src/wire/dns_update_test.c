#include "wire/dns_update.h"

#include "wire/dns_text.h"

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

/* One record of an update as a line: TYPE CLASS size. */
static void describe(const struct wire_packet_record *record, struct buffer *out)
{
    buffer_printf(out, "%u %u %zu; ", record->type, record->class, record->rdata.size);
}

static void updates_carry_their_prerequisite(void **state)
{
    static const struct {
        const char *present, *wanted, *expected;
    } cases[] = {
        {"", "v=DKIM1; p=AA", "255 254 0; 16 1 14; "}, /* nothing is there: add */
        {"v=DKIM1; p=", "v=DKIM1; p=AA", "16 1 12; 16 255 0; 16 1 14; "}, /* replace */
        {"v=DKIM1; p=AA", "", "16 1 14; 16 255 0; "},                     /* take away */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done)
        struct buffer message = BUFFER_NONE, rdata = BUFFER_NONE, lines = BUFFER_NONE;
        struct wire_dns_txt_update update = {.id = 7,
                                             .zone = name_of("dkim.example"),
                                             .name = name_of("token.dkim.example"),
                                             .wanted = slice_text(cases[i].wanted),
                                             .ttl_s = 600};
        struct wire_packet_header header;
        struct wire_packet_reader reader;
        struct wire_packet_record record;
        struct wire_packet_name zone;
        uint16_t type, class;

        if (cases[i].present[0])
            wire_dns_text_encode(&rdata, slice_text(cases[i].present));
        update.present = buffer_slice(&rdata);
        wire_dns_txt_update_write(&message, &update);
        assert_int_equal(wire_packet_reader_init(buffer_slice(&message), &reader, &header), 0);
        assert_int_equal(header.opcode, WIRE_PACKET_UPDATE);
        assert_int_equal(wire_packet_question_read(&reader, &zone, &type, &class), 0);
        assert_true(wire_packet_name_equal(&zone, &update.zone) && type == WIRE_PACKET_TYPE_SOA);
        for (int k = 0; k < header.counts[1] + header.counts[2]; k++) {
            assert_int_equal(wire_packet_record_read(&reader, &record), 0);
            assert_true(wire_packet_name_equal(&record.name, &update.name));
            describe(&record, &lines);
        }
        assert_int_equal(wire_packet_reader_done(&reader), 0);
        if (!slice_equal(buffer_slice(&lines), slice_text(cases[i].expected)))
            fail_msg("case %zu: %.*s", i, SLICE_ARG(buffer_slice(&lines)));
    }
}

struct line {
    const char *name;
    uint16_t type;
    const char *text; /* of a TXT, or the target of a CNAME */
};

static void write_answer(struct buffer *out, uint8_t rcode, bool authoritative,
                         const struct line *lines, size_t count)
{
    struct wire_packet_header header = {.id = 9,
                                        .response = true,
                                        .authoritative = authoritative,
                                        .rcode = rcode,
                                        .counts = {1, (uint16_t)count, 0, 0}};
    struct wire_packet_name asked = name_of("token.dkim.example");

    wire_packet_header_write(out, &header);
    wire_packet_question_write(out, &asked, WIRE_PACKET_TYPE_TXT, WIRE_PACKET_IN);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buffer_done) struct buffer rdata = BUFFER_NONE;
        struct wire_packet_record record = {
            .name = name_of(lines[i].name), .type = lines[i].type, .class = WIRE_PACKET_IN};

        if (lines[i].type == WIRE_PACKET_TYPE_CNAME) {
            struct wire_packet_name target = name_of(lines[i].text);

            wire_packet_name_write(&rdata, &target);
        } else {
            wire_dns_text_encode(&rdata, slice_text(lines[i].text));
        }
        record.rdata = buffer_slice(&rdata);
        wire_packet_record_write(out, &record);
    }
}

static void answers_say_what_is_there(void **state)
{
    static const struct {
        uint8_t rcode;
        bool lame;
        struct line lines[2];
        size_t count;
        int result;
        enum wire_dns_presence presence;
    } cases[] = {
        {0, false, {{"token.dkim.example", 16, "one"}}, 1, 0, WIRE_DNS_ONE_TXT},
        {0, false, {{"TOKEN.dkim.example", 16, "one"}}, 1, 0, WIRE_DNS_ONE_TXT},
        {0, false, {{"other.dkim.example", 16, "one"}}, 1, 0, WIRE_DNS_OTHER},
        {0,
         false,
         {{"token.dkim.example", 16, "one"}, {"token.dkim.example", 16, "two"}},
         2,
         0,
         WIRE_DNS_MANY_TXT},
        {0, false, {{"token.dkim.example", 5, "a.b"}, {"a.b", 16, "one"}}, 2, 0, WIRE_DNS_ALIAS},
        {3, false, {{"token.dkim.example", 5, "a.b"}}, 1, 0, WIRE_DNS_ALIAS},
        {0, false, {{NULL, 0, NULL}}, 0, 0, WIRE_DNS_OTHER},
        {3, false, {{NULL, 0, NULL}}, 0, 0, WIRE_DNS_NOTHING},
        {0, true, {{"token.dkim.example", 16, "one"}}, 1, -ESRCH, 0},
        {5, true, {{NULL, 0, NULL}}, 0, -ESRCH, 0},
        {2, true, {{NULL, 0, NULL}}, 0, -EAGAIN, 0},
    };
    struct wire_packet_name name = name_of("token.dkim.example");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
        struct wire_dns_txt_answer answer = {0};
        unsigned rcode = 99;
        int r;

        write_answer(&message, cases[i].rcode, !cases[i].lame, cases[i].lines, cases[i].count);
        r = wire_dns_txt_answer_read(buffer_slice(&message), 9, &name, &answer, &rcode);
        if (r != cases[i].result || (r == 0 && answer.presence != cases[i].presence))
            fail_msg("case %zu: %d, presence %d", i, r, (int)answer.presence);
        assert_int_equal(rcode, cases[i].rcode);
        assert_int_equal(
            wire_dns_txt_answer_read(buffer_slice(&message), 8, &name, &answer, &rcode), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_carry_their_prerequisite),
        cmocka_unit_test(answers_say_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
