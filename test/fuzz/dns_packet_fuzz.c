/* What a name server sends: any message is read to its end or refused, a name that was read is
 * written and read again as the same, and nothing unsigned or changed is taken as signed. */
#include "fuzz.h"

#include "wire/dns_update.h"
#include "wire/tsig.h"

static void check_name(const struct wire_packet_name *name)
{
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE, text = BUFFER_NONE;
    struct wire_packet_header header = {.counts = {1, 0, 0, 0}};
    struct wire_packet_reader reader;
    struct wire_packet_name again;
    uint16_t type, class;

    wire_packet_name_text(name, &text);
    fuzz_check(slice_is_ascii(buffer_slice(&text)));
    wire_packet_header_write(&message, &header);
    wire_packet_question_write(&message, name, WIRE_PACKET_TYPE_TXT, WIRE_PACKET_IN);
    fuzz_check(wire_packet_reader_init(buffer_slice(&message), &reader, &header) == 0);
    fuzz_check(wire_packet_question_read(&reader, &again, &type, &class) == 0);
    fuzz_check(wire_packet_name_equal(name, &again) && wire_packet_reader_done(&reader) == 0);
}

static void read_all(struct slice input)
{
    struct wire_packet_header header;
    struct wire_packet_reader reader;
    struct wire_packet_record record;
    struct wire_packet_name name;
    uint16_t type, class;
    size_t size;

    if (wire_packet_reader_init(input, &reader, &header) < 0)
        return;
    while (wire_packet_record_read(&reader, &record) == 0) {
        check_name(&record.name);
        if (wire_packet_rdata_name(input, &record, &name, &size) == 0)
            fuzz_check(size <= record.rdata.size);
    }
    if (wire_packet_reader_init(input, &reader, &header) == 0 &&
        wire_packet_question_read(&reader, &name, &type, &class) == 0)
        check_name(&name);
}

static void judge(struct slice input)
{
    const struct wire_tsig_key key = {
        .name = {3, {1, 'k', 0}}, .algorithm = WIRE_TSIG_SHA256, .secret = SLICE("not guessed")};
    const struct wire_tsig_mac mac = {.size = 32};
    struct wire_tsig_judgement j;
    struct wire_dns_txt_answer answer;
    struct wire_packet_name name = key.name;
    unsigned rcode;

    if (wire_tsig_judge(input, &key, &mac, 1767225600, &j) == 0)
        fuzz_check(j.verdict != WIRE_TSIG_GOOD && j.verdict != WIRE_TSIG_BAD_TIME);
    if (wire_dns_txt_answer_read(input, 7, &name, &answer, &rcode) == 0)
        fuzz_check(answer.rdata.size <= input.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    char secret[WIRE_TSIG_SECRET_BYTES_MAX];
    struct wire_tsig_key key;
    const char *problem;

    read_all(input);
    judge(input);
    if (wire_tsig_key_read(input, secret, &key, &problem) == 0)
        check_name(&key.name);
    return 0;
}
