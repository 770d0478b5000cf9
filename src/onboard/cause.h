/* Why a DNS record of an identity is not as it should be: causes, not symptoms. "Missing" would
 * send people to wait for what will never come. The word is in the database and in JSON. */
#ifndef LETTERHEAD_ONBOARD_CAUSE_H
#define LETTERHEAD_ONBOARD_CAUSE_H

#include "base/slice.h"

enum record_cause {
    CAUSE_NONE, /* it is right */
    CAUSE_ABSENT,
    CAUSE_WRONG_NAME, /* entered elsewhere: the domain doubled, a part of the name cut off */
    CAUSE_WRONG_TYPE, /* a CNAME where a TXT should be, or the reverse */
    CAUSE_TRUNCATED,
    CAUSE_SPLIT,   /* its parts are records of their own */
    CAUSE_DAMAGED, /* quotes, spaces, line breaks, entities in it */
    CAUSE_OTHER_KEY,
    CAUSE_REVOKED,    /* p= is empty */
    CAUSE_RESTRICTED, /* the key is right, its other tags forbid its use */
    CAUSE_SEVERAL,    /* more than one record */
    CAUSE_FOREIGN,    /* something else stands there */
    CAUSE_PROXIED,    /* the CNAME is hidden behind addresses of a proxy */
    CAUSE_FLATTENED,  /* the CNAME was replaced by what it pointed to at that time */
    CAUSE_WILDCARD,   /* every name is answered alike */
    CAUSE_DISAGREE,   /* some of the domain's name servers have it, some have not */
    CAUSE_LAME,       /* its name servers do not serve the domain */
    CAUSE_BOGUS,      /* DNSSEC signatures are wrong */
    CAUSE_NO_DOMAIN,
    CAUSE_SILENT, /* no answer that proves anything; may pass */
    CAUSE_OURS,   /* the client's part is right, the platform's own zone is not */
    CAUSES,
};

/* "wrong-name"; "" for CAUSE_NONE. */
const char *record_cause_name(enum record_cause cause);

#endif
