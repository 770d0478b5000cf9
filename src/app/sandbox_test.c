#include "app/sandbox.h"

#include "app/privileges.h"
#include "base/log.h"
#include "base/secret.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAME_THROUGH = 0, SAID_NO = 99, NO_SANDBOX = 98 };

/* What a sandboxed process tries; returns what the system call did. */
typedef long attempt(void);

/* A sanitized build is told "no" for what its sanitizer tries by itself; all else ends the process.
 */
static bool was_refused(int status)
{
#ifdef SANDBOX_INSTRUMENTED
    if (WIFEXITED(status) && WEXITSTATUS(status) == SAID_NO)
        return true;
#endif
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static int verdict(long result)
{
    return result == -1 && (errno == EPERM || errno == EACCES) ? SAID_NO : CAME_THROUGH;
}

static int in_sandbox(attempt *try)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        privileges_harden();
        if (sandbox_prepare() < 0 || sandbox_close() < 0)
            _exit(NO_SANDBOX);
        errno = 0;
        _exit(verdict(try()));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static long try_open(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long try_create(void)
{
    return open("/tmp/sandbox_test_made_this", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long try_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_internet_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_socketpair(void)
{
    int pair[2];

    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static long try_connect(void)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    return connect(0, &nowhere, sizeof nowhere);
}

static long try_execute(void)
{
    char name[] = "true";

    return execve("/bin/true", (char *[]){name, NULL}, (char *[]){NULL});
}

static long try_fork(void)
{
    return syscall(SYS_fork);
}

static long try_trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_read_others(void)
{
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long try_signal(void)
{
    return kill(1, 0);
}

static long try_remove(void)
{
    return unlink("/tmp/sandbox_test_no_such_file");
}

static long try_map_code(void)
{
    return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long try_make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long try_become_root(void)
{
    return syscall(SYS_setuid, 0);
}

static void what_is_not_needed_is_refused(void **state)
{
    static const struct {
        const char *what;
        attempt *try;
    } cases[] = {
        {"open a file", try_open},
        {"create a file", try_create},
        {"remove a file", try_remove},
        {"make a Unix socket", try_unix_socket},
        {"make an internet socket", try_internet_socket},
        {"make a socket pair", try_socketpair},
        {"connect", try_connect},
        {"execute", try_execute},
        {"fork", try_fork},
        {"trace", try_trace},
        {"read another process's memory", try_read_others},
        {"send a signal", try_signal},
        {"map code", try_map_code},
        {"turn data into code", try_make_code},
        {"become root", try_become_root},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = in_sandbox(cases[i].try);

        if (!was_refused(status))
            fail_msg("the sandbox let it %s (wait status %#x)", cases[i].what, status);
    }
}

static long do_what_the_vault_does(void)
{
    CLEANUP(secret_done) struct secret secret = SECRET_NONE;
    char *memory = malloc(64 << 20);
    struct timespec now;

    secret_init(&secret, 5000);
    memory[32 << 20] = 1;
    free(memory);
    free(realloc(malloc(10), 10 << 20));
    clock_gettime(CLOCK_MONOTONIC, &now);
    log_info("a line from within");
    return send(-1, "", 0, 0) == -1 && errno == EBADF ? 0 : -1;
}

static void what_is_needed_is_allowed(void **state)
{
    (void)state;
    log_info("the first line may read the time zone");
    assert_int_equal(in_sandbox(do_what_the_vault_does), 0);
}

static long fail_assertion(void)
{
    volatile bool holds = false;

    assert(holds && "this is meant to fail");
    return 0;
}

/* A bug shall be reported as one and not look like an attack. */
static void a_failed_assertion_aborts(void **state)
{
    int status = in_sandbox(fail_assertion);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void *open_when_told(void *gate)
{
    pthread_barrier_wait(gate);
    _exit(verdict(open("/etc/passwd", O_RDONLY | O_CLOEXEC)));
}

static int close_around_a_thread(void)
{
    pthread_barrier_t gate;
    pthread_t thread;

    pthread_barrier_init(&gate, NULL, 2);
    if (sandbox_prepare() < 0 || pthread_create(&thread, NULL, open_when_told, &gate) != 0 ||
        sandbox_close() < 0)
        return NO_SANDBOX;
    pthread_barrier_wait(&gate);
    pthread_join(thread, NULL);
    return NO_SANDBOX;
}

static void threads_that_run_already_are_held_too(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0)
        _exit(close_around_a_thread());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(was_refused(status));
}

static void landlock_alone_forbids_files(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 1) {
        print_message("skipped: this kernel has no Landlock\n");
        skip();
    }
    pid = fork();
    if (pid == 0)
        _exit(sandbox_prepare() < 0 ? NO_SANDBOX : verdict(try_open()));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), SAID_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_needed_is_refused),
        cmocka_unit_test(what_is_needed_is_allowed),
        cmocka_unit_test(a_failed_assertion_aborts),
        cmocka_unit_test(threads_that_run_already_are_held_too),
        cmocka_unit_test(landlock_alone_forbids_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
