/* Walking through all messages without stopping the loop, for the sweeper and for operators. */
#include "queue/inside.h"

enum { STRIDE = 256 };

struct queue_walk_place {
    struct list link; /* in queue->walks */
    struct list *next;
};

void queue_walk_leave(struct queue *q, struct queue_message *m)
{
    LIST_FOREACH (link, &q->walks) {
        struct queue_walk_place *place = LIST_ENTRY(link, struct queue_walk_place, link);

        if (place->next == &m->link)
            place->next = m->link.next;
    }
}

int queue_walk(struct task *t, struct queue *q,
               bool (*visit)(struct queue *q, struct queue_message *m, void *context),
               void *context)
{
    struct queue_walk_place place = {.next = q->order.next};
    unsigned visited = 0;
    int r = 0;

    list_add_last(&q->walks, &place.link);
    while (r == 0 && place.next != &q->order && !q->closing) {
        struct queue_message *m = LIST_ENTRY(place.next, struct queue_message, link);

        place.next = m->link.next;
        if (!visit(q, m, context))
            break;
        if (++visited % STRIDE == 0)
            r = task_yield(t);
    }
    list_remove(&place.link);
    return r;
}
