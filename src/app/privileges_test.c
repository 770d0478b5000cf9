#include "app/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void users_are_names_or_numbers(void **state)
{
    static const struct {
        const char *text;
        int r;
        uid_t uid;
        gid_t gid;
    } cases[] = {
        {"1000", 0, 1000, 1000},
        {"12:34", 0, 12, 34},
        {"daemon", 0, 1, 1},
        {"root", -EINVAL, 0, 0},
        {"0", -EINVAL, 0, 0},
        {"0:5", -EINVAL, 0, 0},
        {"5:0", -EINVAL, 0, 0},
        {"12:", -EINVAL, 0, 0},
        {"12:x", -EINVAL, 0, 0},
        {"", -ENOENT, 0, 0},
        {"no-such-user", -ENOENT, 0, 0},
        {"99999999999", -ENOENT, 0, 0},
        {"daemon:5", -ENOENT, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct privileges_user user = {0, 0};

        if (privileges_find_user(cases[i].text, &user) != cases[i].r)
            fail_msg("\"%s\" was judged wrongly", cases[i].text);
        assert_int_equal(user.uid, cases[i].uid);
        assert_int_equal(user.gid, cases[i].gid);
    }
}

/* Runs `act` in a process of its own; yields its exit code. */
static int in_child(int (*act)(void *argument), void *argument)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(act(argument));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void skip_unless_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("skipped: only root may change users\n");
    skip();
}

/* The value of a line of /proc/self/status, such as "CapEff:". */
static void status_line(const char *name, char *out, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "re");

    *out = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            snprintf(out, size, "%.*s", (int)strcspn(line + strlen(name) + 1, "\n"),
                     line + strlen(name) + 1);
    if (file)
        fclose(file);
}

static bool has_no_capability(void)
{
    static const char *const sets[] = {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"};
    char text[64];

    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        status_line(sets[i], text, sizeof text);
        if (strcmp(text, "0000000000000000") != 0)
            return false;
    }
    return true;
}

static int become_user(void *argument)
{
    static const gid_t powerful_group = 64905;

    if (setgroups(1, &powerful_group) < 0 || privileges_drop(argument) < 0)
        return 1;
    if (!has_no_capability())
        return 2;
    if (getuid() != 64901 || getegid() != 64902 || getgroups(0, NULL) != 0)
        return 3;
    return setuid(0) == 0 || setgid(0) == 0 ? 4 : 0;
}

static int keep_user(void *argument)
{
    (void)argument;
    if (privileges_drop(NULL) < 0)
        return 1;
    return has_no_capability() ? 0 : 2;
}

static void nothing_of_root_is_left(void **state)
{
    struct privileges_user user = {64901, 64902};

    (void)state;
    skip_unless_root();
    assert_int_equal(in_child(become_user, &user), 0);
    assert_int_equal(in_child(keep_user, NULL), 0);
}

static int harden_and_look(void *argument)
{
    struct rlimit core;

    (void)argument;
    privileges_harden();
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 1;
    return getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0;
}

static void a_hardened_process_cannot_dump(void **state)
{
    (void)state;
    assert_int_equal(in_child(harden_and_look, NULL), 0);
}

struct victim {
    pid_t pid;
    const struct privileges_user *spy;
};

/* 0 if the victim's memory can be opened, otherwise the errno. */
static int open_memory(void *argument)
{
    const struct victim *victim = argument;
    char path[64];

    if (victim->spy && privileges_drop(victim->spy) < 0)
        return 255;
    snprintf(path, sizeof path, "/proc/%d/mem", (int)victim->pid);
    return open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

/* A process that waits, as `user` and hardened or not; *ret_end ends it when closed. */
static pid_t start_victim(const struct privileges_user *user, bool hardened, int *ret_end)
{
    int ready[2], end[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(end, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        close(end[1]);
        if (user && privileges_drop(user) < 0)
            _exit(1);
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        if (hardened)
            privileges_harden();
        (void)!write(ready[1], "x", 1);
        _exit(read(end[0], &byte, 1) != 0);
    }
    close(ready[1]);
    close(end[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *ret_end = end[1];
    return pid;
}

static int spy_on(const struct privileges_user *user, bool hardened,
                  const struct privileges_user *spy)
{
    int end, status, r;
    struct victim victim = {start_victim(user, hardened, &end), spy};

    r = in_child(open_memory, &victim);
    close(end);
    assert_int_equal(waitpid(victim.pid, &status, 0), victim.pid);
    return r;
}

/* Neither another user nor, once it is hardened, another process of the same user can look into it.
 */
static void the_memory_of_a_role_is_its_own(void **state)
{
    static const struct privileges_user vault = {64901, 64902}, gateway = {64903, 64904};

    (void)state;
    skip_unless_root();
    assert_int_equal(spy_on(&vault, false, &gateway), EACCES);
    assert_int_equal(spy_on(&vault, true, &gateway), EACCES);
    assert_int_equal(spy_on(&vault, true, &vault), EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_names_or_numbers),
        cmocka_unit_test(nothing_of_root_is_left),
        cmocka_unit_test(a_hardened_process_cannot_dump),
        cmocka_unit_test(the_memory_of_a_role_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
