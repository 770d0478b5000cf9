/* Several processes of one role, each at the end of a socket of its own: one is asked, or all at
 * once. The steward's view of the gateways.
 *
 * Members have fixed places. A member whose process has ended for good is `gone`: it is passed over
 * until it is heard of again. The peers are borrowed. */
#ifndef LETTERHEAD_RUNTIME_PEER_GROUP_H
#define LETTERHEAD_RUNTIME_PEER_GROUP_H

#include "runtime/peer.h"

enum { PEER_GROUP_MAX = 16 };

struct peer_member {
    struct peer *peer;
    unsigned number; /* what people call it by: "gateway 2" */
    bool draining;   /* finishes what it has, and gets nothing new */
    bool gone;
};

/* Zeroed memory has no members. */
struct peer_group {
    struct peer_member members[PEER_GROUP_MAX];
    size_t count;
    size_t turn; /* of peer_group_next */
};

struct peer_answer {
    int result; /* as of peer_call; -ESRCH: gone, not asked */
    struct buffer reply;
};

/* In the members' places. */
struct peer_answers {
    struct peer_answer of[PEER_GROUP_MAX];
};

/* Asks every member at the same time, and waits for all, each at most `timeout_us`. The answers are
 * to be freed with peer_answers_done, whatever is returned. 0; -ECANCELED or -ETIMEDOUT when the
 * caller itself must end. */
MUST_CHECK int peer_group_call(struct task *t, const struct peer_group *group, uint8_t type,
                               struct slice body, uint64_t timeout_us, struct peer_answers *ret);
void peer_answers_done(struct peer_answers *answers); /* for CLEANUP */

/* The member whose turn it is to get something new; NULL: there is none. */
struct peer_member *peer_group_next(struct peer_group *group);

#endif
