/* What everybody outside the gateway knows, kept by somebody who never forgets: what clients sent
 * and were told, what the steward stored, what receiving hosts took. Each entry is held against the
 * others at once, and all of it at the end:
 *
 *   - what was answered 250 is delivered, or bounced or expired with one event that says so: never
 *     lost, never ended twice;
 *   - what was refused is never delivered;
 *   - what is delivered is what was submitted, signed for the domain of its From by that domain's
 *     own key;
 *   - nobody gets a message again, unless the first time its end was not certain: the gateway had
 *     not read the answer, or crashed before it had written it down; and an event said so. */
#ifndef LETTERHEAD_SIM_LEDGER_H
#define LETTERHEAD_SIM_LEDGER_H

#include "base/arena.h"
#include "queue/event.h"
#include "world_sim.h"

enum { LEDGER_RECIPIENTS_MAX = 8, LEDGER_CRASHES_MAX = 64 };

enum ledger_answer { LEDGER_OPEN, LEDGER_ACKNOWLEDGED, LEDGER_REFUSED, LEDGER_UNANSWERED };

struct ledger_recipient {
    struct slice address;
    enum queue_event_type ended; /* the event that the steward stored; 0: none yet */
    uint64_t ended_us;
    bool held;
    uint64_t missing_since_us; /* not in the queue either, by the audits; 0: it is */
    unsigned ambiguous_events;
    unsigned deliveries;
    uint64_t delivered_us; /* the last one */
    bool delivery_certain; /* the host heard more from the gateway after its answer */
};

/* One attempt of a client to submit one message. */
struct ledger_submission {
    struct list link;
    unsigned number;
    struct slice site_domain;
    struct slice content; /* as it was meant: not dot-stuffed, CR LF lines */
    struct ledger_recipient recipients[LEDGER_RECIPIENTS_MAX];
    size_t recipient_count;
    enum ledger_answer answer;
    bool forbidden; /* must be refused */
    struct message_id id;
    bool id_known;
};

struct ledger {
    struct sim_world *w;
    struct arena arena;
    struct list submissions;
    unsigned submission_count;
    uint64_t spool_id, cursor;               /* the steward's: one cursor a spool */
    uint64_t crashes_us[LEDGER_CRASHES_MAX]; /* when */
    size_t crash_count;
    struct slice public_keys[8]; /* by site: raw Ed25519 */
    bool disk_fails;             /* in this run; then an answer may stay unwritten for long */
    char problem[1024];          /* the first; "" while all is well */
    struct {
        unsigned acknowledged, refused, unanswered, delivered, bounced, expired, cancelled,
            repeated, ambiguous;
    } counts;
};

struct ledger *ledger_new(struct sim_world *w);
void ledger_free(struct ledger *l);

/* Notes what is wrong; the first counts. */
void ledger_fail(struct ledger *l, const char *format, ...) PRINTF_LIKE(2, 3);

/* A submission begins. Its recipients and content are set by the caller, from the ledger's
 * arena. */
struct ledger_submission *ledger_submit(struct ledger *l, struct slice site_domain);
/* "sim-000042", in subject and body. */
struct slice ledger_token(struct ledger *l, unsigned number);
void ledger_acknowledge(struct ledger *l, struct ledger_submission *s, struct slice id);
void ledger_refuse(struct ledger *l, struct ledger_submission *s, unsigned code);
void ledger_leave_open(struct ledger *l, struct ledger_submission *s);

/* The steward stores a batch: all of it, or none. 0, or -EBADMSG. Duplicates by sequence are passed
 * over. */
MUST_CHECK int ledger_store_events(struct ledger *l, struct slice batch);

/* A host takes a message for some of its recipients, by a transaction that began at `begun_us`. */
void ledger_deliver(struct ledger *l, struct slice content, const struct slice *recipients,
                    size_t count, uint64_t begun_us, struct ledger_submission **ret_submission);
/* The gateway went on talking after the answer: it has read it. */
void ledger_deliver_certain(struct ledger_submission *s, const struct slice *recipients,
                            size_t count);

void ledger_note_crash(struct ledger *l);

/* True if everything acknowledged, and everything known to be accepted, has ended. */
bool ledger_is_settled(const struct ledger *l);
void ledger_judge(struct ledger *l);

#endif
