#include "deliver/return_path.h"

#include "wire/base32.h"

void return_path_write(struct buffer *b, const struct message_id *id, int64_t recipient,
                       struct slice bounce_domain)
{
    buffer_add(b, SLICE("b-"));
    wire_base32_encode(b, slice_of(id->uuid, sizeof id->uuid));
    if (recipient >= 0)
        buffer_printf(b, "-%lld", (long long)recipient);
    buffer_add_byte(b, '@');
    buffer_add(b, bounce_domain);
}
