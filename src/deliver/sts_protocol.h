/* What the gateway asks the steward about MTA-STS, and hears: the bodies of IPC_STS_ASK.
 *
 * The gateway looks up the TXT record at _mta-sts.<domain> before it delivers and asks with the id
 * that it found. The steward, which alone fetches, answers from what it keeps: at once when it has
 * a policy with that id, otherwise after it has fetched, or as soon as it knows that it cannot. It
 * may be late: the gateway then goes on by what it knew (deliver/sts_cache.h), and asks again. A
 * missing or unreadable record takes no policy away: the steward answers with the one it keeps
 * until that expires (RFC 8461 §3.1, §5.1). Pure. */
#ifndef LETTERHEAD_DELIVER_STS_PROTOCOL_H
#define LETTERHEAD_DELIVER_STS_PROTOCOL_H

#include "wire/mta_sts.h"
#include "wire/tls_session.h"

struct sts_question {
    struct slice domain; /* of the recipients: an A-label, lower case */
    struct slice id;     /* of the TXT record; empty: there is none, or DNS could not tell */
};

enum sts_state {
    STS_NO_POLICY = 1, /* the domain has none (no record, or mode none) */
    STS_POLICY,        /* this one applies */
    STS_FAILED,        /* a record is there, but no policy could be had, and none is kept */
};

struct sts_answer {
    enum sts_state state;
    /* When asking again makes sense. A gateway may ask earlier, and does when the id changes. */
    uint32_t lifetime_s;
    /* STS_FAILED: WIRE_TLS_STS_POLICY_FETCH_ERROR, …_INVALID or WIRE_TLS_STS_WEBPKI_INVALID. With
     * STS_POLICY: why the policy with the new id could not be had, when it is the old one that
     * goes on; otherwise WIRE_TLS_SUCCESS. */
    enum wire_tls_result failure;
    struct slice why; /* with a failure: a sentence for people, <= WIRE_TLS_REASON_BYTES */
    struct slice id;  /* STS_POLICY: under which id the policy was fetched */
    /* STS_POLICY; its mode is testing or enforce, its max_age_s what is left of its life: so long
     * the gateway keeps to it when nobody can be asked. */
    struct wire_mta_sts_policy policy;
};

void sts_question_write(struct buffer *body, const struct sts_question *question);
void sts_answer_write(struct buffer *body, const struct sts_answer *answer);
/* The slices lie in the body. -EBADMSG for what is not a question (an answer), names that are not
 * names and ids that are not ids. */
MUST_CHECK int sts_question_read(struct slice body, struct sts_question *ret);
MUST_CHECK int sts_answer_read(struct slice body, struct sts_answer *ret);

#endif
