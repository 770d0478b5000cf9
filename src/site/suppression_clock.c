#include "site/suppression_clock.h"

#include "base/log.h"
#include "runtime/task.h"
#include "site/pusher.h"
#include "site/refused_setup.h"
#include "site/suppression.h"
#include "site/suppression_breaker.h"

enum { AT_ONCE = 500 }; /* so that a transaction is short */

static int remove_all(struct store *s, const struct suppression *expired, size_t count)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    for (size_t i = 0; i < count && r == 0; i++)
        r = suppression_remove(s, expired[i].site_id, expired[i].address);
    return r == 0 ? store_transaction_commit(&all) : r;
}

static int close_breakers(struct store *s, struct arena *arena, int64_t now_us)
{
    struct suppression_breaker *breakers;
    size_t count = 0;
    int r = suppression_breaker_list(s, arena, &breakers, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        if (breakers[i].until_us <= now_us)
            r = suppression_breaker_remove(s, breakers[i].domain, now_us);
    return r;
}

/* What else comes of bounces and passes with time. */
static int tidy(struct store *s, struct arena *arena, int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = close_breakers(s, arena, now_us);
    if (r == 0)
        r = refused_setup_mend(s, now_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

int suppression_clock_tick(struct task *t, struct site_service *service, bool *ret_more)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct suppression *expired;
    size_t count;
    int r = suppression_list_expired(service->store, &arena, task_wall_us(t), AT_ONCE, &expired,
                                     &count);

    if (r == 0 && count)
        r = remove_all(service->store, expired, count);
    if (r == 0)
        r = tidy(service->store, &arena, task_wall_us(t));
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        site_pusher_note_suppression(service->pusher, expired[i].site_id, expired[i].address);
    if (count)
        log_info("%zu suppressions have expired", count);
    *ret_more = count == AT_ONCE;
    return 0;
}

int suppression_clock_run(struct task *t, struct site_service *service)
{
    bool more = false;
    int r = 0;

    while (r == 0) {
        r = more ? task_yield(t) : task_sleep(t, SUPPRESSION_CLOCK_S * SECOND_US);
        more = false;
        if (r == 0 && suppression_clock_tick(t, service, &more) < 0)
            log_warning("expired suppressions could not be removed: %s",
                        store_error(service->store));
    }
    return r;
}
