#include "runtime/peer_group.h"

/* One member's question; lies with the task that asks them all. */
struct asking {
    struct peer *peer;
    uint8_t type;
    struct slice body;
    uint64_t timeout_us;
    struct peer_answer *answer;
};

static int ask(struct task *t, void *argument)
{
    struct asking *asking = argument;
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, asking->timeout_us);

    asking->answer->result =
        peer_call(t, asking->peer, asking->type, asking->body, &asking->answer->reply);
    return 0;
}

int peer_group_call(struct task *t, const struct peer_group *group, uint8_t type, struct slice body,
                    uint64_t timeout_us, struct peer_answers *ret)
{
    struct asking asking[PEER_GROUP_MAX];
    CLEANUP(scope_close) struct scope scope;

    *ret = (struct peer_answers){0};
    scope_open(&scope, t);
    for (size_t i = 0; i < group->count; i++) {
        const struct peer_member *member = &group->members[i];

        ret->of[i].result = -ESRCH;
        if (member->gone)
            continue;
        asking[i] = (struct asking){member->peer, type, body, timeout_us, &ret->of[i]};
        ret->of[i].result = scope_spawn(&scope, "ask", ask, &asking[i]);
    }
    return scope_wait(t, &scope);
}

void peer_answers_done(struct peer_answers *answers)
{
    for (size_t i = 0; i < PEER_GROUP_MAX; i++)
        buffer_done(&answers->of[i].reply);
}

struct peer_member *peer_group_next(struct peer_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        struct peer_member *member = &group->members[group->turn++ % group->count];

        if (!member->gone && !member->draining)
            return member;
    }
    return NULL;
}
