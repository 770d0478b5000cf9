/* Reading a DKIM-Signature and the tag list under it: no input crashes, and what is accepted keeps
 * the promises of the header. */
#include "fuzz.h"

#include "wire/dkim_signature.h"

static void check_list(struct slice text)
{
    struct wire_tag_list list;

    if (wire_tag_list_parse(text, &list) < 0)
        return;
    fuzz_check(list.count > 0 && list.count <= WIRE_TAGS_MAX);
    for (size_t i = 0; i < list.count; i++) {
        fuzz_check(list.tags[i].name.size > 0);
        for (size_t j = 0; j < i; j++)
            fuzz_check(!slice_equal(list.tags[i].name, list.tags[j].name));
    }
}

static void check_signature(struct slice text)
{
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    struct wire_dkim_signature s;
    struct slice name;
    bool from = false;

    if (wire_dkim_signature_parse(text, &s) < 0)
        return;
    while (wire_dkim_signature_next_field(&s.signed_fields, &name)) {
        fuzz_check(name.size > 0);
        from = from || slice_equal_nocase(name, SLICE("From"));
    }
    fuzz_check(from);
    fuzz_check(s.domain.size && s.selector.size && s.algorithm.size);
    fuzz_check(s.expire_s < 0 || s.expire_s > s.time_s);
    fuzz_check(wire_tag_base64(s.body_hash, &bytes) == 0);
    fuzz_check(wire_tag_base64(s.signature, &bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_list(slice_of(data, size));
    check_signature(slice_of(data, size));
    return 0;
}
