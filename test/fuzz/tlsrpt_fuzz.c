/* Records that ask for TLS reports, and the addresses that strangers give for us to connect to:
 * what is taken prints, is not too long, and no control character comes out of any decoding. */
#include "fuzz.h"

#include "wire/https_url.h"
#include "wire/tlsrpt.h"

static void check_printable(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        fuzz_check(s.data[i] > ' ' && s.data[i] < 127);
}

static void check_url(struct slice text)
{
    struct wire_https_url url;
    struct wire_error error;

    if (wire_https_url_parse(text, &url, &error) < 0) {
        fuzz_check(error.what && error.offset <= text.size);
        return;
    }
    fuzz_check(wire_https_host_valid(url.host));
    check_printable(text);
    fuzz_check(slice_find(url.target, '#') < 0 && slice_find(url.target, '\\') < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct wire_tlsrpt_record record;

    check_url(input);
    if (wire_tlsrpt_record_parse(input, &record) < 0)
        return 0;
    fuzz_check(record.destination_count > 0 &&
               record.destination_count <= LIMIT_TLSRPT_DESTINATIONS);
    for (size_t i = 0; i < record.destination_count; i++) {
        check_printable(record.destinations[i].uri);
        check_printable(slice_text(record.destinations[i].address));
        check_url(record.destinations[i].uri);
    }
    return 0;
}
