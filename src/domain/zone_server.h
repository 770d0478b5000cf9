/* The server that has the platform's zone: asked what is at a name, and told to change it, over one
 * TCP connection for the few exchanges of a piece of work. Updates are signed by TSIG and their
 * answers judged; questions are not signed, since what they ask for is public.
 *
 * What the server says is a value. `why` is for people: what happened, what it means, what to do;
 * from the arena of the link. */
#ifndef LETTERHEAD_DOMAIN_ZONE_SERVER_H
#define LETTERHEAD_DOMAIN_ZONE_SERVER_H

#include "base/arena.h"
#include "runtime/stream.h"
#include "wire/dns_update.h"
#include "wire/tsig.h"

enum { ZONE_SERVER_WAIT_S = 10 /* for connecting, and for each exchange */ };

/* Borrowed for as long as it is used. */
struct zone_server {
    struct endpoint address;
    struct slice zone_text; /* "dkim.example.net", for people */
    struct wire_packet_name zone;
    struct wire_tsig_key key;
    uint32_t ttl_s;
};

enum zone_outcome {
    ZONE_DONE,
    ZONE_CHANGED, /* what the update expected to be there is not there (any more) */
    ZONE_REFUSED, /* it will not; trying again soon is in vain */
    ZONE_FAILED,  /* it could not, this time */
    ZONE_UNHEARD, /* no connection, or no answer: an update may have been made */
};

struct zone_link {
    const struct zone_server *server;
    struct arena *arena;
    struct stream *stream; /* NULL: none yet */
    struct slice why;      /* of the last outcome that was not DONE */
};
#define ZONE_LINK_NONE ((struct zone_link){NULL, NULL, NULL, {NULL, 0}})

/* Connects at the first exchange. */
struct zone_link zone_link_of(const struct zone_server *server, struct arena *arena);
void zone_link_done(struct zone_link *link); /* for CLEANUP */

/* Both: 0 with an outcome; -ECANCELED, -ETIMEDOUT (of a deadline of the task's own). Slices of the
 * answer are from the arena. */
MUST_CHECK int zone_link_ask(struct task *t, struct zone_link *link,
                             const struct wire_packet_name *name, struct wire_dns_txt_answer *ret,
                             enum zone_outcome *ret_outcome);
/* `present` and `wanted` as in struct wire_dns_txt_update. */
MUST_CHECK int zone_link_update(struct task *t, struct zone_link *link,
                                const struct wire_packet_name *name, struct slice present,
                                struct slice wanted, enum zone_outcome *ret_outcome);

#endif
