/* What goes between gateway and steward about MTA-STS, and the TLS sessions in events: what is read
 * can be written again, byte for byte. */
#include "fuzz.h"

#include "deliver/sts_protocol.h"

static void check_question(struct slice body)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct sts_question question;

    if (sts_question_read(body, &question) < 0)
        return;
    sts_question_write(&again, &question);
    fuzz_check(slice_equal(buffer_slice(&again), body));
}

static void check_answer(struct slice body)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct sts_answer answer;

    if (sts_answer_read(body, &answer) < 0)
        return;
    sts_answer_write(&again, &answer);
    fuzz_check(slice_equal(buffer_slice(&again), body));
}

static void check_sessions(struct slice sessions)
{
    struct wire_tls_session session, back;

    while (wire_tls_session_read(&sessions, &session)) {
        CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
        struct slice rest;

        wire_tls_session_write(&again, &session);
        rest = buffer_slice(&again);
        fuzz_check(wire_tls_session_read(&rest, &back) && rest.size == 0);
        fuzz_check(back.policy == session.policy && back.result == session.result);
        fuzz_check(slice_equal(back.domain, session.domain));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);

    check_question(input);
    check_answer(input);
    check_sessions(input);
    return 0;
}
