#include "app/handover.h"

#include "app/role.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void make_file(char path[static 32], const void *bytes, size_t size, mode_t mode)
{
    int file;

    memcpy(path, "/tmp/handover_test_XXXXXX", 26);
    file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, size), size);
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
}

static void access_is_judged(void **state)
{
    static const struct {
        enum handover_strictness strictness;
        mode_t mode;
        int r;
    } cases[] = {
        {HANDOVER_OWNER_ALONE, 0400, 0},      {HANDOVER_OWNER_ALONE, 0600, 0},
        {HANDOVER_OWNER_ALONE, 0440, -EPERM}, {HANDOVER_OWNER_ALONE, 0604, -EPERM},
        {HANDOVER_NOT_WORLD, 0640, 0},        {HANDOVER_NOT_WORLD, 0644, -EPERM},
        {HANDOVER_NOT_WORLD, 0602, -EPERM},   {HANDOVER_PUBLIC, 0644, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(secret_done) struct secret contents = SECRET_NONE;
        char path[32];

        make_file(path, "contents", 8, cases[i].mode);
        assert_int_equal(handover_read("key", path, cases[i].strictness, &contents), cases[i].r);
        if (cases[i].r == 0)
            assert_true(slice_equal(secret_slice(&contents), SLICE("contents")));
        unlink(path);
    }
}

static void a_file_of_somebody_else_is_refused(void **state)
{
    CLEANUP(secret_done) struct secret contents = SECRET_NONE;
    char path[32];

    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root may give files away\n");
        skip();
    }
    make_file(path, "contents", 8, 0400);
    assert_int_equal(chown(path, 64901, 64902), 0);
    assert_int_equal(handover_read("key", path, HANDOVER_OWNER_ALONE, &contents), -EPERM);
    assert_int_equal(handover_read("key", path, HANDOVER_NOT_WORLD, &contents), -EPERM);
    unlink(path);
}

static void what_is_no_such_file_is_refused(void **state)
{
    static const char large[ROLE_HANDED_BYTES_MAX + 1];
    CLEANUP(secret_done) struct secret contents = SECRET_NONE;
    char path[32];

    (void)state;
    assert_int_equal(handover_read("key", "/tmp", HANDOVER_PUBLIC, &contents), -EINVAL);
    assert_int_equal(handover_read("key", "/dev/null", HANDOVER_PUBLIC, &contents), -EINVAL);
    assert_int_equal(handover_read("key", "/tmp/no/such/file", HANDOVER_PUBLIC, &contents),
                     -ENOENT);
    make_file(path, "", 0, 0400);
    assert_int_equal(handover_read("key", path, HANDOVER_PUBLIC, &contents), -EINVAL);
    unlink(path);
    make_file(path, large, sizeof large, 0400);
    assert_int_equal(handover_read("key", path, HANDOVER_PUBLIC, &contents), -EFBIG);
    unlink(path);
    assert_null(contents.data);
}

static void a_pipe_yields_the_contents_and_ends(void **state)
{
    static char bytes[ROLE_HANDED_BYTES_MAX];
    static const size_t sizes[] = {0, 1, 4096, 4097, ROLE_HANDED_BYTES_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CLEANUP(secret_done) struct secret contents = SECRET_NONE;
        int read_end;

        assert_int_equal(handover_pipe(slice_of(bytes, sizes[i]), &read_end), 0);
        assert_int_equal(role_read_handed(read_end, &contents), 0);
        assert_true(slice_equal(secret_slice(&contents), slice_of(bytes, sizes[i])));
        assert_int_equal(fcntl(read_end, F_GETFD), -1); /* closed */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_is_judged),
        cmocka_unit_test(a_file_of_somebody_else_is_refused),
        cmocka_unit_test(what_is_no_such_file_is_refused),
        cmocka_unit_test(a_pipe_yields_the_contents_and_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
