#include "queue/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct queue_message *message(const char *const *addresses, uint64_t ms)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE;
    struct queue_envelope envelope = {.id = {.ms = ms, .uuid = {(uint8_t)(ms % 2)}}, .site_id = 9};

    for (; addresses[envelope.recipient_count]; envelope.recipient_count++) {
        struct queue_envelope_recipient r = {.address =
                                                 slice_text(addresses[envelope.recipient_count])};

        queue_envelope_recipient_write(&recipients, &r);
    }
    envelope.recipients = buffer_slice(&recipients);
    return queue_message_new(&envelope);
}

static void addresses_stay_with_their_recipients(void **state)
{
    static const char *const addresses[] = {"a@example.net", "somebody.long@example.com",
                                            "\"a b\"@x.org", NULL};
    struct queue_message *m = message(addresses, 1);

    (void)state;
    assert_int_equal(m->recipient_count, 3);
    assert_int_equal(m->open, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(slice_equal(queue_message_address(m, i), slice_text(addresses[i])));
    queue_message_free(m);
    queue_message_free(NULL);
    queue_body_free(NULL);
}

/* Ids that share their hash are told apart. */
static void messages_are_found_by_id(void **state)
{
    static const char *const addresses[] = {"a@example.net", NULL};
    struct queue_message *m[20];
    struct table messages = {0};

    (void)state;
    for (uint64_t i = 0; i < ARRAY_LEN(m); i++) {
        m[i] = message(addresses, i);
        table_add(&messages, &m[i]->item, queue_message_hash(&m[i]->id));
    }
    for (uint64_t i = 0; i < ARRAY_LEN(m); i++)
        assert_ptr_equal(queue_message_find(&messages, &m[i]->id), m[i]);
    assert_null(queue_message_find(&messages, &(struct message_id){.ms = 77}));
    for (uint64_t i = 0; i < ARRAY_LEN(m); i++)
        queue_message_free(m[i]);
    table_done(&messages);
}

/* Millions may wait: this is what each of them takes, beside the allocator's share. */
static void a_waiting_recipient_is_small(void **state)
{
    size_t bytes = sizeof(struct queue_message) + sizeof(struct queue_recipient_entry) +
                   sizeof(struct queue_group) + 30 /* address */ + 4 * sizeof(void *) /* slots */;

    (void)state;
    print_message("%zu bytes: message %zu, recipient %zu, group %zu\n", bytes,
                  sizeof(struct queue_message), sizeof(struct queue_recipient_entry),
                  sizeof(struct queue_group));
    assert_true(bytes + 48 <= 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_stay_with_their_recipients),
        cmocka_unit_test(messages_are_found_by_id),
        cmocka_unit_test(a_waiting_recipient_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
