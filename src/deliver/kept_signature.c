#include "deliver/kept_signature.h"

#include "wire/dkim_signature.h"
#include "wire/header.h"

enum { SECOND = 1000000 };

static bool is_field_by(struct slice value, struct slice domain, const struct directory_key *key)
{
    struct wire_dkim_signature found;

    return wire_dkim_signature_parse(value, &found) == 0 &&
           slice_equal(found.selector, key->selector) && slice_equal(found.domain, domain) &&
           found.time_s >= key->since_us / SECOND;
}

bool kept_signature_is_by(struct arena *arena, struct slice kept, struct slice domain,
                          const struct directory_key *keys, size_t count)
{
    struct wire_header header;
    struct wire_error error;

    if (kept.size == 0 || wire_header_scan(arena, kept, &header, &error) < 0 ||
        header.count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_field_by(header.fields[i].value, domain, &keys[i]))
            return false;
    return true;
}
