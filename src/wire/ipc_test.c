#include "wire/ipc.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct ipc_frame frames[] = {
    {IPC_HELLO, 0, 0, 0, {NULL, 0}},
    {IPC_REQUEST, IPC_VAULT_SIGN, 7, 0, {"body", 4}},
    {IPC_REPLY, IPC_VAULT_SIGN, UINT32_MAX, -EACCES, {NULL, 0}},
    {IPC_REPLY, IPC_EVENTS, 1, 0, {"\0\xff", 2}},
    {IPC_NOTICE, 255, 0, 0, {"x", 1}},
};

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct ipc_frame read;

        ipc_frame_write(&b, &frames[i]);
        assert_int_equal(b.size, IPC_HEADER_BYTES + frames[i].body.size);
        assert_int_equal(ipc_frame_read(buffer_slice(&b), &read), 0);
        assert_int_equal(read.kind, frames[i].kind);
        assert_int_equal(read.type, frames[i].type);
        assert_int_equal(read.id, frames[i].id);
        assert_int_equal(read.status, frames[i].status);
        assert_true(slice_equal(read.body, frames[i].body));
    }
}

static void the_bytes_are_those_of_the_header(void **state)
{
    static const struct ipc_frame frame = {IPC_REPLY, IPC_VAULT_SIGN, 0x01020304, -2, {"Z", 1}};
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    (void)state;
    ipc_frame_write(&b, &frame);
    assert_true(
        slice_equal(buffer_slice(&b), SLICE("\x01\x03\x02\x00\x01\x02\x03\x04\xff\xff\xff\xfeZ")));
}

static void a_cut_header_is_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct ipc_frame read;

    (void)state;
    ipc_frame_write(&b, &frames[1]);
    for (size_t size = 0; size < IPC_HEADER_BYTES; size++)
        assert_int_equal(ipc_frame_read(slice_of(b.data, size), &read), -EBADMSG);
}

static void a_wrong_header_is_refused(void **state)
{
    static const struct {
        const char *why;
        struct slice datagram;
    } cases[] = {
        {"version", {"\x02\x02\x02\0\0\0\0\1\0\0\0\0", 12}},
        {"kind 0", {"\x01\x00\x02\0\0\0\0\1\0\0\0\0", 12}},
        {"kind 5", {"\x01\x05\x02\0\0\0\0\1\0\0\0\0", 12}},
        {"fourth byte", {"\x01\x02\x02\1\0\0\0\1\0\0\0\0", 12}},
        {"status of a request", {"\x01\x02\x02\0\0\0\0\1\xff\xff\xff\xff", 12}},
        {"positive status", {"\x01\x03\x02\0\0\0\0\1\0\0\0\1", 12}},
    };
    struct ipc_frame read;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (ipc_frame_read(cases[i].datagram, &read) != -EBADMSG)
            fail_msg("taken in spite of its %s", cases[i].why);
}

static void a_datagram_over_the_limit_is_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct ipc_frame read;

    (void)state;
    ipc_frame_write(&b, &frames[1]);
    memset(buffer_reserve(&b, LIMIT_FRAME_BYTES), 'x', LIMIT_FRAME_BYTES);
    assert_int_equal(ipc_frame_read(slice_of(b.data, LIMIT_FRAME_BYTES), &read), 0);
    assert_int_equal(read.body.size, LIMIT_FRAME_BYTES - IPC_HEADER_BYTES);
    assert_int_equal(ipc_frame_read(slice_of(b.data, LIMIT_FRAME_BYTES + 1), &read), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_bytes_are_those_of_the_header),
        cmocka_unit_test(a_cut_header_is_refused),
        cmocka_unit_test(a_wrong_header_is_refused),
        cmocka_unit_test(a_datagram_over_the_limit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
