/* Redaction: the first byte says how long the secret is that follows; in the rest nothing of it may
 * be left, and nothing else may change. */
#include "fuzz.h"

#include "wire/redact.h"

static void check_change(struct slice before, struct slice after)
{
    for (size_t i = 0; i < before.size; i++)
        fuzz_check(before.data[i] == after.data[i] || after.data[i] == '*');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(redactor_free_pointer) struct redactor *r = redactor_new();
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct slice input = slice_of(data, size), secret, rest;

    secret = slice_part(input, 1, fuzz_byte(&(struct slice){input.data, input.size}));
    rest = slice_part(input, 1 + secret.size, input.size);
    redactor_add(r, secret);
    buffer_add(&text, rest);
    redactor_hide(r, text.data, text.size);
    check_change(rest, buffer_slice(&text));
    if (secret.size >= REDACT_BYTES_MIN && slice_find(secret, '*') < 0)
        fuzz_check(slice_find_slice(buffer_slice(&text), secret) < 0);
    return 0;
}
