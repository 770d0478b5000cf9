/* Addresses: what is accepted has one canonical form that reads back as the same address, has its
 * domain in the alphabet of DNS and needs nothing that was not allowed. The first byte gives the
 * flags. */
#include "fuzz.h"

#include "base/limits.h"
#include "wire/address.h"

static void check_domain(const struct address *address)
{
    for (size_t i = 0; i < address->domain.size; i++) {
        char c = address->domain.data[i];

        fuzz_check(address->literal || c == '-' || c == '.' || (c >= '0' && c <= '9') ||
                   (c >= 'a' && c <= 'z'));
        fuzz_check(c > ' ' && c != '@' && c != '>');
    }
    fuzz_check(address->domain.size > 0 && address->domain.size <= LIMIT_DOMAIN_BYTES);
}

static void check_address(struct arena *a, const struct address *address, unsigned flags)
{
    struct slice text = wire_address_text(a, address);
    struct address again;
    struct wire_error error;

    fuzz_check(text.size <= LIMIT_PATH_BYTES - 2);
    fuzz_check(wire_address_parse(a, text, flags, &again, &error) == 0);
    fuzz_check(wire_address_equal(address, &again));
    fuzz_check(slice_equal(wire_address_text(a, &again), text));
    fuzz_check(slice_is_utf8(text) && slice_is_ascii(text) == !address->needs_smtputf8);
    fuzz_check((flags & WIRE_ADDRESS_UTF8) || !address->needs_smtputf8);
    fuzz_check((flags & WIRE_ADDRESS_LITERAL) || !address->literal);
    check_domain(address);
}

static void check_path(struct arena *a, struct slice input, unsigned flags)
{
    struct address address;
    struct wire_error error;
    size_t size = 0;

    if (wire_path_parse(a, input, flags, &address, &size, &error) < 0) {
        fuzz_check(error.what && error.offset <= input.size);
        return;
    }
    fuzz_check(size == wire_path_extent(input));
    fuzz_check(input.data[0] == '<' && input.data[size - 1] == '>');
    if (address.domain.size)
        check_address(a, &address, flags);
    else
        fuzz_check(flags & (WIRE_PATH_NULL | WIRE_PATH_POSTMASTER));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct slice input = slice_of(data, size);
    unsigned flags = fuzz_byte(&input);
    struct address address;
    struct wire_error error;

    if (wire_address_parse(&a, input, flags, &address, &error) == 0)
        check_address(&a, &address, flags);
    else
        fuzz_check(error.what && error.offset <= input.size);
    check_path(&a, input, flags);
    return 0;
}
