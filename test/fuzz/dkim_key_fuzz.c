/* Reading key records: no input crashes, "same" is said only of the same key, and a key in any DER
 * is written as a record that reads back. */
#include "fuzz.h"

#include "wire/dkim_key.h"

static const struct slice expected = {
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", 66};
static const struct slice expected_key = {"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", 44};

static void check_compare(struct slice record)
{
    CLEANUP(buffer_done) struct buffer squeezed = BUFFER_NONE;
    enum wire_dkim_key_verdict verdict = wire_dkim_key_compare(expected, record);
    struct wire_dkim_key key;

    fuzz_check(wire_dkim_key_verdict_name(verdict) != NULL);
    if (verdict != WIRE_DKIM_KEY_SAME)
        return;
    fuzz_check(wire_dkim_key_parse(record, &key) == 0);
    fuzz_check(key.type == WIRE_DKIM_KEY_ED25519 && key.sha256 && key.email && !key.testing);
    wire_tag_squeeze(key.key, &squeezed);
    fuzz_check(slice_equal(buffer_slice(&squeezed), expected_key));
}

static void check_format(enum wire_dkim_key_type type, struct slice der)
{
    CLEANUP(buffer_done) struct buffer record = BUFFER_NONE;
    struct wire_dkim_key key;

    if (wire_dkim_key_format(&record, type, der) < 0)
        return;
    fuzz_check(wire_dkim_key_parse(buffer_slice(&record), &key) == 0);
    fuzz_check(key.type == type && !key.revoked);
    fuzz_check(wire_dkim_key_compare(buffer_slice(&record), buffer_slice(&record)) ==
               WIRE_DKIM_KEY_SAME);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);

    check_compare(input);
    check_format(WIRE_DKIM_KEY_RSA, input);
    check_format(WIRE_DKIM_KEY_ED25519, input);
    return 0;
}
