/* Everything that the DNS is asked about one domain in one check, and what each answer means: its
 * records, where they went instead, its own name servers and what these say, its DMARC policy.
 * Decides and stores nothing (onboard/check.h does). */
#ifndef LETTERHEAD_ONBOARD_SURVEY_H
#define LETTERHEAD_ONBOARD_SURVEY_H

#include "onboard/authority.h"

enum {
    SURVEY_S = 30,         /* for all questions to the resolver */
    SURVEY_SERVERS_S = 10, /* for all to the domain's own servers */
    SURVEY_RECORDS_MAX = IDENTITY_RECORDS + 1,
};

struct survey_record {
    struct record_expected expected; /* set by the caller; memory of the caller's */
    struct dns_answer answer;
    struct record_finding finding;
    /* Inside. */
    struct survey *survey;
    struct arena arena;
    bool asked;
    enum record_cause slip;
    struct slice slip_advice;
};

struct survey {
    struct slice domain;                              /* set by the caller */
    struct survey_record records[SURVEY_RECORDS_MAX]; /* likewise */
    size_t record_count;                              /* likewise */
    bool with_second; /* likewise: the last record does not say whose the domain is */
    bool
        thorough; /* likewise: the servers are asked even when all is right, the last question being
                    * for the domain's own DMARC policy; and what follows is found out */
    struct slice
        dmarc_state; /* "found", "absent", "invalid" (several records); or not proven: "" */
    struct slice dmarc_record; /* the one that holds (onboard/dmarc.h) */
    struct authority_look look;
    bool servers_asked;
    enum identity_authority authority;
    /* Inside. */
    const struct authority_options *options;
    struct arena arena;
    bool zone_found;
};

/* Zeroed memory with what the caller sets. 0; -ECANCELED. What the world does not answer in time is
 * a finding that proves nothing. */
MUST_CHECK int survey_run(struct task *t, const struct authority_options *options,
                          struct survey *survey);
/* Whether all servers say the same, and none is silent or lame. Of a thorough survey. */
bool survey_servers_agree(const struct survey *survey);
/* For CLEANUP; findings are gone with it. */
void survey_done(struct survey *survey);

#endif
