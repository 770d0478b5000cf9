#include "submit/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    int memory;
    struct submit_board *first, *second;
};

static int set_up(void **state)
{
    struct fixture *f = base_allocate(sizeof *f);

    assert_int_equal(submit_board_make(&f->memory), 0);
    assert_int_equal(submit_board_open(f->memory, 0, &f->first), 0);
    assert_int_equal(submit_board_open(f->memory, 1, &f->second), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    submit_board_close(f->first);
    submit_board_close(f->second);
    close(f->memory);
    free(f);
    return 0;
}

static void whoever_has_more_gives_way(void **state)
{
    static const struct {
        size_t mine, other;
        bool ahead;
    } cases[] = {{0, 0, false}, {1, 0, true},  {1, 1, false},      {0, 1, false},    {2, 1, true},
                 {8, 8, false}, {10, 8, true}, {1000, 900, false}, {1000, 800, true}};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        submit_board_write(f->first, cases[i].mine);
        submit_board_write(f->second, cases[i].other);
        assert_int_equal(submit_board_is_ahead(f->first), cases[i].ahead);
    }
}

static void nobody_waits_for_who_is_not_there(void **state)
{
    struct fixture *f = *state;

    submit_board_write(f->first, 5);
    assert_false(submit_board_is_ahead(f->first)); /* the second has not begun */
    submit_board_write(f->second, 0);
    assert_true(submit_board_is_ahead(f->first));
    submit_board_strike(f->first, 1);
    assert_false(submit_board_is_ahead(f->first));
}

static void other_processes_see_it(void **state)
{
    struct fixture *f = *state;
    int status = -1;
    pid_t child;

    submit_board_write(f->first, 1);
    child = fork();
    if (child == 0) {
        submit_board_write(f->second, 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(submit_board_is_ahead(f->first));
}

static void its_size_is_sealed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ftruncate(f->memory, 0), -1);
    assert_int_equal(errno, EPERM);
}

#define BOARD_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD_TEST(whoever_has_more_gives_way),
        BOARD_TEST(nobody_waits_for_who_is_not_there),
        BOARD_TEST(other_processes_see_it),
        BOARD_TEST(its_size_is_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
