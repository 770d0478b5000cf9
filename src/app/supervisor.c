#include "app/supervisor.h"

#include "app/estate.h"
#include "app/notify.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long each may take to stop before it is killed; the gateway gives messages under way an
 * answer. Together they stay below what systemd waits for all (dist/letterhead.service). */
static const uint64_t stop_patience_ms[ROLE_COUNT] = {
    [ROLE_VAULT] = 5000,
    [ROLE_STEWARD] = 15000,
    [ROLE_GATEWAY] = 60000,
};

struct supervisor {
    struct estate estate;
    int signals;
    struct child children[ROLE_COUNT];
    bool stopping;
    int exit_code;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Signals become bytes to read, so that they are handled between all other things and not within
 * them. */
static int open_signals(struct supervisor *s)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return s->signals < 0 ? -errno : 0;
}

/* A role that cannot be started (no memory, no process) is tried again like one that died. */
static void start_due(struct supervisor *s)
{
    uint64_t now = now_ms();

    for (enum role role = 0; role < ROLE_COUNT && !s->stopping; role++) {
        struct child *child = &s->children[role];
        int r;

        if (child->pid || child->start_at_ms > now)
            continue;
        r = estate_start(&s->estate, child, now);
        if (r == 0) {
            log_info("started the %s as process %d", role_name(role), (int)child->pid);
            continue;
        }
        child->pause_ms = child_pause_ms(child->pause_ms, 0);
        child->start_at_ms = now + child->pause_ms;
        log_error("the %s cannot be started: %s", role_name(role), strerror(-r));
    }
}

static void begin_to_stop(struct supervisor *s, int exit_code)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->exit_code = exit_code;
    notify_send("STOPPING=1");
}

static void tell_to_stop(struct child *child, int signal_number)
{
    kill(child->pid, signal_number);
    child->kill_at_ms = now_ms() + stop_patience_ms[child->role];
}

/* One after the other, in the order opposite to their start: who is served stays until nobody asks
 * any more. */
static bool stop_next(struct supervisor *s)
{
    for (int role = ROLE_COUNT - 1; role >= 0; role--) {
        struct child *child = &s->children[role];

        if (!child->pid)
            continue;
        if (child->kill_at_ms == 0)
            tell_to_stop(child, SIGTERM);
        if (now_ms() >= child->kill_at_ms) {
            log_warning("the %s does not stop: it is killed", role_name(child->role));
            tell_to_stop(child, SIGKILL);
        }
        return false;
    }
    return true;
}

static struct child *find_child(struct supervisor *s, pid_t pid)
{
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (s->children[role].pid == pid)
            return &s->children[role];
    return NULL;
}

static void bury(struct supervisor *s, struct child *child, int status)
{
    child_died(child, status, now_ms());
    if (s->stopping)
        return;
    if (child->starts == 1 && WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_CONFIG) {
        log_error("the %s cannot run with this configuration: stopping", role_name(child->role));
        begin_to_stop(s, ROLE_EXIT_CONFIG);
        return;
    }
    log_info("the %s is started again in %llu.%llu s", role_name(child->role),
             (unsigned long long)child->pause_ms / 1000,
             (unsigned long long)child->pause_ms / 100 % 10);
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *child = find_child(s, pid);

        if (child)
            bury(s, child, status);
    }
}

static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP)
            log_info("SIGHUP: the configuration is read at the start only; restart the service for "
                     "a new one");
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            log_info("stopping: the gateway first, then the steward, then the vault");
            begin_to_stop(s, 0);
        }
    }
    reap(s);
}

/* When something is to be done about a child though nothing happens: a start, or the end of
 * patience. */
static uint64_t due_ms(const struct supervisor *s, const struct child *child)
{
    if (s->stopping)
        return child->pid && child->kill_at_ms ? child->kill_at_ms : UINT64_MAX;
    return child->pid ? UINT64_MAX : child->start_at_ms;
}

static int pause_ms(const struct supervisor *s)
{
    uint64_t next = UINT64_MAX, now = now_ms();

    for (enum role role = 0; role < ROLE_COUNT; role++) {
        uint64_t due = due_ms(s, &s->children[role]);

        next = due < next ? due : next;
    }
    if (next == UINT64_MAX)
        return -1;
    return next > now ? (int)(next - now) : 0;
}

static void run(struct supervisor *s)
{
    struct pollfd signals = {.fd = s->signals, .events = POLLIN};

    start_due(s);
    notify_send("READY=1");
    while (!s->stopping || !stop_next(s)) {
        (void)poll(&signals, 1, pause_ms(s));
        take_signals(s);
        start_due(s);
    }
}

int supervisor_main(const struct supervisor_options *options)
{
    struct supervisor s = {.signals = -1};
    int r;

    log_init("supervisor", options->log_level);
    privileges_raise_limits();
    privileges_harden();
    for (enum role role = 0; role < ROLE_COUNT; role++)
        s.children[role].role = role;
    r = estate_open(&s.estate, options);
    if (r == 0)
        r = open_signals(&s);
    if (r < 0)
        return ROLE_EXIT_CONFIG;
    run(&s);
    estate_done(&s.estate);
    log_info("stopped");
    return s.exit_code;
}
