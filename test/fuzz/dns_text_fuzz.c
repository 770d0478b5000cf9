/* TXT contents: any bytes come back from the quoted form and from RDATA; broken forms leave the
 * output as it was; a host name is a name. */
#include "fuzz.h"

#include "wire/dns_text.h"

static void round_trip(struct slice text)
{
    CLEANUP(buffer_done) struct buffer form = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer back = BUFFER_NONE;

    wire_dns_text_quote(&form, text);
    fuzz_check(wire_dns_text_unquote(buffer_slice(&form), &back) == 0);
    fuzz_check(slice_equal(buffer_slice(&back), text));
    fuzz_check(slice_is_ascii(buffer_slice(&form)));
    form.size = back.size = 0;
    wire_dns_text_encode(&form, text);
    fuzz_check(wire_dns_text_decode(buffer_slice(&form), &back) == 0);
    fuzz_check(slice_equal(buffer_slice(&back), text));
}

static void read_both(struct slice text)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    fuzz_check(wire_dns_text_unquote(text, &out) == 0 || out.size == 0);
    out.size = 0;
    fuzz_check(wire_dns_text_decode(text, &out) == 0 || out.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);

    round_trip(input);
    read_both(input);
    fuzz_check(!wire_dns_host_valid(input) || wire_dns_name_valid(input));
    return 0;
}
