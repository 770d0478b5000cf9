/* Checks by the clock: each identity when its time has come, a few at a time. */
#include "base/log.h"
#include "onboard/check.h"
#include "site/identity.h"
#include "site/pusher.h"

struct clock;

struct running {
    struct clock *clock;
    int64_t identity_id; /* 0: free */
};

struct clock {
    struct onboard_service *service;
    struct scope checks;
    struct running running[ONBOARD_CHECKS_MAX];
};

static int check_one(struct task *t, void *argument)
{
    struct running *running = argument;
    int r = onboard_check(t, running->clock->service, running->identity_id, false);

    if (r < 0 && r != -ECANCELED && r != -ENOENT && r != -ETIMEDOUT)
        log_error("checking identity %lld: %s", (long long)running->identity_id, strerror(-r));
    running->identity_id = 0;
    return 0;
}

static bool is_running(const struct clock *clock, int64_t id)
{
    for (size_t i = 0; i < ONBOARD_CHECKS_MAX; i++)
        if (clock->running[i].identity_id == id)
            return true;
    return false;
}

/* The first identity that is due and not being checked; 0: none. */
static int64_t next_due(struct clock *clock, int64_t now_us)
{
    CLEANUP(query_done)
    struct query q = store_query(clock->service->store, STORE_IDENTITY_DUE);

    query_bind_int(&q, now_us);
    query_bind_int(&q, ONBOARD_CHECKS_MAX + 1);
    while (query_step(&q) == 1)
        if (!is_running(clock, query_int(&q, 0)))
            return query_int(&q, 0);
    return 0;
}

static struct running *free_place(struct clock *clock)
{
    for (size_t i = 0; i < ONBOARD_CHECKS_MAX; i++)
        if (clock->running[i].identity_id == 0)
            return &clock->running[i];
    return NULL;
}

static int start_due(struct task *t, struct clock *clock)
{
    struct running *place;
    int r = 0;

    for (int i = 0; i < ONBOARD_STARTS_MAX && r == 0 && (place = free_place(clock)); i++) {
        int64_t id = next_due(clock, task_wall_us(t));

        if (id == 0)
            return 0;
        *place = (struct running){clock, id};
        r = scope_spawn(&clock->checks, "check", check_one, place);
    }
    return r;
}

int onboard_run(struct task *t, struct onboard_service *service)
{
    struct clock clock = {.service = service};
    int r = 0;

    scope_open(&clock.checks, t);
    while (r == 0) {
        r = start_due(t, &clock);
        if (r == 0)
            r = task_sleep(t, SECOND_US);
    }
    scope_close(&clock.checks);
    return r;
}
