/* MTA-STS: a record's id is one that may stand in a record; a policy that is read can be written
 * and reads back the same, and its patterns cover only hosts of their own domain. */
#include "fuzz.h"

#include "wire/mta_sts.h"

static void check_record(struct slice record)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct slice id, id_again;

    if (wire_mta_sts_record_parse(record, &id) < 0)
        return;
    buffer_printf(&again, "v=STSv1; id=%.*s;", SLICE_ARG(id));
    fuzz_check(wire_mta_sts_record_parse(buffer_slice(&again), &id_again) == 0);
    fuzz_check(slice_equal(id, id_again));
}

static void check_pattern(struct slice pattern)
{
    bool wild = slice_starts(pattern, SLICE("*."));
    struct slice domain = slice_part(pattern, wild ? 2 : 0, pattern.size);

    fuzz_check(wire_mta_sts_pattern_valid(pattern));
    fuzz_check(wire_mta_sts_pattern_matches(pattern, domain) == !wild);
}

static void check_policy(struct slice text)
{
    CLEANUP(buffer_done) struct buffer first = BUFFER_NONE, second = BUFFER_NONE;
    struct wire_mta_sts_policy policy, again;
    struct wire_error error = {NULL, 0};

    if (wire_mta_sts_policy_parse(text, &policy, &error) < 0) {
        fuzz_check(error.what != NULL && error.offset <= text.size);
        return;
    }
    wire_mta_sts_policy_format(&first, &policy);
    fuzz_check(wire_mta_sts_policy_parse(buffer_slice(&first), &again, &error) == 0);
    wire_mta_sts_policy_format(&second, &again);
    fuzz_check(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    for (size_t i = 0; i < policy.pattern_count; i++)
        check_pattern(policy.patterns[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);

    check_record(input);
    check_policy(input);
    return 0;
}
