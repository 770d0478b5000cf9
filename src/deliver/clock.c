/* One task waits for the earliest of all the times at which something may go on: rests of
 * destinations, back-offs and rates of providers. */
#include "deliver/inside.h"

void clock_set(struct deliver *d, struct timer *timer, uint64_t at_us)
{
    heap_set(&d->timers, &timer->item, at_us);
    if (heap_first(&d->timers) == &timer->item)
        condition_signal(&d->sooner);
}

int clock_main(struct task *t, void *argument)
{
    struct deliver *d = argument;
    int r = 0;

    while (r == 0) {
        struct heap_item *first = heap_first(&d->timers);
        uint64_t now_us = task_now_us(t);

        if (!first)
            r = condition_wait(t, &d->sooner);
        else if (first->key > now_us)
            r = condition_wait_for(t, &d->sooner, first->key - now_us);
        else {
            struct timer *timer = CONTAINER_OF(first, struct timer, item);

            heap_remove(&d->timers, first);
            timer->rings(t, timer);
        }
    }
    return r;
}

void clock_unset(struct deliver *d, struct timer *timer)
{
    heap_remove(&d->timers, &timer->item);
}
