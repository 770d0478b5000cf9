#include "submit/collect.h"

#include "base/limits.h"
#include "wire/smtp_data.h"

#include <inttypes.h>

enum { READ_AHEAD_BYTES = 262144, DECODER_HOLDS_BYTES = 4 };

static const struct wire_reply NO_MEMORY = {452, "4.3.1",
                                            "Too many messages are coming in; try again later"};

struct collection {
    struct submit_talk *talk;
    const struct submit_limits *limits;
    struct submit_content *content;
    struct data_decoder decoder;
    uint64_t started_us;
    uint64_t received_bytes;
    bool out_of_memory;
    bool given_up; /* the rest is read and dropped */
};

/* Room for what is there; without it the content is given up, and what else comes is dropped. */
static void make_room(struct collection *c, size_t size)
{
    if (c->given_up || submit_budget_reserve(&c->content->draw, &c->content->bytes, size) == 0)
        return;
    c->out_of_memory = c->given_up = true;
    submit_content_done(c->content);
}

/* Nothing is kept past the size that is cut to. */
static size_t room_for(const struct collection *c, size_t size)
{
    uint64_t left = c->decoder.size_max_bytes - c->decoder.size_bytes;

    return (c->decoder.lenient && size > left ? (size_t)left : size) + DECODER_HOLDS_BYTES;
}

/* Decodes what is there. True at the end of the data. */
static bool decode(struct collection *c)
{
    CLEANUP(buffer_done) struct buffer dropped = BUFFER_NONE;
    struct slice bytes = stream_buffered(c->talk->stream);
    size_t used;
    bool ended;

    make_room(c, room_for(c, bytes.size));
    ended =
        data_decoder_feed(&c->decoder, bytes, c->given_up ? &dropped : &c->content->bytes, &used);
    stream_consume(c->talk->stream, used);
    c->received_bytes += used;
    if (c->decoder.fault != DATA_FAULT_NONE && !c->given_up) {
        c->given_up = true;
        submit_content_done(c->content);
    }
    return ended;
}

/* A client that sends a byte now and then would hold its place for ever (slowloris): what has come
 * so far buys the time for more. */
static uint64_t patience_us(struct task *t, const struct collection *c)
{
    uint64_t elapsed_us = task_now_us(t) - c->started_us;
    uint64_t bought_us = c->received_bytes / c->limits->data_rate_min_bytes * SECOND_US;

    if (bought_us < c->limits->data_grace_us)
        bought_us = c->limits->data_grace_us;
    return bought_us > elapsed_us ? bought_us - elapsed_us : 0;
}

static int more(struct task *t, struct collection *c)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, patience_us(t, c));
    int r = submit_talk_flush(t, c->talk);

    if (r == 0)
        r = stream_fill(t, c->talk->stream, READ_AHEAD_BYTES);
    return r;
}

/* What is wrong, and where: whoever made the message has to find it. */
static struct wire_reply fault_reply(struct arena *arena, const struct data_decoder *decoder)
{
    struct wire_reply reply = data_fault_reply(decoder->fault);

    if (decoder->fault != DATA_FAULT_SIZE)
        reply.text =
            arena_printf(arena, "%s (line %" PRIu64 ")", reply.text, decoder->fault_line).data;
    return reply;
}

static struct wire_reply refusal_of(struct arena *arena, const struct collection *c)
{
    if (c->decoder.fault != DATA_FAULT_NONE)
        return fault_reply(arena, &c->decoder);
    if (c->out_of_memory)
        return NO_MEMORY;
    return (struct wire_reply){.code = 0};
}

int submit_collect(struct task *t, struct submit_talk *talk, const struct submit_limits *limits,
                   struct arena *arena, struct submit_content *content,
                   struct wire_reply *ret_refusal)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, limits->data_us);
    struct collection c = {
        .talk = talk, .limits = limits, .content = content, .started_us = task_now_us(t)};

    data_decoder_init(&c.decoder, limits->message_size_max_bytes);
    c.decoder.lenient = limits->lenient;
    while (!decode(&c)) {
        int r = limits->lenient && c.received_bytes > LIMIT_MESSAGE_BYTES ? -EFBIG : more(t, &c);
        if (r)
            return r;
    }
    *ret_refusal = refusal_of(arena, &c);
    return 0;
}
