/* Submission by the steward, over its pair of sockets with the gateway: a message that an operator
 * or the API sends enters by the same gate as one that came by SMTP.
 *
 * A message is carried in three kinds of frame: BEGIN names it (by an id that the steward makes),
 * its site and the sizes of its two parts; CONTENT carries a piece of a part, with its place, so
 * that a repeated frame does no harm; END asks for it to be accepted. After END the answer is kept
 * for a while: END sent twice (peer.h) gives the same answer, and one message. */
#ifndef LETTERHEAD_SUBMIT_REMOTE_H
#define LETTERHEAD_SUBMIT_REMOTE_H

#include "runtime/peer_group.h"
#include "submit/accept.h"

enum {
    SUBMIT_REMOTE_OPEN_MAX = 64,            /* messages at one time */
    SUBMIT_REMOTE_PIECE_BYTES = 60 * 1024,  /* of a part, in one frame */
    SUBMIT_REMOTE_ENVELOPE_BYTES = 1 << 20, /* its part, encoded */
};
/* How long a gateway may take to answer BEGIN before another one is asked. */
#define SUBMIT_REMOTE_BEGIN_US (3 * SECOND_US)
#define SUBMIT_REMOTE_KEPT_US (600 * SECOND_US) /* since the last frame for it */

/* The steward's side. */
struct submit_request {
    /* Of the caller's making, with the number of the gateway that is to have it: so it can be asked
     * again without being sent twice. Zero: a new id, and the gateway whose turn it is. */
    struct message_id id;
    unsigned gateway;
    uint64_t site_id;
    struct slice access_key_id; /* empty: on the operator's word */
    struct submit_envelope envelope;
    struct slice content; /* a whole message, CR LF lines */
};

/* Sends the request to the gateway that it names, or to the one whose turn it is, or to the next
 * that is there, and waits for its word: 0 with code, enhanced code and text as an SMTP client
 * would get them (from the arena). Errors of peer_call; -EAGAIN: no gateway is there; -ECONNRESET
 * when the gateway was started anew in between: ask again. */
MUST_CHECK int submit_remote_send(struct task *t, struct peer_group *gateways, struct arena *arena,
                                  const struct submit_request *request,
                                  struct wire_reply *ret_reply);

/* The gateway's side: answers requests of type IPC_SUBMIT_*, for the handler of its peer. */
struct submit_remote;

struct submit_remote *submit_remote_new(struct submit_service *service);
void submit_remote_free(struct submit_remote *r);
MUST_CHECK int submit_remote_request(struct task *t, struct submit_remote *r, uint8_t type,
                                     struct slice body, struct buffer *reply);

#endif
