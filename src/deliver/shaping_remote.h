/* Shaping between steward and gateway: bodies of IPC_SHAPING_* (both ends), and the gateway's side,
 * which answers them (deliver_shaping_request). IPC_SHAPING has deliver/shaping.h's body. All sizes
 * are checked: -EBADMSG. Texts point into what was read. */
#ifndef LETTERHEAD_DELIVER_SHAPING_REMOTE_H
#define LETTERHEAD_DELIVER_SHAPING_REMOTE_H

#include "deliver/shaping.h"
#include "runtime/peer.h"

struct deliver;

/* --- IPC_SHAPING_SUSPEND: all that operators have suspended, in place of what was known --- */

enum { SHAPING_SUSPENSIONS_MAX = 500 };

struct shaping_suspension {
    bool provider; /* or a recipients' domain */
    struct slice name, why;
};

void shaping_suspension_write(struct buffer *body, const struct shaping_suspension *one);
/* Takes the next one off *rest; false: no more, or (*rest is not empty) what is there is none. */
bool shaping_suspension_read(struct slice *rest, struct shaping_suspension *ret);

/* --- IPC_SHAPING_SENT, and IPC_SOURCES_SENT in the other direction: what went out from source
 * addresses, by this gateway alone --- */

enum { SHAPING_SENT_MAX = 800 };

struct shaping_sent {
    struct slice address;
    uint64_t day; /* since 1970, UTC */
    uint64_t messages;
};

void shaping_sent_write(struct buffer *body, const struct shaping_sent *one);
/* As shaping_suspension_read. */
bool shaping_sent_read(struct slice *rest, struct shaping_sent *ret);

/* --- IPC_SHAPING_LIST: an empty request; a state for each provider that is known --- */

struct shaping_state {
    struct slice name;
    struct shaping_limits limits;             /* of all gateways together */
    uint64_t waiting;                         /* jobs that are due, as last heard */
    uint64_t connections;                     /* now */
    uint64_t connections_allowed;             /* now, by the answers */
    uint64_t delivered, deferred;             /* recipients, since the provider is known */
    uint64_t back_off_age_s, back_off_left_s; /* left 0: none */
    struct slice back_off_why;
    struct slice suspended_why; /* empty: it is not */
    struct slice holding;       /* which limit holds mail back now; empty: none */
};

void shaping_state_write(struct buffer *body, const struct shaping_state *state);
bool shaping_state_read(struct slice *rest, struct shaping_state *ret);

/* --- IPC_SHAPING_SHOW: the domain's name; what holds for it --- */

struct shaping_show {
    struct slice hosts;   /* "mx1.example.org mx2.example.org", in the order they are tried */
    struct slice rule;    /* why this provider: "hosts under google.com" */
    struct slice failure; /* in place of hosts: why there are none */
    uint64_t rest_age_s, rest_left_s; /* of the domain alone; left 0: none */
    struct slice rest_why;
    struct slice suspended_why; /* the domain alone */
    struct slice holding;
    struct shaping_state state; /* of its provider; without a name when there is a failure */
};

void shaping_show_write(struct buffer *body, const struct shaping_show *show);
MUST_CHECK int shaping_show_read(struct slice body, struct shaping_show *ret);

/* --- the gateway's side --- */

/* Answers a request of type IPC_SHAPING or IPC_SHAPING_*: for peer_handlers.request. */
MUST_CHECK int deliver_shaping_request(struct task *t, struct deliver *d, uint8_t type,
                                       struct slice body, struct buffer *reply);
/* Tells the steward by and by what went out; ends when it is cancelled. */
MUST_CHECK int deliver_tell_sent(struct task *t, struct deliver *d, struct peer *steward);
/* The rest, after the end of delivery; waits a moment at most. -ECANCELED. */
MUST_CHECK int deliver_tell_sent_last(struct task *t, struct deliver *d, struct peer *steward);
/* True once IPC_SHAPING came. */
bool deliver_is_shaped(const struct deliver *d);

#endif
