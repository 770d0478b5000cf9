/* DMARC records and the tree walk: what is read lies in what was given, a policy always follows,
 * and the walk ends after eight steps whatever the name. */
#include "fuzz.h"

#include "wire/dmarc.h"

static void check_walk(struct slice domain)
{
    size_t steps = 0, size = domain.size + 1;

    for (; domain.size; steps++) {
        fuzz_check(domain.size < size);
        size = domain.size;
        domain = wire_dmarc_walk_next(domain);
    }
    fuzz_check(steps <= WIRE_DMARC_QUERIES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct wire_dmarc_record record;

    check_walk(input);
    if (wire_dmarc_record_parse(input, &record) < 0)
        return 0;
    fuzz_check(slice_starts(input, SLICE("v")) && record.percent <= 100);
    fuzz_check(record.reports.size == 0 ||
               (record.reports.data >= input.data &&
                record.reports.data + record.reports.size <= input.data + input.size));
    fuzz_check(wire_dmarc_policy_of(&record) != WIRE_DMARC_NOT_GIVEN);
    fuzz_check(wire_dmarc_policy_below(&record, true) != WIRE_DMARC_NOT_GIVEN);
    fuzz_check(wire_dmarc_policy_below(&record, false) != WIRE_DMARC_NOT_GIVEN);
    return 0;
}
