#include "deliver/shaping_service.h"

#include "deliver/shaping_remote.h"
#include "deliver/warm_up.h"
#include "wire/ipc.h"

static const uint64_t AGAIN_US = SECOND_US / 5;
static const uint64_t KEEP_DAYS = 30; /* what was sent from source addresses */

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

static int forget_sent(struct store *store, uint64_t before_day)
{
    CLEANUP(query_done) struct query q = store_query(store, STORE_SOURCE_SENT_FORGET);

    query_bind_int(&q, (int64_t)before_day);
    return query_run(&q);
}

/* What the gateway itself said. */
static int sent_body(struct store *store, unsigned gateway, uint64_t today, struct buffer *body)
{
    CLEANUP(query_done) struct query q = store_query(store, STORE_SOURCE_SENT_OF);
    size_t count = 0;
    int r;

    query_bind_int(&q, gateway);
    query_bind_int(&q, (int64_t)(today > WARM_UP_DAYS ? today - WARM_UP_DAYS + 1 : 0));
    while ((r = query_step(&q)) > 0 && count++ < SHAPING_SENT_MAX)
        shaping_sent_write(body,
                           &(struct shaping_sent){query_text(&q, 0), (uint64_t)query_int(&q, 1),
                                                  (uint64_t)query_int(&q, 2)});
    return r < 0 ? r : 0;
}

int shaping_service_push(struct task *t, struct shaping_service *s,
                         const struct peer_member *gateway)
{
    CLEANUP(buffer_done)
    struct buffer shaping = BUFFER_NONE, suspensions = BUFFER_NONE, sent = BUFFER_NONE;
    uint64_t today = warm_up_day(task_wall_us(t));
    int r = suspensions_body(s->store, &suspensions);

    buffer_add(&shaping, buffer_slice(&s->body)); /* ours may be read anew meanwhile */
    if (r == 0 && today > KEEP_DAYS)
        r = forget_sent(s->store, today - KEEP_DAYS);
    if (r == 0)
        r = sent_body(s->store, gateway->number, today, &sent);
    if (r == 0)
        r = tell(t, gateway->peer, IPC_SHAPING_SUSPEND, buffer_slice(&suspensions));
    if (r == 0)
        r = tell(t, gateway->peer, IPC_SHAPING_SENT, buffer_slice(&sent));
    return r == 0 ? tell(t, gateway->peer, IPC_SHAPING, buffer_slice(&shaping)) : r;
}

static int note_sent(struct store *store, unsigned gateway, const struct shaping_sent *one)
{
    CLEANUP(query_done) struct query q = store_query(store, STORE_SOURCE_SENT_NOTE);

    query_bind_text(&q, one->address);
    query_bind_int(&q, (int64_t)one->day);
    query_bind_int(&q, gateway);
    query_bind_int(&q, (int64_t)one->messages);
    return query_run(&q);
}

int shaping_service_note_sent(struct shaping_service *s, unsigned gateway, struct slice body)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct shaping_sent one;
    int r = store_transaction_begin(s->store, &all);

    while (r == 0 && shaping_sent_read(&body, &one))
        r = note_sent(s->store, gateway, &one);
    if (r == 0 && body.size)
        return -EBADMSG;
    return r == 0 ? store_transaction_commit(&all) : r;
}
