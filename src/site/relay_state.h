/* The life of a relay: from what a test has found, how does it stand now, and when is it tested
 * next. Pure: times go in, a decision comes out.
 *
 *   UNTESTED  nobody has tested it yet, or no test came to an end: gets no mail
 *   READY     good
 *   DEGRADED  was good and is in trouble, or works and something about it must be mended soon:
 *             mail is tried, and waits where it fails
 *   REFUSED   gets no mail: it never was good, or it relays for strangers. Only a later test
 *             clears it
 *
 * A test that finds the host down or busy proves nothing about the account: the first such one
 * changes no state, and one that was good becomes DEGRADED by the second. */
#ifndef LETTERHEAD_SITE_RELAY_STATE_H
#define LETTERHEAD_SITE_RELAY_STATE_H

#include "base/slice.h"

enum relay_state { RELAY_UNTESTED = 1, RELAY_READY, RELAY_DEGRADED, RELAY_REFUSED };

/* What a test came to. */
enum relay_finding {
    RELAY_FOUND_GOOD = 1,
    RELAY_FOUND_WARNING,   /* it works, but something must be mended: a certificate that expires */
    RELAY_FOUND_TROUBLE,   /* it does not work: wrong password, bad certificate, … */
    RELAY_FOUND_TEMPORARY, /* it could not be said: no answer, busy */
    RELAY_FOUND_OPEN,      /* it relays for strangers */
};

struct relay_look {
    enum relay_state state; /* before */
    int64_t since_us;
    unsigned failures; /* before: tests in a row that were no good */
    enum relay_finding finding;
    int64_t now_us;
};

struct relay_verdict {
    enum relay_state state;
    int64_t since_us;
    unsigned failures;
    int64_t next_probe_us; /* without jitter, which the caller adds: up to a quarter */
};

struct relay_verdict relay_judge(const struct relay_look *look);

/* May it be given mail in this state? */
bool relay_state_sends(enum relay_state state);

/* "READY"; "trouble". What is no such word is UNTESTED, and temporary: constraints of the table
 * keep it out. */
const char *relay_state_name(enum relay_state state);
enum relay_state relay_state_parse(struct slice name);
const char *relay_finding_name(enum relay_finding finding);
enum relay_finding relay_finding_parse(struct slice name);

#endif
