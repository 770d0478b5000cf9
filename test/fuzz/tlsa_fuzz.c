/* TLSA records: whatever a domain publishes is read within its bounds, and only what an SMTP client
 * can use is called usable. */
#include "fuzz.h"

#include "wire/tlsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_tlsa tlsa;

    if (wire_tlsa_parse(slice_of(data, size), &tlsa) < 0)
        return 0;
    fuzz_check(tlsa.data.size == size - 3);
    if (wire_tlsa_usable(&tlsa))
        fuzz_check((tlsa.usage == 2 || tlsa.usage == 3) && tlsa.selector < 2 && tlsa.matching < 3);
    return 0;
}
