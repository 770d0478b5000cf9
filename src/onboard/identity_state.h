/* The life of an identity: from what its three DNS records were found to be, what is it now, may
 * mail go out as it, and when to look again. Pure: times go in, a decision comes out.
 *
 * The states are those of Amazon SES. A record's state is what was last proven; an answer that
 * proves nothing (SERVFAIL, timeout, bogus) changes no state, only the time of the next look:
 *
 *   NOT_STARTED        keys are made, nobody has looked yet
 *   PENDING            not all records are right yet; for `patience_s`, then FAILED
 *   SUCCESS            all were right
 *   TEMPORARY_FAILURE  was SUCCESS; some records are gone or changed. Mail goes out (signed with
 *                      a key whose record is right, if there is one) for `grace_s`, then FAILED
 *   FAILED             no mail. At once when every record is proven absent or foreign: the domain
 *                      was taken away. Looked at every hour: SUCCESS again, by itself, when all
 *                      records are right
 *
 * A check that somebody asks for leads from FAILED to PENDING, and so to looks every minute. */
#ifndef LETTERHEAD_ONBOARD_IDENTITY_STATE_H
#define LETTERHEAD_ONBOARD_IDENTITY_STATE_H

#include "base/slice.h"

enum { IDENTITY_RECORDS = 3 };

enum identity_state {
    IDENTITY_NOT_STARTED,
    IDENTITY_PENDING,
    IDENTITY_SUCCESS,
    IDENTITY_FAILED,
    IDENTITY_TEMPORARY_FAILURE,
};

enum record_state {
    RECORD_UNKNOWN, /* never proven to be anything */
    RECORD_RIGHT,
    RECORD_ABSENT, /* the name or the data do not exist, on the word of the domain's servers */
    RECORD_WRONG,  /* something else is there */
};

struct identity_look {
    enum identity_state state; /* before */
    int64_t since_us;          /* when it became so */
    int64_t now_us;
    enum record_state records[IDENTITY_RECORDS]; /* what was last proven of each */
    bool proven[IDENTITY_RECORDS];               /* by this look; otherwise it is what it was */
    bool asked_for;                              /* by a person, not by the clock */
    bool taken; /* another site holds this domain: it cannot become verified here */
};

struct identity_times {
    uint32_t patience_s; /* how long PENDING lasts */
    uint32_t grace_s;    /* how long TEMPORARY_FAILURE lasts */
};
#define IDENTITY_TIMES_DEFAULT ((struct identity_times){72 * 3600, 72 * 3600})

enum identity_reason {
    IDENTITY_REASON_WAITING,  /* records are missing or wrong */
    IDENTITY_REASON_UNPROVEN, /* the answers said nothing */
    IDENTITY_REASON_VERIFIED,
    IDENTITY_REASON_TAKEN,
    IDENTITY_REASON_PATIENCE, /* the records did not come in time */
    IDENTITY_REASON_BROKEN,   /* some went missing; grace runs */
    IDENTITY_REASON_GRACE,    /* they did not come back in time */
    IDENTITY_REASON_GONE,     /* all went missing */
};

struct identity_verdict {
    enum identity_state state;
    int64_t since_us;
    enum identity_reason reason;
    int64_t next_check_us; /* without jitter, which the caller adds */
};

/* Decides. */
struct identity_verdict identity_judge(const struct identity_look *look,
                                       const struct identity_times *times);

/* May mail go out as an identity in this state? */
bool identity_sends(enum identity_state state);

/* "PENDING", as in the database, JSON and the API. */
const char *identity_state_name(enum identity_state state);
MUST_CHECK int identity_state_parse(struct slice name, enum identity_state *ret);
const char *record_state_name(enum record_state state);
MUST_CHECK int record_state_parse(struct slice name, enum record_state *ret);

#endif
