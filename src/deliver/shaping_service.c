#include "deliver/shaping_service.h"

#include "deliver/shaping_remote.h"
#include "wire/ipc.h"

static const uint64_t AGAIN_US = SECOND_US / 5;

int shaping_service_load(struct shaping_service *s, struct buffer *problems)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct shaping shaping;
    int r = s->load(s->context, &arena, &shaping, problems);

    if (r < 0)
        return r;
    s->body.size = 0;
    shaping_write(&s->body, &shaping);
    s->providers = shaping.provider_count;
    s->replies = shaping.reply_count;
    return 0;
}

void shaping_service_done(struct shaping_service *s)
{
    buffer_done(&s->body);
}

static int suspensions_body(struct store *store, struct buffer *body)
{
    CLEANUP(query_done) struct query q = store_query(store, STORE_SUSPENSION_LIST);
    size_t count = 0;
    int r;

    while ((r = query_step(&q)) > 0 && count++ < SHAPING_SUSPENSIONS_MAX)
        shaping_suspension_write(
            body, &(struct shaping_suspension){slice_equal(query_text(&q, 0), SLICE("provider")),
                                               query_text(&q, 1), query_text(&q, 2)});
    return r < 0 ? r : 0;
}

/* A gateway that opens its spool says -EAGAIN. */
static int tell(struct task *t, struct peer *gateway, uint8_t type, struct slice body)
{
    int r;

    do {
        CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;

        r = peer_call(t, gateway, type, body, &reply);
        if (r == -EAGAIN && task_sleep(t, AGAIN_US) < 0)
            return -ECANCELED;
    } while (r == -EAGAIN);
    return r;
}

int shaping_service_push(struct task *t, struct shaping_service *s, struct peer *gateway)
{
    CLEANUP(buffer_done) struct buffer shaping = BUFFER_NONE, suspensions = BUFFER_NONE;
    int r = suspensions_body(s->store, &suspensions);

    buffer_add(&shaping, buffer_slice(&s->body)); /* ours may be read anew meanwhile */
    if (r == 0)
        r = tell(t, gateway, IPC_SHAPING_SUSPEND, buffer_slice(&suspensions));
    return r == 0 ? tell(t, gateway, IPC_SHAPING, buffer_slice(&shaping)) : r;
}
