/* Between steward and queue: requests, pages of the list, status and batches of events. What is
 * read can be written again and read as the same. The first byte chooses. */
#include "fuzz.h"

#include "queue/remote.h"

static void check_requests(struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer list_body = BUFFER_NONE, act_body = BUFFER_NONE;
    struct queue_list_request list;
    struct queue_act_request act;

    if (queue_list_request_read(bytes, &list) == 0) {
        queue_list_request_write(&list_body, &list);
        fuzz_check(slice_equal(buffer_slice(&list_body), bytes));
    }
    if (queue_act_request_read(bytes, &act) == 0) {
        queue_act_request_write(&act_body, &act);
        fuzz_check(slice_equal(buffer_slice(&act_body), bytes));
    }
}

static void check_list(struct slice bytes)
{
    struct queue_list_reply reply;
    struct queue_list_entry entry;
    uint32_t count = 0;

    if (queue_list_reply_read(bytes, &reply) < 0)
        return;
    while (queue_list_entry_read(&reply.entries, &entry))
        count++;
    fuzz_check(count == reply.count && reply.entries.size == 0);
}

static void check_status(struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct cursor c = cursor_of(bytes);
    struct queue_status status, again;

    if (queue_status_read(&c, &status) < 0)
        return;
    queue_status_write(&b, &status);
    c = cursor_of(buffer_slice(&b));
    fuzz_check(queue_status_read(&c, &again) == 0 && cursor_done(&c) == 0);
    fuzz_check(again.messages == status.messages && slice_equal(again.why_not, status.why_not));
}

static void check_batch(struct slice bytes)
{
    struct cursor c = cursor_of(bytes);
    struct queue_event event;
    uint64_t spool_id, recipients;

    (void)!queue_act_reply_read(bytes, &recipients);
    if (queue_event_batch_read(&c, &spool_id) < 0)
        return;
    while (c.rest.size) {
        size_t before = c.rest.size;
        struct slice addresses, address;

        if (queue_event_read(&c, &event) < 0)
            return;
        fuzz_check(c.rest.size < before);
        for (addresses = event.accepted.addresses; queue_event_address(&addresses, &address);)
            fuzz_check(address.size <= bytes.size);
        fuzz_check(queue_event_name(event.type) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    uint8_t choice = fuzz_byte(&input);

    if (choice % 4 == 0)
        check_requests(input);
    if (choice % 4 == 1)
        check_list(input);
    if (choice % 4 == 2)
        check_status(input);
    if (choice % 4 == 3)
        check_batch(input);
    return 0;
}
