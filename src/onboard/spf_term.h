/* The terms of an SPF record (RFC 7208 §4.6.1, §12): cut and checked. One that is not well-formed
 * spoils the whole record, wherever it stands. Pure; for onboard/spf.c. */
#ifndef LETTERHEAD_ONBOARD_SPF_TERM_H
#define LETTERHEAD_ONBOARD_SPF_TERM_H

#include "onboard/spf.h"

enum spf_mechanism {
    SPF_ALL = 1,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
    SPF_REDIRECT, /* a modifier */
    SPF_EXP,      /* what to tell the sender; changes no result */
    SPF_MODIFIER, /* another one, which changes no result */
};

struct spf_term {
    enum spf_mechanism mechanism;
    enum spf_result result;  /* when it matches */
    struct slice domain;     /* as written; empty: the current one */
    struct endpoint network; /* of ip4 and ip6 */
    uint8_t bits4, bits6;    /* of a prefix */
};

/* 0 or -EBADMSG. Slices lie in `text`. */
MUST_CHECK int spf_term_parse(struct slice text, struct spf_term *ret);

#endif
