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
 *   FAILED             no mail. Looked at further: SUCCESS again, by itself, when all records are
 *                      right
 *
 * Revocation: when every record is absent or foreign by the word of the domain's own servers
 * (onboard/authority.h), and again `revoke_s` later, the client has taken the domain back: FAILED
 * at once, whatever is left of the grace. Between the two looks an answer that proves nothing
 * changes nothing, and one record that is there ends it. When by then the domain's registration
 * has ended, or its servers are others than those that it was verified with, it may have another
 * owner, who might even bring the old records back: it does not come back by itself then, but when
 * somebody asks for a check.
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

/* What the domain's own servers say of all records together. */
enum identity_authority {
    IDENTITY_AUTHORITY_UNPROVEN, /* not asked, or not enough of them know */
    IDENTITY_AUTHORITY_GONE,     /* none is there */
    IDENTITY_AUTHORITY_THERE,    /* one is, at one server at least */
};

struct identity_look {
    enum identity_state state; /* before */
    int64_t since_us;          /* when it became so */
    int64_t now_us;
    enum record_state records[IDENTITY_RECORDS]; /* what was last proven of each */
    bool proven[IDENTITY_RECORDS];               /* by this look; otherwise it is what it was */
    bool asked_for;                              /* by a person, not by the clock */
    bool taken; /* another site holds this domain: it cannot become verified here */
    enum identity_authority authority;
    int64_t gone_since_us; /* the first look of a revocation; 0: there was none */
    bool other_owner;      /* registration ended, or other servers: seen by this look */
    bool must_ask;         /* it was so when it was revoked */
};

struct identity_times {
    uint32_t patience_s; /* how long PENDING lasts */
    uint32_t grace_s;    /* how long TEMPORARY_FAILURE lasts */
    uint32_t revoke_s;   /* between the two looks that revoke */
};
#define IDENTITY_TIMES_DEFAULT ((struct identity_times){72 * 3600, 72 * 3600, 600})

enum identity_reason {
    IDENTITY_REASON_WAITING,  /* records are missing or wrong */
    IDENTITY_REASON_UNPROVEN, /* the answers said nothing */
    IDENTITY_REASON_VERIFIED,
    IDENTITY_REASON_TAKEN,
    IDENTITY_REASON_PATIENCE, /* the records did not come in time */
    IDENTITY_REASON_BROKEN,   /* some went missing; grace runs */
    IDENTITY_REASON_GRACE,    /* they did not come back in time */
    IDENTITY_REASON_VANISHED, /* all went missing; the second look follows */
    IDENTITY_REASON_GONE,     /* all went missing, proven twice */
    IDENTITY_REASON_OWNER,    /* so they did, and the domain may have another owner */
};

struct identity_verdict {
    enum identity_state state;
    int64_t since_us;
    enum identity_reason reason;
    int64_t next_check_us; /* without jitter, which the caller adds */
    int64_t gone_since_us; /* these two are to be kept for the next look */
    bool must_ask;
};

/* Decides. */
struct identity_verdict identity_judge(const struct identity_look *look,
                                       const struct identity_times *times);

/* How long to wait before looking again for records that are not right yet: every minute at first,
 * then a tenth of their age, at most an hour. Seconds. */
int64_t identity_waiting_interval_s(int64_t age_s);

/* May mail go out as an identity in this state? */
bool identity_sends(enum identity_state state);

/* "PENDING", as in the database, JSON and the API. */
const char *identity_state_name(enum identity_state state);
MUST_CHECK int identity_state_parse(struct slice name, enum identity_state *ret);
const char *record_state_name(enum record_state state);
MUST_CHECK int record_state_parse(struct slice name, enum record_state *ret);

#endif
