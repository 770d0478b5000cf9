/* The life of a domain's policy as the steward keeps it: what a fetch does to it, when to look
 * after it again, and what the gateways are told. A policy ends when its time is over or another
 * takes its place, and by nothing else (RFC 8461 §3.3, §5.1). Pure. */
#ifndef LETTERHEAD_DELIVER_STS_ROW_H
#define LETTERHEAD_DELIVER_STS_ROW_H

#include "base/arena.h"
#include "deliver/sts_fetch.h"
#include "deliver/sts_protocol.h"

enum {
    STS_ANSWER_LIFETIME_S = 6 * 3600, /* the gateways ask again by then, so that they hear of a
                                       * longer life and we know that the policy is of use */
    STS_NOTHING_LIFETIME_S = 3600,    /* that a domain has no policy */
    STS_CHANGE_S = 60,                /* between fetches for a record that keeps changing */
};

struct sts_row {
    struct slice domain;
    struct slice record_id; /* that the policy was fetched for */
    struct slice mode;      /* as wire_mta_sts_mode_name; empty: no policy is kept */
    struct slice policy;    /* its text; empty without one */
    int64_t fetched_us, expires_us;
    int64_t asked_us;          /* by a gateway; exact to STS_ASKED_EXACT_S */
    int64_t tried_us;          /* the last fetch; 0: never */
    struct slice trouble;      /* a sentence without a full stop; empty: all is well */
    enum wire_tls_result kind; /* of a fetch that failed: WIRE_TLS_STS_… */
    int64_t trouble_since_us;
    int64_t failures; /* of fetches, one after the other */
    int64_t next_us;  /* when to try again, or to look after it */
};

/* True while the row has a policy that has not expired; with mode none, too. */
bool sts_row_holds(const struct sts_row *row, int64_t now_us);

/* A policy was fetched for the record's id. Texts are from the arena. */
void sts_row_renew(struct sts_row *row, struct arena *arena, struct slice id,
                   const struct wire_mta_sts_policy *policy, int64_t now_us);
/* It was not. What is kept is kept. */
void sts_row_fail(struct sts_row *row, enum wire_tls_result kind, struct slice why, int64_t now_us);
/* The record that said there is a policy is gone. */
void sts_row_vanish(struct sts_row *row, int64_t now_us);

/* Seconds until the next try after so many failures in a row: five minutes, then twice as long each
 * time, up to eight hours. */
int64_t sts_row_pause_s(int64_t failures);
/* Seconds until a policy is fetched anew: half of its life, a day at most. */
int64_t sts_row_refresh_s(uint32_t max_age_s);

/* What a gateway is told; `row` is NULL for a domain that nothing is known of. False: fetch first.
 * Slices of the answer lie in the row and the question. */
bool sts_row_answer(const struct sts_row *row, const struct sts_question *question, int64_t now_us,
                    struct sts_answer *ret);

#endif
