#include "submit/remote.h"

#include "base/limits.h"
#include "submit/remote_codec.h"
#include "wire/ipc.h"
#include "wire/smtp_data.h"

#include <stdlib.h>

static const struct wire_reply INCOMPLETE = {554, "5.5.1", "The message is not complete"};
static const struct wire_reply TOO_LARGE = {552, "5.3.4", "Message is too long."};

enum progress { COMING_IN, BEING_ACCEPTED, ANSWERED };

/* One message, from BEGIN until its answer is forgotten. */
struct incoming {
    struct list link;
    uint64_t touched_us;
    enum progress progress;
    struct condition answered;
    uint64_t site_id;
    struct buffer access_key_id;
    size_t envelope_size, content_size; /* as announced */
    struct buffer envelope;
    struct submit_content content;
    struct buffer reply; /* the frame's body, when ANSWERED */
};

struct submit_remote {
    struct submit_service *service;
    struct list messages;
    size_t count;
};

struct submit_remote *submit_remote_new(struct submit_service *service)
{
    struct submit_remote *r = base_allocate(sizeof(*r));

    r->service = service;
    list_init(&r->messages);
    return r;
}

static void drop_parts(struct incoming *m)
{
    buffer_done(&m->envelope);
    submit_content_done(&m->content);
}

static void incoming_free(struct submit_remote *r, struct incoming *m)
{
    list_remove(&m->link);
    r->count--;
    drop_parts(m);
    buffer_done(&m->access_key_id);
    buffer_done(&m->reply);
    free(m);
}

void submit_remote_free(struct submit_remote *r)
{
    if (!r)
        return;
    LIST_FOREACH_SAFE (link, &r->messages)
        incoming_free(r, LIST_ENTRY(link, struct incoming, link));
    free(r);
}

static void forget_old(struct submit_remote *r, uint64_t now_us)
{
    LIST_FOREACH_SAFE (link, &r->messages) {
        struct incoming *m = LIST_ENTRY(link, struct incoming, link);
        if (m->progress != BEING_ACCEPTED && now_us - m->touched_us > SUBMIT_REMOTE_KEPT_US)
            incoming_free(r, m);
    }
}

static struct incoming *find(struct submit_remote *r, const struct message_id *id, uint64_t now_us)
{
    LIST_FOREACH (link, &r->messages) {
        struct incoming *m = LIST_ENTRY(link, struct incoming, link);
        if (message_id_compare(&m->content.id, id) == 0) {
            m->touched_us = now_us;
            return m;
        }
    }
    return NULL;
}

static struct submit_sender sender_of(const struct incoming *m)
{
    return (struct submit_sender){.site_id = m->site_id,
                                  .access_key_id = buffer_slice(&m->access_key_id)};
}

static int begin(struct task *t, struct submit_remote *r, struct slice body)
{
    struct submit_remote_begin begin;
    struct incoming *m;
    int result;

    result = submit_remote_begin_read(body, &begin);
    if (result)
        return result;
    if (find(r, &begin.id, task_now_us(t)))
        return 0;
    if (begin.envelope_size > SUBMIT_REMOTE_ENVELOPE_BYTES)
        return -EMSGSIZE;
    if (r->count >= SUBMIT_REMOTE_OPEN_MAX)
        return -EUSERS;

    m = base_allocate(sizeof(*m));
    m->touched_us = task_now_us(t);
    m->site_id = begin.site_id;
    buffer_add(&m->access_key_id, begin.access_key_id);
    m->envelope_size = begin.envelope_size;
    m->content_size = (size_t)begin.content_size;
    list_add_last(&r->messages, &m->link);
    r->count++;
    struct submit_sender sender = sender_of(m);
    result =
        submit_content_begin_as(t, r->service, &sender, &begin.id, begin.content_size, &m->content);
    if (result)
        incoming_free(r, m);
    return result;
}

/* Adds a piece that continues what is there; one that is there already does no harm. */
static int add_piece(struct buffer *part, size_t start, size_t whole,
                     const struct submit_remote_piece *piece)
{
    size_t there = part->size - start;

    if (piece->offset > there || piece->bytes.size > whole ||
        piece->offset > whole - piece->bytes.size)
        return -EBADMSG;
    if (piece->offset + piece->bytes.size <= there)
        return 0;
    if (piece->offset != there)
        return -EBADMSG;
    buffer_add(part, piece->bytes);
    return 0;
}

