#include "queue/turn.h"

#include "queue/schedule.h"

static bool has(const struct queue_flow *f, enum queue_class class)
{
    return !list_empty(&f->lanes[class]);
}

/* The class by whose clock the flow waits for its turn. */
static enum queue_class leading(const struct queue_flow *f)
{
    return has(f, QUEUE_TRANSACTIONAL) ? QUEUE_TRANSACTIONAL : QUEUE_BULK;
}

static void line_up(struct queue_flow *f)
{
    if (has(f, leading(f)))
        heap_set(&f->pool->flows, &f->turn, f->clock[leading(f)]);
    else
        heap_remove(&f->pool->flows, &f->turn);
}

static void catch_up(struct queue_flow *f, enum queue_class class)
{
    if (f->clock[class] < f->pool->clock)
        f->clock[class] = f->pool->clock;
}

void queue_turn_enter(struct queue_flow *f, enum queue_class class, struct list *lane)
{
    if (!has(f, class))
        catch_up(f, class);
    list_add_last(&f->lanes[class], lane);
    line_up(f);
}

void queue_turn_leave(struct queue_flow *f, struct list *lane)
{
    list_remove(lane);
    line_up(f);
}

struct queue_flow *queue_turn_next(const struct queue_pool *pool, enum queue_class *ret_class)
{
    struct heap_item *first = heap_first(&pool->flows);
    struct queue_flow *f;

    if (!first)
        return NULL;
    f = CONTAINER_OF(first, struct queue_flow, turn);
    *ret_class = has(f, QUEUE_BULK) && f->bulk_credit >= QUEUE_BULK_SHARE ? QUEUE_BULK : leading(f);
    return f;
}

/* Counts only where both wait: bulk is owed nothing for times when it had the flow to itself. */
static void share_with_bulk(struct queue_flow *f, enum queue_class class, int64_t cost)
{
    if (!has(f, QUEUE_TRANSACTIONAL) || !has(f, QUEUE_BULK))
        f->bulk_credit = 0;
    else
        f->bulk_credit += class == QUEUE_BULK ? -cost * QUEUE_BULK_SHARE : cost;
}

void queue_turn_serve(struct queue_flow *f, enum queue_class class, struct list *lane,
                      uint64_t cost)
{
    f->pool->clock = f->turn.key;
    share_with_bulk(f, class, (int64_t)cost);
    for (unsigned i = leading(f); i < QUEUE_CLASSES; i++) {
        catch_up(f, i);
        f->clock[i] += cost;
    }
    if (lane == f->lanes[class].next)
        f->passed_over = 0;
    else
        f->passed_over++;
    list_remove(lane);
    list_add_last(&f->lanes[class], lane);
    line_up(f);
}
