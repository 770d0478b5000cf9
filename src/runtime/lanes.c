#include "runtime/lanes.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Most lanes are one thread, for the order of their jobs. */
static const size_t threads_of[TASK_LANES] = {
    [TASK_LANE_COMMIT] = 1,
    [TASK_LANE_READ] = 1,
    [TASK_LANE_FETCH] = TASK_FETCH_THREADS,
};

struct lane {
    struct lanes *lanes;
    pthread_t threads[TASK_FETCH_THREADS];
    size_t started;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list jobs;
    size_t open; /* jobs that have not ended */
    bool stop;
};

struct lanes {
    struct lane lane[TASK_LANES];
    pthread_mutex_t lock; /* for `ended`; taken after a lane's lock, never before */
    struct list ended;
    int event;
};

static void report(struct lanes *l, struct world_job *job)
{
    bool first;

    pthread_mutex_lock(&l->lock);
    first = list_empty(&l->ended);
    list_add_last(&l->ended, &job->link);
    pthread_mutex_unlock(&l->lock);
    if (first)
        (void)!write(l->event, &(uint64_t){1}, sizeof(uint64_t));
}

/* The next job, or NULL when the lane shall stop and nothing is left. */
static struct world_job *next_job(struct lane *lane)
{
    struct world_job *job = NULL;

    pthread_mutex_lock(&lane->lock);
    while (list_empty(&lane->jobs) && !lane->stop)
        pthread_cond_wait(&lane->work, &lane->lock);
    if (!list_empty(&lane->jobs)) {
        job = LIST_FIRST(&lane->jobs, struct world_job, link);
        list_remove(&job->link);
    }
    pthread_mutex_unlock(&lane->lock);
    return job;
}

static void *lane_main(void *argument)
{
    struct lane *lane = argument;
    struct world_job *job;

    while ((job = next_job(lane))) {
        job->result = job->function(job->argument);
        pthread_mutex_lock(&lane->lock);
        lane->open--;
        pthread_mutex_unlock(&lane->lock);
        report(lane->lanes, job);
    }
    return NULL;
}

/* Signals are for the loop's thread. A thread that cannot be made leaves nothing that could go
 * on. */
static void lane_start(struct lane *lane)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&lane->threads[lane->started], NULL, lane_main, lane) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    lane->started++;
}

int lanes_new(struct lanes **ret)
{
    struct lanes *l;
    int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (event < 0)
        return -errno;
    l = base_allocate(sizeof *l);
    l->event = event;
    list_init(&l->ended);
    pthread_mutex_init(&l->lock, NULL);
    for (size_t i = 0; i < TASK_LANES; i++) {
        struct lane *lane = &l->lane[i];

        lane->lanes = l;
        list_init(&lane->jobs);
        pthread_mutex_init(&lane->lock, NULL);
        pthread_cond_init(&lane->work, NULL);
    }
    *ret = l;
    return 0;
}

static void lane_stop(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->stop = true;
    pthread_cond_broadcast(&lane->work);
    pthread_mutex_unlock(&lane->lock);
    for (size_t i = 0; i < lane->started; i++)
        pthread_join(lane->threads[i], NULL);
    pthread_cond_destroy(&lane->work);
    pthread_mutex_destroy(&lane->lock);
}

void lanes_free(struct lanes *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < TASK_LANES; i++)
        lane_stop(&l->lane[i]);
    pthread_mutex_destroy(&l->lock);
    close(l->event);
    free(l);
}

int lanes_descriptor(const struct lanes *l)
{
    return l->event;
}

void lanes_submit(struct lanes *l, enum task_lane which, struct world_job *job)
{
    struct lane *lane = &l->lane[which];

    pthread_mutex_lock(&lane->lock);
    if (lane->open >= lane->started && lane->started < threads_of[which])
        lane_start(lane);
    lane->open++;
    list_add_last(&lane->jobs, &job->link);
    pthread_mutex_unlock(&lane->lock);
    pthread_cond_signal(&lane->work); /* with the lock, the thread would wake to wait for it */
}

void lanes_collect(struct lanes *l, struct list *jobs)
{
    uint64_t count;

    (void)!read(l->event, &count, sizeof count);
    pthread_mutex_lock(&l->lock);
    LIST_FOREACH_SAFE (link, &l->ended) {
        list_remove(link);
        list_add_last(jobs, link);
    }
    pthread_mutex_unlock(&l->lock);
}
