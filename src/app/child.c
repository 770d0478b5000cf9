#include "app/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What of the environment reaches a role: nothing that could hold a secret or change what libraries
 * do, but what instrumented builds are told. */
static const char *const environment_kept[] = {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
                                               "UBSAN_OPTIONS"};

static void keep_environment(char **ret)
{
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(environment_kept); i++) {
        size_t length = strlen(environment_kept[i]);

        for (char **variable = environ; *variable; variable++)
            if (strncmp(*variable, environment_kept[i], length) == 0 && (*variable)[length] == '=')
                ret[count++] = *variable;
    }
    ret[count] = NULL;
}

static int open_null(void)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int r = null < 0 || dup2(null, STDIN_FILENO) < 0 ? -errno : 0;

    base_close_descriptor(&null);
    return r < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ? -errno : 0;
}

/* First up, out of the way of one another, then down to their places. The executable goes behind
 * them; nothing else is left open. */
static int place_descriptors(const struct child_plan *plan, int *ret_executable)
{
    int top = ROLE_FD_FIRST + (int)plan->descriptor_count;
    int moved[CHILD_DESCRIPTORS_MAX], executable;

    for (size_t i = 0; i < plan->descriptor_count; i++) {
        moved[i] = fcntl(plan->descriptors[i], F_DUPFD_CLOEXEC, top + 1);
        if (moved[i] < 0)
            return -errno;
    }
    executable = fcntl(plan->executable, F_DUPFD_CLOEXEC, top + 1);
    if (executable < 0)
        return -errno;
    for (size_t i = 0; i < plan->descriptor_count; i++)
        if (dup2(moved[i], ROLE_FD_FIRST + (int)i) < 0)
            return -errno;
    if (dup3(executable, top, O_CLOEXEC) < 0)
        return -errno;
    if (syscall(SYS_close_range, (unsigned)top + 1, ~0U, 0) < 0)
        return -errno;
    *ret_executable = top;
    return 0;
}

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The wish to die with the parent is forgotten when the user changes, so it comes after that; and
 * the parent may have died before it was uttered. */
static int die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -errno;
    return getppid() == parent ? 0 : -ESRCH;
}

static NORETURN void become(const struct child_plan *plan, pid_t parent)
{
    char *environment[ARRAY_LEN(environment_kept) + 1];
    int executable = -1, r;

    reset_signals();
    keep_environment(environment);
    r = open_null();
    if (r == 0)
        r = place_descriptors(plan, &executable);
    if (r == 0)
        r = privileges_drop(plan->user);
    if (r == 0)
        r = die_with(parent);
    if (r == 0) {
        syscall(SYS_execveat, executable, "", plan->arguments, environment, AT_EMPTY_PATH);
        r = -errno;
    }
    log_error("a role could not be started: %s", strerror(-r));
    _exit(EXIT_FAILURE);
}

int child_start(struct child *child, const struct child_plan *plan, uint64_t now_ms)
{
    pid_t parent = getpid(), pid;

    assert(plan->descriptor_count <= CHILD_DESCRIPTORS_MAX);
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        become(plan, parent);
    child->pid = pid;
    child->starts++;
    child->kill_at_ms = 0;
    child->started_ms = now_ms;
    return 0;
}

uint64_t child_pause_ms(uint64_t previous_pause_ms, uint64_t lived_ms)
{
    if (previous_pause_ms == 0 || lived_ms >= CHILD_LONG_LIFE_MS)
        return CHILD_PAUSE_FIRST_MS;
    return previous_pause_ms * 2 < CHILD_PAUSE_MAX_MS ? previous_pause_ms * 2 : CHILD_PAUSE_MAX_MS;
}

static const char *explain_exit(int code)
{
    switch (code) {
    case 0:
        return "by itself";
    case ROLE_EXIT_ATTACK:
        return "because another process broke the protocol";
    case ROLE_EXIT_DRAINED:
        return "because its spool is empty";
    case ROLE_EXIT_CONFIG:
        return "because it cannot run with what it was given: see its last lines";
    default:
        return "with a failure: see its last lines";
    }
}

const char *child_explain(int wait_status, char *out, size_t out_size)
{
    if (WIFSIGNALED(wait_status))
        snprintf(out, out_size, "was killed by signal %d (%s)", WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)));
    else
        snprintf(out, out_size, "ended %s (exit code %d)", explain_exit(WEXITSTATUS(wait_status)),
                 WEXITSTATUS(wait_status));
    return out;
}

static bool is_orderly(int wait_status)
{
    return (WIFEXITED(wait_status) &&
            (WEXITSTATUS(wait_status) == 0 || WEXITSTATUS(wait_status) == ROLE_EXIT_DRAINED)) ||
           (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGTERM);
}

void child_died(struct child *child, int wait_status, uint64_t now_ms)
{
    uint64_t lived_ms = now_ms - child->started_ms;
    char how[128];

    child->pause_ms = child_pause_ms(child->pause_ms, lived_ms);
    child->start_at_ms = now_ms + child->pause_ms;
    log_line(is_orderly(wait_status) ? LOG_INFO : LOG_WARNING,
             "the %s (process %d) %s after %llu.%llu s", child->name, (int)child->pid,
             child_explain(wait_status, how, sizeof how), (unsigned long long)lived_ms / 1000,
             (unsigned long long)lived_ms / 100 % 10);
    child->pid = 0;
}
