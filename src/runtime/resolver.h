/* DNS questions. In production libunbound answers (validating, caching); in the simulator, the
 * simulator.
 *
 * An answer's status is a value, not an error: a name that does not exist is knowledge, a server
 * that does not answer is not. Only DNS_NO_NAME and DNS_NO_DATA prove absence; DNS_TEMPORARY and
 * DNS_BOGUS prove nothing. */
#ifndef LETTERHEAD_RUNTIME_RESOLVER_H
#define LETTERHEAD_RUNTIME_RESOLVER_H

#include "base/arena.h"
#include "runtime/endpoint.h"
#include "runtime/task.h"

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_TLSA = 52
};

enum dns_status {
    DNS_FOUND,
    DNS_NO_NAME,   /* NXDOMAIN */
    DNS_NO_DATA,   /* the name exists, without such a record */
    DNS_TEMPORARY, /* SERVFAIL, timeout, lame servers: ask again later */
    DNS_BOGUS,     /* DNSSEC validation failed */
};

struct dns_record {
    struct slice
        name; /* A-label text, lower case, no final dot: MX host, CNAME/NS/PTR target, SOA mname */
    struct slice text;       /* TXT: its strings joined (RFC 7208 §3.3); TLSA: raw RDATA */
    struct endpoint address; /* A, AAAA; port 0 */
    uint16_t preference;     /* MX */
};

struct dns_answer {
    enum dns_status status;
    bool secure; /* validated by DNSSEC */
    uint32_t ttl_s;
    struct slice canonical; /* the name that holds the records, after CNAMEs */
    struct dns_record *records;
    size_t count;     /* at most LIMIT_DNS_RECORDS */
    struct slice why; /* for TEMPORARY and BOGUS: a sentence */
};

/* Asks and waits; all memory of the answer is from the arena. 0 with *ret set; -EINVAL: not a
 * domain name; -ECANCELED, -ETIMEDOUT (a deadline of the task; a server's silence is
 * DNS_TEMPORARY). */
MUST_CHECK int resolver_query(struct task *t, struct arena *arena, struct slice name,
                              enum dns_type type, struct dns_answer *ret);

/* How long a world that was made for fresh answers (world_linux.h) remembers one. */
#define RESOLVER_FRESH_US ((uint64_t)1100000)

#endif
