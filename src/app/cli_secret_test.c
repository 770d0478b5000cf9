#include "app/cli_secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* A pipe that holds `content` and then ends; its descriptor as text. */
static int pipe_with(struct slice content, char number[static 16])
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], content.data, content.size), content.size);
    close(ends[1]);
    snprintf(number, 16, "%d", ends[0]);
    return ends[0];
}

static void test_one_line(void **state)
{
    static const struct {
        struct slice content, secret; /* no secret: refused */
    } cases[] = {
        {SLICE("word"), SLICE("word")},
        {SLICE("word\n"), SLICE("word")},
        {SLICE("word\r\n"), SLICE("word")},
        {SLICE(" two words "), SLICE(" two words ")},
        {SLICE(""), SLICE_NONE},
        {SLICE("\n"), SLICE_NONE},
        {SLICE("one\ntwo\n"), SLICE_NONE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(secret_done) struct secret secret = SECRET_NONE;
        CLEANUP(base_free_pointer) char *problem = NULL;
        char number[16];
        int file = pipe_with(cases[i].content, number);
        int r = cli_secret_from_descriptor(number, false, &secret, &problem);

        close(file);
        assert_int_equal(r, cases[i].secret.data ? 0 : -EINVAL);
        assert_true(slice_equal(secret_slice(&secret), cases[i].secret));
        assert_int_equal(problem != NULL, r < 0);
    }
}

static void test_too_long(void **state)
{
    CLEANUP(secret_done) struct secret secret = SECRET_NONE;
    CLEANUP(base_free_pointer) char *problem = NULL;
    char number[16], content[CLI_SECRET_BYTES_MAX];
    int file;

    (void)state;
    memset(content, 'a', sizeof content);
    file = pipe_with(slice_of(content, sizeof content), number);
    assert_int_equal(cli_secret_from_descriptor(number, false, &secret, &problem), -EINVAL);
    close(file);
}

/* A key in PEM keeps its lines; bytes come as base64. */
static void test_whole(void **state)
{
    static const struct {
        struct slice content, secret;
    } whole[] = {
        {SLICE("-----BEGIN\nAAAA\n-----END\n"), SLICE("-----BEGIN\nAAAA\n-----END\n")},
        {SLICE("\x30\x82\x00"), SLICE("MIIA")},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
        CLEANUP(secret_done) struct secret secret = SECRET_NONE;
        CLEANUP(base_free_pointer) char *problem = NULL;
        char number[16];
        int file = pipe_with(whole[i].content, number);

        assert_int_equal(cli_secret_from_descriptor(number, true, &secret, &problem), 0);
        assert_true(slice_equal(secret_slice(&secret), whole[i].secret));
        close(file);
    }
}

static void test_no_file(void **state)
{
    CLEANUP(secret_done) struct secret secret = SECRET_NONE;
    CLEANUP(base_free_pointer) char *problem = NULL;

    (void)state;
    assert_int_equal(cli_secret_from_file("/nowhere/at/all", false, &secret, &problem), -EINVAL);
    assert_non_null(strstr(problem, "/nowhere/at/all"));
}

static void test_no_descriptor(void **state)
{
    static const char *const numbers[] = {"-1", "x", "", "99999999999", "1000000"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        CLEANUP(secret_done) struct secret secret = SECRET_NONE;
        CLEANUP(base_free_pointer) char *problem = NULL;

        assert_int_equal(cli_secret_from_descriptor(numbers[i], false, &secret, &problem), -EINVAL);
        assert_non_null(problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line),      cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_no_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
