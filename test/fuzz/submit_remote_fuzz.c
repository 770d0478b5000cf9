/* Frames of the steward's submissions: any bytes are read or refused; what is read can be written
 * again and reads the same. */
#include "fuzz.h"

#include "submit/remote_codec.h"

static void check_begin(struct slice input)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct submit_remote_begin begin;

    if (submit_remote_begin_read(input, &begin))
        return;
    submit_remote_begin_write(&again, &begin);
    fuzz_check(slice_equal(buffer_slice(&again), input));
}

static void check_piece(struct slice input)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct submit_remote_piece piece;

    if (submit_remote_piece_read(input, &piece))
        return;
    submit_remote_piece_write(&again, &piece);
    fuzz_check(slice_equal(buffer_slice(&again), input));
}

static void check_reply(struct slice input)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct wire_reply reply;

    if (submit_remote_reply_read(&arena, input, &reply) == 0)
        fuzz_check(reply.text != NULL);
}

/* An envelope that is taken keeps the rules of RCPT, and reads the same when written again. */
static void check_envelope(struct slice input)
{
    CLEANUP(submit_transaction_reset) struct submit_transaction x = SUBMIT_TRANSACTION_NONE;
    CLEANUP(submit_transaction_reset) struct submit_transaction y = SUBMIT_TRANSACTION_NONE;
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct wire_reply refusal;

    if (submit_remote_envelope_read(input, 10, &x, &refusal) || refusal.code)
        return;
    fuzz_check(x.envelope.recipient_count >= 1 && x.envelope.recipient_count <= 10);
    submit_remote_envelope_write(&again, &x.envelope);
    fuzz_check(submit_remote_envelope_read(buffer_slice(&again), 10, &y, &refusal) == 0);
    fuzz_check(refusal.code == 0);
    fuzz_check(x.envelope.recipient_count == y.envelope.recipient_count);
    for (size_t i = 0; i < x.envelope.recipient_count; i++)
        fuzz_check(slice_equal(x.recipients[i].address, y.recipients[i].address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);

    check_begin(input);
    check_piece(input);
    check_reply(input);
    check_envelope(input);
    return 0;
}
