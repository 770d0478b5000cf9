/* The breaker: when a receiving domain that used to know its people suddenly says "unknown user" of
 * many, it is more likely that something is wrong there (a directory that is down, a migration)
 * than that all of them have left. Then what would be suppressed is held for an operator's review
 * (docs/decisions/0029).
 *
 * It counts, for each receiving domain, the recipients that mail was accepted for and those that
 * were unknown, in this hour and the one before, and against them the domain's past, which fades
 * within weeks. Counts live in memory and are kept once an hour (feedback/breaker_store.h): a count
 * more or less does no harm. Pure; times are those of events. */
#ifndef LETTERHEAD_FEEDBACK_BREAKER_H
#define LETTERHEAD_FEEDBACK_BREAKER_H

#include "base/buffer.h"
#include "queue/event.h"

enum {
    BREAKER_UNKNOWN_MIN = 20,     /* unknown users in the last hours, at least */
    BREAKER_PERCENT_MIN = 20,     /* of all that was sent there in them */
    BREAKER_PAST_SENT_MIN = 100,  /* sent there before, so that something is known */
    BREAKER_PAST_PERCENT_MAX = 5, /* of that was unknown */
    BREAKER_OPEN_S = 6 * 3600,    /* it stays open so long after the last time it tripped */
    BREAKER_HOURS_KEPT = 168,     /* the past fades to a third in so long */
};

struct breaker_counts {
    uint64_t sent, unknown;           /* in this hour and the one before */
    uint64_t past_sent, past_unknown; /* before */
};

struct breaker;

struct breaker *breaker_new(void);
/* Accepts NULL. */
void breaker_free(struct breaker *b);

/* Counts what a batch's ACCEPTED events say was sent; `events` is what follows its head. A batch
 * that comes again counts once. */
void breaker_note_sent(struct breaker *b, uint64_t spool_id, struct cursor events);
/* Counts an unknown user. True: the breaker trips, or would again. */
bool breaker_note_unknown(struct breaker *b, struct slice domain, int64_t time_us,
                          struct breaker_counts *ret);

/* What was known of a domain when the process before ended. */
void breaker_remember(struct breaker *b, struct slice domain, uint64_t past_sent,
                      uint64_t past_unknown);
/* Calls keep(context, domain, sent, unknown) for each domain that has changed since the last time,
 * until it returns other than 0; returns that. */
MUST_CHECK int breaker_keep(struct breaker *b,
                            int (*keep)(void *context, struct slice domain, uint64_t sent,
                                        uint64_t unknown),
                            void *context);

#endif
