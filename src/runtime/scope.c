/* Scopes: who owns which child tasks, and how an owner waits for them or ends them. */
#include "runtime/loop.h"

void scope_open(struct scope *s, struct task *owner)
{
    *s = (struct scope){.owner = owner};
    list_init(&s->children);
}

int scope_spawn(struct scope *s, const char *name, task_function *function, void *argument)
{
    struct task *child;

    if (s->cancelled)
        return -ECANCELED;
    child = task_new(s->owner->loop, s, name, function, argument);
    if (!child)
        return -EAGAIN;
    list_add_last(&s->children, &child->in_scope);
    s->count++;
    return 0;
}

void scope_child_ended(struct task *child)
{
    struct scope *s = child->scope;

    list_remove(&child->in_scope);
    s->count--;
    if (child->result < 0 && child->result != -ECANCELED && s->first_error == 0)
        s->first_error = child->result;
    if (s->count == 0)
        condition_broadcast(&s->ended);
}

int scope_wait(struct task *t, struct scope *s)
{
    while (s->count) {
        int r = condition_wait(t, &s->ended);

        if (r < 0)
            return r;
    }
    return s->first_error;
}

/* Children cancelled here may be in the middle of closing scopes of their own; those wait deaf. */
void scope_cancel(struct scope *s)
{
    s->cancelled = true;
    LIST_FOREACH (link, &s->children) {
        task_cancel(LIST_ENTRY(link, struct task, in_scope));
    }
}

void scope_close(struct scope *s)
{
    if (!s->owner)
        return;
    scope_cancel(s);
    while (s->count)
        condition_wait_deaf(s->owner->loop->current, &s->ended);
    s->owner = NULL;
}
