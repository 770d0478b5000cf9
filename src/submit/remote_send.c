/* The steward's side of remote.h: cuts a message into frames and waits for the gateway's word. */
#include "runtime/world.h"
#include "submit/remote.h"
#include "submit/remote_codec.h"
#include "wire/ipc.h"

static int send_part(struct task *t, struct peer *gateway, const struct message_id *id,
                     enum submit_remote_part part, struct slice bytes)
{
    int r = 0;

    for (size_t offset = 0; offset < bytes.size && r == 0; offset += SUBMIT_REMOTE_PIECE_BYTES) {
        CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
        struct submit_remote_piece piece = {*id, part, offset,
                                            slice_part(bytes, offset, SUBMIT_REMOTE_PIECE_BYTES)};

        submit_remote_piece_write(&body, &piece);
        r = peer_call(t, gateway, IPC_SUBMIT_CONTENT, buffer_slice(&body), &reply);
    }
    return r;
}

static int send_begin(struct task *t, struct peer *gateway, const struct submit_remote_begin *begin)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;

    submit_remote_begin_write(&body, begin);
    return peer_call(t, gateway, IPC_SUBMIT_BEGIN, buffer_slice(&body), &reply);
}

static int send_end(struct task *t, struct peer *gateway, struct arena *arena,
                    const struct message_id *id, struct wire_reply *ret_reply)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    int r;

    submit_remote_end_write(&body, id);
    r = peer_call(t, gateway, IPC_SUBMIT_END, buffer_slice(&body), &reply);
    if (r == 0)
        r = submit_remote_reply_read(arena, buffer_slice(&reply), ret_reply);
    return r;
}

static struct message_id make_id(struct task *t)
{
    uint8_t random[16];

    world_random(task_world(t), random, sizeof(random));
    return message_id_make((uint64_t)(task_wall_us(t) / 1000), random);
}

static int begin_within(struct task *t, struct peer *gateway,
                        const struct submit_remote_begin *begin)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, SUBMIT_REMOTE_BEGIN_US);

    return send_begin(t, gateway, begin);
}

/* Nothing is accepted before END, so a gateway that is silent now may hear of it later. */
static int find_taker(struct task *t, struct peer_group *gateways,
                      const struct submit_remote_begin *begin, struct peer **ret)
{
    int r = -EAGAIN;

    for (size_t i = 0; i < gateways->count; i++) {
        const struct peer_member *gateway = peer_group_next(gateways);

        r = gateway ? begin_within(t, gateway->peer, begin) : -EAGAIN;
        if (r == 0)
            *ret = gateway->peer;
        if (!gateway || (r != -ETIMEDOUT && r != -EAGAIN && r != -EUSERS) || task_check(t) < 0)
            return r;
    }
    return r;
}

static bool has_id(const struct submit_request *request)
{
    return message_id_compare(&request->id, &(struct message_id){.ms = 0}) != 0;
}

/* That one and no other. */
static int find_named(struct task *t, struct peer_group *gateways, unsigned number,
                      const struct submit_remote_begin *begin, struct peer **ret)
{
    for (size_t i = 0; i < gateways->count; i++) {
        const struct peer_member *gateway = &gateways->members[i];

        if (gateway->number != number || gateway->gone)
            continue;
        *ret = gateway->peer;
        return begin_within(t, gateway->peer, begin);
    }
    return -EAGAIN;
}

int submit_remote_send(struct task *t, struct peer_group *gateways, struct arena *arena,
                       const struct submit_request *request, struct wire_reply *ret_reply)
{
    CLEANUP(buffer_done) struct buffer envelope = BUFFER_NONE;
    struct submit_remote_begin begin = {.id = has_id(request) ? request->id : make_id(t),
                                        .site_id = request->site_id,
                                        .access_key_id = request->access_key_id,
                                        .content_size = request->content.size};
    struct peer *gateway;
    int r;

    submit_remote_envelope_write(&envelope, &request->envelope);
    if (envelope.size > SUBMIT_REMOTE_ENVELOPE_BYTES)
        return -EMSGSIZE;
    begin.envelope_size = (uint32_t)envelope.size;
    r = request->gateway ? find_named(t, gateways, request->gateway, &begin, &gateway)
                         : find_taker(t, gateways, &begin, &gateway);
    if (r == 0)
        r = send_part(t, gateway, &begin.id, SUBMIT_REMOTE_ENVELOPE, buffer_slice(&envelope));
    if (r == 0)
        r = send_part(t, gateway, &begin.id, SUBMIT_REMOTE_CONTENT, request->content);
    if (r == 0)
        r = send_end(t, gateway, arena, &begin.id, ret_reply);
    return r == -ENOENT ? -ECONNRESET : r;
}
