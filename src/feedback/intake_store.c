#include "feedback/intake_store.h"

enum { NAME_BYTES = 28 };

static const uint64_t SEQUENCE_FIRST = UINT64_C(1) << 62;
static const int64_t DAY_US = 86400 * (int64_t)1000000;

static struct slice key_of(const struct report_name *name, struct buffer *b)
{
    report_end_write(b, name);
    assert(b->size == NAME_BYTES);
    return buffer_slice(b);
}

/* 1: there is none. */
static int is_there(struct store *s, struct slice key)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPORT_FIND);
    int r;

    query_bind_blob(&q, key);
    r = query_step(&q);
    return r;
}

static int next_sequence(struct store *s, int64_t now_us, uint64_t *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPORT_LAST);
    uint64_t next = SEQUENCE_FIRST + (now_us > 0 ? (uint64_t)now_us : 0);
    int r = query_step(&q);

    if (r < 0)
        return r;
    if (r == 1 && (uint64_t)query_int(&q, 0) >= next)
        next = (uint64_t)query_int(&q, 0) + 1;
    *ret = next;
    return 0;
}

static int insert(struct store *s, struct slice key, const struct queue_event *event,
                  int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPORT_ADD);
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;

    queue_event_write(&bytes, event);
    query_bind_int(&q, (int64_t)event->sequence);
    query_bind_blob(&q, key);
    query_bind_int(&q, now_us);
    query_bind_blob(&q, buffer_slice(&bytes));
    return query_run(&q);
}

int intake_store_add(struct store *s, const struct report_name *name, struct queue_event *event,
                     int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    CLEANUP(buffer_done) struct buffer memory = BUFFER_NONE;
    struct slice key = key_of(name, &memory);
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = is_there(s, key);
    if (r != 0)
        return r;
    r = next_sequence(s, now_us, &event->sequence);
    if (r == 0)
        r = insert(s, key, event, now_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

int intake_store_batch(struct store *s, size_t max, struct buffer *batch, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPORT_EVENTS);
    size_t count = 0;
    int r;

    queue_event_batch_begin(batch, INTAKE_SPOOL_ID);
    query_bind_int(&q, (int64_t)max);
    while ((r = query_step(&q)) == 1) {
        buffer_add(batch, query_blob(&q, 0));
        count++;
    }
    *ret_count = count;
    return r;
}

int intake_store_acknowledge(struct store *s, uint64_t sequence)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPORT_ACKNOWLEDGE);

    query_bind_int(&q, (int64_t)sequence);
    return query_run(&q);
}

int intake_store_forget(struct store *s, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPORT_FORGET);

    query_bind_int(&q, now_us - INTAKE_KEEP_DAYS * DAY_US);
    return query_run(&q);
}
