/* TLSA records (RFC 6698, RFC 7671) as SMTP uses them (RFC 7672 §3.1): what a record's RDATA says,
 * and whether a mail client can do anything with it. Pure. */
#ifndef LETTERHEAD_WIRE_TLSA_H
#define LETTERHEAD_WIRE_TLSA_H

#include "base/slice.h"

enum { WIRE_TLSA_USAGE_DANE_TA = 2, WIRE_TLSA_USAGE_DANE_EE = 3 };

struct wire_tlsa {
    uint8_t usage;    /* 2: a trust anchor of the chain; 3: the server's own certificate */
    uint8_t selector; /* 0: the certificate; 1: its public key */
    uint8_t matching; /* 0: itself; 1: SHA-256; 2: SHA-512 */
    struct slice data;
};

/* Reads RDATA; the data lies in it. -EBADMSG when it is too short. */
MUST_CHECK int wire_tlsa_parse(struct slice rdata, struct wire_tlsa *ret);

/* Whether the record can authenticate an SMTP server: usages 2 and 3 only (RFC 7672 §3.1.3), a
 * selector and matching type that we know, and data of the right length or that is DER of what the
 * selector says. */
bool wire_tlsa_usable(const struct wire_tlsa *tlsa);

#endif
