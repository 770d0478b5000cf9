/* The public key as a TXT record at <selector>._domainkey.<domain> (RFC 6376 §3.6.1, RFC 8463 §4):
 * writing ours, reading what a domain publishes, and saying how the two differ so that a person can
 * mend it. Contents are joined text here; wire/dns_text.h cuts and quotes it. */
#ifndef LETTERHEAD_WIRE_DKIM_KEY_H
#define LETTERHEAD_WIRE_DKIM_KEY_H

#include "wire/tag_list.h"

enum wire_dkim_key_type { WIRE_DKIM_KEY_RSA, WIRE_DKIM_KEY_ED25519, WIRE_DKIM_KEY_UNKNOWN };

/* Adds "v=DKIM1; k=rsa; p=…". For RSA the key is a DER SubjectPublicKeyInfo, for Ed25519 that or
 * the 32 raw bytes. -EINVAL (out as before) if it is neither. */
MUST_CHECK int wire_dkim_key_format(struct buffer *out, enum wire_dkim_key_type type,
                                    struct slice public_key);

/* What a record says. Slices lie in the record's text. */
struct wire_dkim_key {
    enum wire_dkim_key_type type;
    struct slice key;     /* p= as written, base64, white space may be inside */
    bool revoked;         /* p= is empty (RFC 6376 §3.6.1) */
    bool sha256;          /* h= allows it, or is absent */
    bool email;           /* s= allows it, or is absent */
    bool testing;         /* t=y */
    bool strict_identity; /* t=s */
    struct slice notes;   /* n=, as written */
};

/* Reads a record. -EBADMSG if it is no tag list, has a tag twice, a bad value or no p=; -EPROTO if
 * it is a tag list of another kind (v= is not DKIM1). */
MUST_CHECK int wire_dkim_key_parse(struct slice record, struct wire_dkim_key *ret_key);

enum wire_dkim_key_verdict {
    WIRE_DKIM_KEY_SAME,
    WIRE_DKIM_KEY_OTHER,      /* a key, but not this one */
    WIRE_DKIM_KEY_TRUNCATED,  /* begins as this one and stops early: cut at 255 bytes, say */
    WIRE_DKIM_KEY_REVOKED,    /* p= is empty */
    WIRE_DKIM_KEY_RESTRICTED, /* this key, but k=, h=, s= or t=y keep it from proving our mail */
    WIRE_DKIM_KEY_NOT_A_KEY,  /* something else lies at this name: SPF, a site verification … */
    WIRE_DKIM_KEY_SYNTAX,     /* meant as a key record, but verifiers will not read it */
};

/* Compares what is published with what should be; both are joined text, `expected` is ours. Order,
 * spacing and unknown tags make no difference. */
enum wire_dkim_key_verdict wire_dkim_key_compare(struct slice expected, struct slice published);

/* One word for logs and JSON: "same", "other-key", "truncated" … */
const char *wire_dkim_key_verdict_name(enum wire_dkim_key_verdict verdict);

#endif
