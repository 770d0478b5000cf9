/* The turns that an identity's three keys take. From its rows and the time: which key comes next,
 * whether it may come now, and which of those that have retired is free again. Pure.
 *
 *   active    signs
 *   next      its record is in the DNS already; signs after the next rotation
 *   retiring  has signed; its record stays while mail that it signed may still be verified, for
 *             `keep_s` (longer than the life of the queue and a week)
 *
 * A key that has just been seen in the DNS waits for `settle_s` more: receivers may remember what
 * was at its name before. A withdrawn key was compromised: it signs no more, and in the CNAME way
 * its record says so (p= is empty) for `rest_s` before another key takes its place.
 *
 * What happens to a key that is free again depends on the way (docs/decisions/0034): by CNAME it is
 * made anew behind the same name; by TXT, where only the client can change a record, the same key
 * comes back as the next. */
#ifndef LETTERHEAD_ONBOARD_ROTATION_H
#define LETTERHEAD_ONBOARD_ROTATION_H

#include "site/identity.h"

struct rotation_times {
    uint64_t every_s; /* between rotations by the clock; 0: none */
    uint64_t keep_s;
    uint64_t settle_s;
    uint64_t rest_s;
};

enum rotation_answer {
    ROTATION_NOW,
    ROTATION_NO_NEXT,   /* all others have signed and must rest: not before `at_us` */
    ROTATION_NOT_SEEN,  /* the next key is not in the DNS (as far as known) */
    ROTATION_SETTLING,  /* it was seen a moment ago: not before `at_us` */
    ROTATION_WITHDRAWN, /* of a compromised key: it was withdrawn before */
};

struct rotation_verdict {
    enum rotation_answer answer;
    const struct identity_key *from, *to; /* of the identity; NULL: none */
    int64_t at_us;                        /* 0: nobody knows */
};

/* May the identity's next key become the active one? */
struct rotation_verdict rotation_judge(const struct identity *identity,
                                       const struct rotation_times *times, int64_t now_us);

/* `selector` is compromised (empty: the active one): what takes its place, if it was the active
 * one? Any key that can be used; none (`to` NULL): nothing is left to sign with. -ENOENT: the
 * identity has no such key. */
MUST_CHECK int rotation_judge_withdrawal(const struct identity *identity, struct slice selector,
                                         struct rotation_verdict *ret);

/* The key that is free to become the next; NULL: there is a next one, or none is free yet. */
const struct identity_key *rotation_free(const struct identity *identity,
                                         const struct rotation_times *times, int64_t now_us);
/* It has never signed, so it can become the next as it is. */
bool rotation_is_fresh(const struct identity_key *key);

#endif
