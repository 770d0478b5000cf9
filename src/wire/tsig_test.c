#include "wire/tsig.h"

#include "wire/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/corpora_test.h"

enum { TIME_S = 1767225600, COLUMNS = 8 };

static void read_hex(struct slice hex, struct buffer *out)
{
    for (size_t i = 0; i + 1 < hex.size; i += 2) {
        char pair[3] = {hex.data[i], hex.data[i + 1], 0};

        buffer_add_u8(out, (uint8_t)strtoul(pair, NULL, 16));
    }
}

static size_t cut_columns(struct slice line, struct slice columns[COLUMNS])
{
    size_t count = 0;
    bool more = true;

    while (more && count < COLUMNS)
        more = slice_cut(&line, '\t', &columns[count++]);
    return count;
}

/* The key of the vectors named k256: all of them use it. */
static struct wire_tsig_key vector_key(char *secret)
{
    struct wire_tsig_key key;
    const char *problem;

    assert_int_equal(
        wire_tsig_key_read(
            SLICE("hmac-sha256:key-256.example.:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
            secret, &key, &problem),
        0);
    return key;
}

/* The request without its TSIG record, signed again, gives the same MAC. */
static void check_request(const struct wire_tsig_key *key, struct slice wire, struct slice mac)
{
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    struct wire_packet_reader reader;
    struct wire_packet_header header;
    struct wire_packet_record record = {.start = 0};
    struct wire_packet_name name;
    struct wire_tsig_mac made;
    uint16_t type, class;

    assert_int_equal(wire_packet_reader_init(wire, &reader, &header), 0);
    assert_int_equal(wire_packet_question_read(&reader, &name, &type, &class), 0);
    for (int i = 0; i < header.counts[1] + header.counts[2] + header.counts[3]; i++)
        assert_int_equal(wire_packet_record_read(&reader, &record), 0);
    assert_int_equal(record.type, WIRE_PACKET_TYPE_TSIG);
    buffer_add(&message, slice_part(wire, 0, record.start));
    message.data[11]--;
    wire_tsig_sign(&message, key, TIME_S, &made);
    assert_true(slice_equal(slice_of(made.bytes, made.size), mac));
}

static void check_response(const struct wire_tsig_key *key, struct slice wire, struct slice expect,
                           struct slice what)
{
    static const struct slice mark = {"request MAC ", 12};
    CLEANUP(buffer_done) struct buffer request = BUFFER_NONE;
    struct wire_tsig_judgement j = {.verdict = WIRE_TSIG_FORGED};
    struct wire_tsig_mac mac = {.size = 32};
    ssize_t at = slice_find_slice(what, mark);
    int r;

