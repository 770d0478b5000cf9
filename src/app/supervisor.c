#include "app/supervisor.h"

#include "app/estate.h"
#include "app/notify.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
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

enum { CHILDREN_MAX = ROLE_COUNT - 1 + ROLE_GATEWAYS_MAX };

struct supervisor {
    struct estate estate;
    int signals;
    struct child children[CHILDREN_MAX]; /* in the order in which they are started */
    size_t child_count;
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
static void start_child(struct supervisor *s, struct child *child, uint64_t now)
{
    int r = estate_start(&s->estate, child, now);

    if (r == 0) {
        log_info("started the %s as process %d", child->name, (int)child->pid);
        return;
    }
    child->pause_ms = child_pause_ms(child->pause_ms, 0);
    child->start_at_ms = now + child->pause_ms;
    log_error("the %s cannot be started: %s", child->name, strerror(-r));
}

static void start_due(struct supervisor *s)
{
    uint64_t now = now_ms();

    for (size_t i = 0; i < s->child_count && !s->stopping; i++) {
        struct child *child = &s->children[i];

        if (!child->pid && !child->finished && child->start_at_ms <= now)
            start_child(s, child, now);
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

static void press(struct child *child)
{
    if (child->kill_at_ms == 0)
        tell_to_stop(child, SIGTERM);
    if (now_ms() >= child->kill_at_ms) {
        log_warning("the %s does not stop: it is killed", child->name);
        tell_to_stop(child, SIGKILL);
    }
}

/* One role after the other, in the order opposite to their start: who is served stays until nobody
 * asks any more. */
static bool stop_next(struct supervisor *s)
{
    bool left = false;

    for (int role = ROLE_COUNT - 1; role >= 0 && !left; role--)
        for (size_t i = 0; i < s->child_count; i++) {
            struct child *child = &s->children[i];

            if (child->role != (enum role)role || !child->pid)
                continue;
            press(child);
            left = true;
        }
    return !left;
}

static struct child *find_child(struct supervisor *s, pid_t pid)
{
    for (size_t i = 0; i < s->child_count; i++)
        if (s->children[i].pid == pid)
            return &s->children[i];
    return NULL;
}

/* True when there is nothing left to do for it. */
static bool bury_gateway(struct supervisor *s, struct child *child, int status)
{
    child->finished = WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_DRAINED;
    estate_gateway_died(&s->estate, child->place, child->finished);
    return child->finished;
}

static void bury(struct supervisor *s, struct child *child, int status)
{
    child_died(child, status, now_ms());
    if (child->role == ROLE_GATEWAY && bury_gateway(s, child, status))
        return;
    if (s->stopping)
        return;
    if (child->starts == 1 && WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_CONFIG) {
        log_error("the %s cannot run with this configuration: stopping", child->name);
        begin_to_stop(s, ROLE_EXIT_CONFIG);
        return;
    }
    log_info("the %s is started again in %llu.%llu s", child->name,
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
            log_info("stopping: the gateways first, then the steward, then the vault");
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
    return child->pid || child->finished ? UINT64_MAX : child->start_at_ms;
}

static int pause_ms(const struct supervisor *s)
{
    uint64_t next = UINT64_MAX, now = now_ms();

    for (size_t i = 0; i < s->child_count; i++) {
        uint64_t due = due_ms(s, &s->children[i]);

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

static struct child *add_child(struct supervisor *s, enum role role)
{
    struct child *child = &s->children[s->child_count++];

    child->role = role;
    snprintf(child->name, sizeof child->name, "%s", role_name(role));
    return child;
}

static void add_children(struct supervisor *s, const struct supervisor_options *options)
{
    assert(options->gateway_count && options->gateway_count <= ROLE_GATEWAYS_MAX);
    add_child(s, ROLE_VAULT);
    add_child(s, ROLE_STEWARD);
    for (size_t i = 0; i < options->gateway_count; i++) {
        struct child *child = add_child(s, ROLE_GATEWAY);

        child->place = (unsigned)i;
        if (options->gateway_count > 1)
            snprintf(child->name, sizeof child->name, "gateway %u", options->gateways[i].number);
    }
}

int supervisor_main(const struct supervisor_options *options)
{
    struct supervisor s = {.signals = -1};
    int r;

    log_init("supervisor", options->log_level);
    privileges_raise_limits();
    privileges_harden();
    add_children(&s, options);
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
