/* MTA-STS (RFC 8461): the TXT record at _mta-sts.<domain> that says whether there is a policy and
 * which one, the policy file itself, and which hosts a policy allows. Pure: fetching, keeping and
 * applying policies is the business of others. Names are A-labels. */
#ifndef LETTERHEAD_WIRE_MTA_STS_H
#define LETTERHEAD_WIRE_MTA_STS_H

#include "base/buffer.h"
#include "base/limits.h"
#include "wire/error.h"

enum {
    WIRE_MTA_STS_ID_BYTES = 32,
    WIRE_MTA_STS_MAX_AGE_S = 31557600, /* a year; more is taken as this (RFC 8461 §3.2) */
};

/* One TXT record, its strings joined. 0 with the id (in `record`); -ENOENT: it is about something
 * else; -EBADMSG: it begins as an MTA-STS record and is not one (RFC 8461 §3.1). */
MUST_CHECK int wire_mta_sts_record_parse(struct slice record, struct slice *ret_id);

/* Goes through all TXT records of the name, one after the other (start with zeroes). Records about
 * something else do not count; there is a policy when exactly one remains and it can be read. */
struct wire_mta_sts_records {
    size_t count; /* that begin as MTA-STS records */
    bool unreadable;
    struct slice id;
};
void wire_mta_sts_records_add(struct wire_mta_sts_records *records, struct slice record);
/* 0 with the id, or -ENOENT: as if there was no record. */
MUST_CHECK int wire_mta_sts_records_id(const struct wire_mta_sts_records *records,
                                       struct slice *ret_id);

enum wire_mta_sts_mode {
    WIRE_MTA_STS_NONE = 1, /* no policy any more, and an old one is to be forgotten */
    WIRE_MTA_STS_TESTING,  /* deliver anyway, report failures */
    WIRE_MTA_STS_ENFORCE,
};

struct wire_mta_sts_policy {
    enum wire_mta_sts_mode mode;
    uint32_t max_age_s; /* at most WIRE_MTA_STS_MAX_AGE_S */
    struct slice patterns[LIMIT_STS_PATTERNS];
    size_t pattern_count; /* at least 1 unless the mode is none */
};

/* Reads a policy file (RFC 8461 §3.2); the slices lie in `text`. Unknown fields are ignored, of
 * fields that stand twice the first counts (but all mx). -EBADMSG with *ret_error, also for more
 * than LIMIT_STS_POLICY_BYTES or LIMIT_STS_PATTERNS. */
MUST_CHECK int wire_mta_sts_policy_parse(struct slice text, struct wire_mta_sts_policy *ret,
                                         struct wire_error *ret_error);
/* Adds the policy as a file that reads back as the same. */
void wire_mta_sts_policy_format(struct buffer *out, const struct wire_mta_sts_policy *policy);

/* True for a host name, or "*." before one. */
bool wire_mta_sts_pattern_valid(struct slice pattern);
/* Whether a pattern covers a host, with or without a dot at its end, in any case. "*." stands for
 * exactly one label (RFC 8461 §4.1, RFC 6125 §6.4). */
bool wire_mta_sts_pattern_matches(struct slice pattern, struct slice host);
bool wire_mta_sts_policy_allows(const struct wire_mta_sts_policy *policy, struct slice host);

/* "none", "testing", "enforce". */
const char *wire_mta_sts_mode_name(enum wire_mta_sts_mode mode);

#endif
