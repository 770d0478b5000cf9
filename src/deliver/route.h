/* Where a recipient's mail goes: the destination's key, and the hosts behind it in the order to try
 * them.
 *
 * Destinations are the unit of connections, limits and back-off. For MX delivery the key is the
 * recipient's domain, for a configured next hop it is the next hop: all mail shares it. */
#ifndef LETTERHEAD_DELIVER_ROUTE_H
#define LETTERHEAD_DELIVER_ROUTE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "deliver/address_policy.h"
#include "runtime/resolver.h"

struct route_options {
    struct slice hostname; /* our own: an MX of this name means that we are to receive, a loop */
    struct slice next_hop; /* "host:port" or "address:port"; empty: by MX */
    uint16_t port;         /* of MX hosts */
    struct address_policy policy;
};

/* Writes the key: what queue_options.destination wants. */
void route_destination(const struct route_options *options, struct slice domain,
                       struct buffer *ret_key);

struct route_host {
    struct slice name;
    struct slice canonical; /* where its addresses stand, after CNAMEs */
    bool secure;            /* they were validated by DNSSEC */
    uint16_t preference;    /* 0 where there is no MX */
    struct endpoint addresses[LIMIT_HOST_ADDRESSES];
    size_t address_count;
};

/* A finding about the destination itself, in place of hosts. */
struct route_failure {
    bool permanent;
    uint8_t enhanced[3];
    struct slice text;
};

struct route {
    struct route_host *hosts;
    size_t host_count; /* 0: see failure */
    bool secure;       /* the hosts' names were validated: MX, or that there is none */
    uint64_t policy;   /* of transport security: equal for domains that may share connections */
    struct route_failure failure;
};

/* Asks DNS (RFC 5321 §5.1, RFC 7505) and applies the address policy. 0 with *ret (memory from the
 * arena), also when the finding is that no mail can be sent there; -ECANCELED, -ETIMEDOUT. */
MUST_CHECK int route_find(struct task *t, struct arena *arena, const struct route_options *options,
                          struct slice destination, struct route *ret);

/* The same for one host, which is told and not found by MX. */
MUST_CHECK int route_find_host(struct task *t, struct arena *arena,
                               const struct route_options *options, struct slice host,
                               uint16_t port, struct route *ret);

/* An MX set put in the order of its preferences, equal ones shuffled by `random` numbers (RFC 5321
 * §5.1); hosts at or above our own preference are left out. Returns how many remain; for route_find
 * and its tests. */
size_t route_order_mx(struct dns_record *records, size_t count, struct slice hostname,
                      uint32_t (*random)(void *context), void *context);

#endif
