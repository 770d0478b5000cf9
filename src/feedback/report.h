/* Reading what comes back: delivery reports (DSN, RFC 3464, and the many that are not), complaints
 * (ARF, RFC 5965, and older forms of feedback loops), auto-replies (RFC 3834).
 *
 * A report says what happened and why, never to whom: that is known from the signed return path
 * that it was sent to. The addresses in it are what its writer claims, and are shown as such.
 *
 * Reports are written by strangers. No more than LIMIT_REPORT_BYTES of one is looked at, to
 * LIMIT_REPORT_DEPTH parts within parts, LIMIT_REPORT_PARTS in all. MIME is read by GMime, which
 * recurses: call this on a thread with an ordinary stack, not on a fiber. */
#ifndef LETTERHEAD_FEEDBACK_REPORT_H
#define LETTERHEAD_FEEDBACK_REPORT_H

#include "base/arena.h"
#include "base/limits.h"
#include "feedback/report_rules.h"
#include "wire/smtp_reply.h"

enum feedback_kind {
    FEEDBACK_NONE,       /* not a report */
    FEEDBACK_BOUNCE,     /* refused, given up, or late: `final` of each recipient tells */
    FEEDBACK_COMPLAINT,  /* a person called it spam */
    FEEDBACK_AUTO_REPLY, /* nobody's fault */
    FEEDBACK_DELIVERED,
};

struct feedback_recipient {
    struct slice address;      /* as the report has it; empty: it does not say */
    struct slice action;       /* RFC 3464 §2.3.3, lower case; empty: not given */
    struct smtp_status status; /* class 0: none in the report */
    uint16_t reply_code;       /* 0: none */
    struct slice text;         /* the reply, or the words that were judged */
    struct slice remote;       /* host that said so; may be empty */
    bool final;                /* false: it is still being tried */
    struct feedback_verdict verdict;
};

struct feedback_report {
    enum feedback_kind kind;
    struct slice feedback_type; /* RFC 5965 §3.1: "abuse" …; of complaints */
    /* All that it says of the message and its recipients in fields, with transfer encodings taken
     * off: an address of ours may stand there (feedback/intake.h). */
    struct slice fields;
    struct slice message_id; /* of the message that it is about, without <>; may be empty */
    struct feedback_recipient recipients[LIMIT_REPORT_RECIPIENTS];
    size_t recipient_count; /* 0 for auto-replies and what is no report */
};

/* Once, before the first call of feedback_report_read. */
void feedback_report_init(void);

/* Reads a message (any line ends). Always succeeds: what cannot be understood is FEEDBACK_NONE.
 * Slices are in the arena. */
void feedback_report_read(struct arena *a, struct slice message, const struct feedback_rules *rules,
                          struct feedback_report *ret);

/* "bounce", "complaint", "auto-reply", "delivered", "none". */
const char *feedback_kind_name(enum feedback_kind kind);

#endif
