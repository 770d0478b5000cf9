/* DMARC policy records: the TXT record at _dmarc.<domain> (RFC 9989 §4.7; RFC 7489 §6.3 is what it
 * came from), and which names to ask for one. Read as receivers read them: whatever cannot be read
 * behind the version counts as if it was not there. Pure. */
#ifndef LETTERHEAD_WIRE_DMARC_H
#define LETTERHEAD_WIRE_DMARC_H

#include "base/slice.h"

enum wire_dmarc_policy {
    WIRE_DMARC_NOT_GIVEN, /* absent, or not one of those below */
    WIRE_DMARC_NONE,
    WIRE_DMARC_QUARANTINE,
    WIRE_DMARC_REJECT,
};

enum wire_dmarc_psd {
    WIRE_DMARC_PSD_UNKNOWN, /* psd=u, and without the tag */
    WIRE_DMARC_PSD_YES,     /* names below it belong to different owners */
    WIRE_DMARC_PSD_NO,      /* it is an organizational domain */
};

struct wire_dmarc_record {
    enum wire_dmarc_policy policy;                 /* p= */
    enum wire_dmarc_policy below, below_not_there; /* sp= and np=: domains below this one */
    bool strict_dkim, strict_spf;                  /* adkim=s, aspf=s */
    bool testing;                                  /* t=y: apply the next weaker policy */
    enum wire_dmarc_psd psd;
    uint8_t percent;      /* pct=, which RFC 9989 has done away with; 100 unless given */
    struct slice reports; /* rua=, as it stands there; empty: none */
};

/* Reads one TXT record, its strings joined; slices lie in it. 0, or -ENOENT: it is not a record of
 * DMARC, which begins with v=DMARC1. */
MUST_CHECK int wire_dmarc_record_parse(struct slice text, struct wire_dmarc_record *ret);

/* "none", "quarantine", "reject"; "" for what is not given. */
const char *wire_dmarc_policy_name(enum wire_dmarc_policy policy);

/* The policy for a domain other than the record's own, below it (§4.7: sp= stands in for np=, p=
 * for both, and none for that). */
enum wire_dmarc_policy wire_dmarc_policy_below(const struct wire_dmarc_record *record, bool exists);
/* The policy for the record's own domain. */
enum wire_dmarc_policy wire_dmarc_policy_of(const struct wire_dmarc_record *record);

enum { WIRE_DMARC_QUERIES_MAX = 8 };

/* The domain to ask after `domain` in the tree walk (RFC 9989 §4.10): one label less, or the last
 * seven of more than eight. Empty: there is none. */
struct slice wire_dmarc_walk_next(struct slice domain);

#endif