/* Content past the limit is not kept; the refusal comes with END. */
static int add_content(struct submit_remote *r, struct incoming *m,
                       const struct submit_remote_piece *piece)
{
    int result;

    if (m->content_size > r->service->options.limits.message_size_max_bytes)
        return 0;
    result = submit_budget_reserve(&m->content.draw, &m->content.bytes, piece->bytes.size + 2);
    if (result)
        return result;
    return add_piece(&m->content.bytes, m->content.trace_size, m->content_size, piece);
}

static int content(struct task *t, struct submit_remote *r, struct slice body)
{
    struct submit_remote_piece piece;
    struct incoming *m;
    int result;

    result = submit_remote_piece_read(body, &piece);
    if (result)
        return result;
    m = find(r, &piece.id, task_now_us(t));
    if (!m)
        return -ENOENT;
    if (m->progress != COMING_IN)
        return 0;
    if (piece.part == SUBMIT_REMOTE_CONTENT)
        return add_content(r, m, &piece);
    return add_piece(&m->envelope, 0, m->envelope_size, &piece);
}

/* The rules that the decoder of DATA enforces for SMTP: whole lines, no bare CR or LF, no NUL. */
static struct wire_reply check_content(struct arena *arena, struct submit_remote *r,
                                       struct incoming *m)
{
    struct buffer *bytes = &m->content.bytes;
    struct slice message = slice_part(buffer_slice(bytes), m->content.trace_size, bytes->size);
    struct wire_error error;

    if (m->content_size > r->service->options.limits.message_size_max_bytes)
        return TOO_LARGE;
    if (message.size != m->content_size || m->envelope.size != m->envelope_size)
        return INCOMPLETE;
    if (wire_data_check(message, &error))
        return (struct wire_reply){
            554, "5.6.0", arena_printf(arena, "%s (at byte %zu)", error.what, error.offset).data};
    if (!slice_ends_nocase(message, SLICE("\r\n")))
        buffer_add(bytes, SLICE("\r\n"));
    return (struct wire_reply){.code = 0};
}

static int judge(struct task *t, struct submit_remote *r, struct incoming *m,
                 struct submit_transaction *x, struct wire_reply *ret_reply)
{
    struct submit_sender sender = sender_of(m);
    struct wire_reply refusal = check_content(&x->arena, r, m);
    int result = 0;

    if (!refusal.code)
        result = submit_remote_envelope_read(
            buffer_slice(&m->envelope), r->service->options.limits.recipients_max, x, &refusal);
    if (result)
        return result;
    if (refusal.code) {
        *ret_reply = refusal;
        return 0;
    }
    return submit_accept(t, r->service, &x->arena, &sender, &x->envelope, &m->content, ret_reply);
}

/* Accepts the message; while that lasts it is not forgotten. */
static int finish(struct task *t, struct submit_remote *r, struct incoming *m)
{
    CLEANUP(submit_transaction_reset) struct submit_transaction x = SUBMIT_TRANSACTION_NONE;
    struct wire_reply reply;
    int result;

    m->progress = BEING_ACCEPTED;
    result = judge(t, r, m, &x, &reply);
    drop_parts(m);
    if (result == 0)
        submit_remote_reply_write(&m->reply, &reply);
    m->progress = ANSWERED;
    m->touched_us = task_now_us(t);
    condition_broadcast(&m->answered);
    return result;
}

static int end(struct task *t, struct submit_remote *r, struct slice body, struct buffer *reply)
{
    struct message_id id;
    struct incoming *m;
    int result;

    result = submit_remote_end_read(body, &id);
    m = result ? NULL : find(r, &id, task_now_us(t));
    if (result == 0 && !m)
        return -ENOENT;
    if (result == 0 && m->progress == COMING_IN)
        result = finish(t, r, m);
    while (result == 0 && m->progress == BEING_ACCEPTED)
        result = condition_wait(t, &m->answered);
    if (result)
        return result;
    if (!m->reply.size)
        return -EIO;
    buffer_add(reply, buffer_slice(&m->reply));
    return 0;
}

int submit_remote_request(struct task *t, struct submit_remote *r, uint8_t type, struct slice body,
                          struct buffer *reply)
{
    forget_old(r, task_now_us(t));
    switch (type) {
    case IPC_SUBMIT_BEGIN:
        return begin(t, r, body);
    case IPC_SUBMIT_CONTENT:
        return content(t, r, body);
    case IPC_SUBMIT_END:
        return end(t, r, body, reply);
    default:
        return -EBADMSG;
    }
}