    assert_true(at >= 0);
    read_hex(slice_part(what, (size_t)at + mark.size, 64), &request);
    memcpy(mac.bytes, request.data, mac.size);
    r = wire_tsig_judge(wire, key, &mac, TIME_S, &j);
    if (slice_equal(expect, SLICE("accept")))
        assert_true(r == 0 && j.verdict == WIRE_TSIG_GOOD);
    else if (slice_equal(expect, SLICE("reject")))
        assert_true(r == -EBADMSG || j.verdict == WIRE_TSIG_FORGED);
    else
        assert_true(r == 0 && j.verdict == WIRE_TSIG_BAD_TIME && j.server_time_s == TIME_S + 4000);
    if (r == 0 && j.verdict == WIRE_TSIG_GOOD) {
        assert_int_equal(wire_tsig_judge(wire, key, &mac, TIME_S + 301, &j), 0);
        assert_int_equal(j.verdict, WIRE_TSIG_OUTSIDE_TIME);
    }
}

static void agrees_with_an_independent_implementation(void **state)
{
    char secret[WIRE_TSIG_SECRET_BYTES_MAX];
    struct wire_tsig_key key = vector_key(secret);
    CLEANUP(buffer_done) struct buffer file = BUFFER_NONE;
    glob_t found = corpora_files("tsig-vectors/vectors.tsv");
    struct slice rest, line, columns[COLUMNS];
    size_t count = 0;

    (void)state;
    corpora_read(found.gl_pathv[0], &file);
    globfree(&found);
    rest = buffer_slice(&file);
    slice_cut(&rest, '\n', &line);
    while (slice_cut(&rest, '\n', &line)) {
        CLEANUP(buffer_done) struct buffer wire = BUFFER_NONE, mac = BUFFER_NONE;

        assert_int_equal(cut_columns(line, columns), COLUMNS);
        read_hex(columns[4], &wire);
        read_hex(columns[5], &mac);
        if (slice_equal(columns[1], SLICE("request")))
            check_request(&key, buffer_slice(&wire), buffer_slice(&mac));
        else
            check_response(&key, buffer_slice(&wire), columns[6], columns[7]);
        count++;
    }
    assert_true(count >= 19);
}

/* A signed answer to a signed question; every changed bit is found out. */
static void no_bit_can_be_changed(void **state)
{
    char secret[WIRE_TSIG_SECRET_BYTES_MAX];
    struct wire_tsig_key key = vector_key(secret);
    CLEANUP(buffer_done) struct buffer request = BUFFER_NONE, answer = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer bound = BUFFER_NONE;
    const struct wire_packet_header header = {
        .id = 5, .response = true, .opcode = WIRE_PACKET_UPDATE};
    struct wire_tsig_judgement j;
    struct wire_tsig_mac mac;

    (void)state;
    wire_packet_header_write(&request, &header);
    wire_tsig_sign(&request, &key, TIME_S, &mac);
    assert_int_equal(
        wire_tsig_judge(buffer_slice(&request), &key, &(struct wire_tsig_mac){0}, TIME_S, &j), 0);
    assert_int_equal(j.verdict, WIRE_TSIG_FORGED); /* signed, but as no answer to anything */
    wire_packet_header_write(&answer, &header);
    assert_int_equal(wire_tsig_judge(buffer_slice(&answer), &key, &mac, TIME_S, &j), 0);
    assert_int_equal(j.verdict, WIRE_TSIG_UNSIGNED);
    for (size_t bit = 0; bit < request.size * 8; bit++) {
        request.data[bit / 8] ^= (char)(1 << bit % 8);
        if (wire_tsig_judge(buffer_slice(&request), &key, &mac, TIME_S, &j) == 0)
            assert_int_not_equal(j.verdict, WIRE_TSIG_GOOD);
        request.data[bit / 8] ^= (char)(1 << bit % 8);
    }
}

static void key_files_of_three_kinds_are_read(void **state)
{
    static const struct {
        const char *file, *problem;
        size_t secret_size;
    } cases[] = {
        {"key \"letterhead\" {\n\talgorithm hmac-sha256;\n\tsecret \"//7/AAA=\";\n};\n", NULL, 5},
        {"# hmac-sha512:Letterhead:AAAA\nkey:\n- id: Letterhead\n  algorithm: hmac-sha512\n"
         "  secret: AAAAAA==\n",
         NULL, 4},
        {"hmac-sha256:letterhead.:AAAA\n", NULL, 3},
        {"key letterhead { algorithm hmac-md5; secret \"AAAA\"; };", "algorithm", 0},
        {"key letterhead { algorithm hmac-sha256; secret \"*\"; };", "base64", 0},
        {"key \"a..b\" { algorithm hmac-sha256; secret \"AAAA\"; };", "domain name", 0},
        {"hmac-sha256:letterhead\n", "tsig-keygen", 0},
        {"", "tsig-keygen", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char secret[WIRE_TSIG_SECRET_BYTES_MAX];
        CLEANUP(buffer_done) struct buffer name = BUFFER_NONE;
        struct wire_tsig_key key;
        const char *problem = "";
        int r = wire_tsig_key_read(slice_text(cases[i].file), secret, &key, &problem);

        if (cases[i].problem) {
            assert_int_equal(r, -EINVAL);
            assert_non_null(strstr(problem, cases[i].problem));
            continue;
        }
        assert_int_equal(r, 0);
        assert_int_equal(key.secret.size, cases[i].secret_size);
        wire_packet_name_text(&key.name, &name);
        assert_true(slice_equal(buffer_slice(&name), SLICE("letterhead")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_independent_implementation),
        cmocka_unit_test(no_bit_can_be_changed),
        cmocka_unit_test(key_files_of_three_kinds_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
