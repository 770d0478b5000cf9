/* Answers of name servers: whatever a stranger sends, names are bounded and printable, records lie
 * within the message, and a question that was read can be asked again. */
#include "fuzz.h"

#include "wire/dns_message.h"
#include "wire/dns_text.h"

enum { NAME_TEXT_BYTES_MAX = 4 * 255 };

static void check_name(struct slice name)
{
    fuzz_check(name.size <= NAME_TEXT_BYTES_MAX);
    for (size_t i = 0; i < name.size; i++)
        fuzz_check(name.data[i] > ' ' && name.data[i] < 127);
}

static void ask_again(const struct wire_dns_message *m)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    struct wire_dns_message again;

    if (!wire_dns_name_valid(m->name))
        return;
    fuzz_check(wire_dns_question_write(&out, m->id, m->name, m->type) == 0);
    fuzz_check(wire_dns_message_read(&arena, buffer_slice(&out), &again) == 0);
    fuzz_check(slice_equal(again.name, m->name) && again.type == m->type && again.id == m->id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct wire_dns_message m;

    if (wire_dns_message_read(&arena, slice_of(data, size), &m) < 0)
        return 0;
    fuzz_check(m.record_count <= WIRE_DNS_RECORDS_MAX);
    check_name(m.name);
    for (size_t i = 0; i < m.record_count; i++) {
        const struct wire_dns_record *record = &m.records[i];

        check_name(record->name);
        check_name(record->target);
        fuzz_check(record->rdata.size <= size && record->text.size <= record->rdata.size);
    }
    ask_again(&m);
    return 0;
}
