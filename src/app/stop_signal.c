#include "app/stop_signal.h"

#include "runtime/io.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

static void stop_signals(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
}

void stop_signal_block(void)
{
    sigset_t signals;

    stop_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int stop_signal_wait(struct task *t, void *context)
{
    struct signalfd_siginfo info;
    sigset_t signals;
    struct io io;
    ssize_t size;
    int descriptor, r;

    (void)context;
    stop_signals(&signals);
    descriptor = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    r = io_open(&io, task_world(t), descriptor);
    if (r < 0)
        return r;
    size = io_read(t, &io, &info, sizeof info);
    io_close(&io, IO_OWN);
    return size < 0 ? (int)size : 0;
}
