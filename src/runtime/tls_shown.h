/* What a server showed of itself in a handshake, also in one that failed: for whoever has to tell
 * people why a certificate will not do, and what to do about it. runtime/tls_explain.c has the
 * short form of it. */
#ifndef LETTERHEAD_RUNTIME_TLS_SHOWN_H
#define LETTERHEAD_RUNTIME_TLS_SHOWN_H

#include "base/arena.h"
#include "runtime/stream.h"

/* Why a handshake failed, as far as people can do something about it. */
enum tls_fault {
    TLS_FAULT_NONE,
    TLS_FAULT_SELF_SIGNED,
    TLS_FAULT_PRIVATE_AUTHORITY, /* the chain ends at an authority that is not trusted */
    TLS_FAULT_INCOMPLETE,        /* the issuer of the last certificate was not sent, nor is known */
    TLS_FAULT_EXPIRED,
    TLS_FAULT_NOT_YET_VALID,
    TLS_FAULT_NAME,
    TLS_FAULT_WEAK,        /* key or signature */
    TLS_FAULT_CERTIFICATE, /* another fault of a certificate */
    TLS_FAULT_OLD_VERSION, /* TLS 1.1 or older only */
    TLS_FAULT_NOT_TLS,     /* it answered in clear */
    TLS_FAULT_CLOSED,
    TLS_FAULT_OTHER,
};

enum { TLS_SHOWN_CERTIFICATES_MAX = 8 };

/* The texts are a stranger's: whoever shows them escapes them. */
struct tls_shown_certificate {
    struct slice subject, issuer; /* the common name, or whatever stands first */
    struct slice names;           /* "a.example, b.example"; at most some of them */
    struct slice key;             /* "RSA 2048" */
    int64_t from_s, until_s;      /* Unix time; 0: unreadable */
    bool issuer_is_published;     /* it says where its issuer's certificate can be fetched, as those
                                     of public authorities do */
};

struct tls_shown {
    enum tls_fault fault;
    struct slice version; /* "TLSv1.3"; empty if the handshake failed */
    struct slice cipher;
    struct tls_shown_certificate certificates[TLS_SHOWN_CERTIFICATES_MAX]; /* the server's first */
    size_t certificate_count;
};

/* After a handshake of a client. All memory is the arena's. */
void stream_tls_show(const struct stream *s, struct arena *arena, struct tls_shown *ret);

#endif
