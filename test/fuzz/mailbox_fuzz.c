/* Address fields: a list that is accepted has mailboxes that are one each when written alone, and
 * names without a control character. */
#include "fuzz.h"

#include "wire/mailbox.h"

static void check_mailbox(struct arena *a, const struct mailbox *mailbox)
{
    struct slice text = wire_address_text(a, &mailbox->address);
    struct mailbox again;
    struct wire_error error;
    size_t count = 0;

    fuzz_check(wire_mailbox_list_parse(a, text, WIRE_ADDRESS_UTF8, 1, &again, &count, &error) == 0);
    fuzz_check(count == 1 && wire_address_equal(&again.address, &mailbox->address));
    fuzz_check(again.name.size == 0);
    for (size_t i = 0; i < mailbox->name.size; i++)
        fuzz_check((unsigned char)mailbox->name.data[i] >= ' ' || mailbox->name.data[i] == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct slice input = slice_of(data, size);
    struct mailbox mailboxes[4];
    struct wire_error error;
    size_t count = 0;
    int r = wire_mailbox_list_parse(&a, input, WIRE_ADDRESS_UTF8, ARRAY_LEN(mailboxes), mailboxes,
                                    &count, &error);

    fuzz_check(r == 0 || (error.what && error.offset <= input.size));
    fuzz_check(r < 0 || (count > 0 && count <= ARRAY_LEN(mailboxes)));
    for (size_t i = 0; i < count; i++)
        check_mailbox(&a, &mailboxes[i]);
    return 0;
}
