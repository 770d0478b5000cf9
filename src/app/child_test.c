#include "app/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* These alone are handed on; the test runner may have set them. */
static const char *const sanitizer_options[] = {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
                                                "UBSAN_OPTIONS"};

/* This program is its own role: started as `letterhead role …` it writes what it finds to
 * descriptor 3. */
static void report_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    bool open_ones[64] = {false};

    while ((entry = readdir(directory)))
        if (entry->d_name[0] != '.' && atol(entry->d_name) < 64 &&
            atol(entry->d_name) != dirfd(directory))
            open_ones[atol(entry->d_name)] = true;
    for (int i = 0; i < 64; i++)
        if (open_ones[i])
            dprintf(3, "fd%d ", i);
    closedir(directory);
}

static int report(int argc, char **argv)
{
    sigset_t blocked;
    int death_signal = 0;

    for (int i = 0; i < argc; i++)
        dprintf(3, "%s ", argv[i]);
    report_descriptors();
    for (char **variable = environ; *variable; variable++)
        dprintf(3, "env:%s ", *variable);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    dprintf(3, "blocked:%d ", sigismember(&blocked, SIGTERM));
    prctl(PR_GET_PDEATHSIG, &death_signal);
    dprintf(3, "dies-with-parent:%d uid:%u ", death_signal == SIGKILL, getuid());
    dprintf(4, "second");
    return 7;
}

enum { REPORT_BYTES = 1024 };

struct run {
    int status;
    char first[REPORT_BYTES], second[REPORT_BYTES]; /* what it wrote to descriptors 3 and 4 */
};

static void read_all(int descriptor, char *out)
{
    size_t size = 0;
    ssize_t n;

    while ((n = read(descriptor, out + size, REPORT_BYTES - 1 - size)) > 0)
        size += (size_t)n;
    out[size] = 0;
    close(descriptor);
}

/* The executable and the pipes lie where descriptors are to be placed, and the pipes are not
 * close-on-exec, so that what was not dealt must be closed by child_start. */
static void run_child(const struct privileges_user *user, struct run *ret)
{
    const char *const arguments[] = {"letterhead", "role", "steward", "--config", "x", NULL};
    int executable = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    struct child child = {.role = ROLE_STEWARD};
    struct child_plan plan = {.executable = executable, .arguments = arguments, .user = user};
    int first[2], second[2];

    assert_int_equal(pipe(second), 0);
    assert_int_equal(pipe(first), 0);
    plan.descriptors = (int[]){first[1], second[1]};
    plan.descriptor_count = 2;
    assert_int_equal(child_start(&child, &plan, 1000), 0);
    close(first[1]);
    close(second[1]);
    read_all(first[0], ret->first);
    read_all(second[0], ret->second);
    assert_int_equal(waitpid(child.pid, &ret->status, 0), child.pid);
    close(executable);
    assert_int_equal(child.starts, 1);
    assert_int_equal(child.started_ms, 1000);
}

static void a_child_gets_what_is_dealt_and_nothing_else(void **state)
{
    struct run run;
    sigset_t term;
    char expected[256];

    (void)state;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    setenv("NOTIFY_SOCKET", "/run/notify", 1);
    run_child(NULL, &run);
    sigprocmask(SIG_UNBLOCK, &term, NULL);
    snprintf(expected, sizeof expected,
             "letterhead role steward --config x fd0 fd1 fd2 fd3 fd4 "
             "blocked:0 dies-with-parent:1 uid:%u ",
             getuid());
    assert_string_equal(run.first, expected);
    assert_string_equal(run.second, "second");
    assert_int_equal(run.status, 7 << 8);
}

static void a_child_runs_as_its_user(void **state)
{
    const struct privileges_user user = {64901, 64902};
    struct run run;

    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root may change users\n");
        skip();
    }
    run_child(&user, &run);
    assert_non_null(strstr(run.first, "dies-with-parent:1 uid:64901 "));
}

static void pauses_grow_and_are_forgotten(void **state)
{
    static const struct {
        uint64_t previous_ms, lived_ms, pause_ms;
    } cases[] = {
        {0, 0, 100},           {100, 0, 200},       {200, 59999, 400},
        {12800, 0, 25600},     {25600, 0, 30000},   {30000, 0, 30000},
        {30000, 59999, 30000}, {30000, 60000, 100}, {200, 3600000, 100},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(child_pause_ms(cases[i].previous_ms, cases[i].lived_ms),
                         cases[i].pause_ms);
}

static void a_death_sets_the_next_start(void **state)
{
    struct child child = {.role = ROLE_VAULT, .name = "vault", .pid = 4711, .started_ms = 10000};

    (void)state;
    child_died(&child, 9, 12500);
    assert_int_equal(child.pid, 0);
    assert_int_equal(child.start_at_ms, 12600);
    child.started_ms = 12600;
    child_died(&child, 9, 12700);
    assert_int_equal(child.start_at_ms, 12900);
}

static void deaths_are_explained(void **state)
{
    static const struct {
        int wait_status;
        const char *text;
    } cases[] = {
        {0, "ended by itself (exit code 0)"},
        {1 << 8, "ended with a failure: see its last lines (exit code 1)"},
        {ROLE_EXIT_ATTACK << 8, "ended because another process broke the protocol (exit code 76)"},
        {9, "was killed by signal 9 (Killed)"},
        {31, "was killed by signal 31 (Bad system call)"},
    };
    char out[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(child_explain(cases[i].wait_status, out, sizeof out), cases[i].text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_gets_what_is_dealt_and_nothing_else),
        cmocka_unit_test(a_child_runs_as_its_user),
        cmocka_unit_test(pauses_grow_and_are_forgotten),
        cmocka_unit_test(a_death_sets_the_next_start),
        cmocka_unit_test(deaths_are_explained),
    };

    if (argc > 1 && strcmp(argv[1], "role") == 0)
        return report(argc, argv);
    for (size_t i = 0; i < ARRAY_LEN(sanitizer_options); i++)
        unsetenv(sanitizer_options[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
