/* Transport security of one gateway: what it remembers of MTA-STS, and whether DANE may be used. */
#ifndef LETTERHEAD_DELIVER_TRANSPORT_H
#define LETTERHEAD_DELIVER_TRANSPORT_H

#include "deliver/dane_proof.h"
#include "deliver/tls_policy.h"
#include "runtime/peer.h"

struct transport_options {
    const char *dane_off;                           /* why DANE is not wanted; NULL: it is */
    struct slice dane_signed_name, dane_bogus_name; /* for the proof; borrowed */
};

struct transport;

/* The steward is asked for policies; borrowed. */
struct transport *transport_new(const struct transport_options *options, struct peer *steward);
/* Accepts NULL. */
void transport_free(struct transport *tp);
/* Begins to prove in `scope` that the resolver validates. -EAGAIN: too many tasks. */
MUST_CHECK int transport_start(struct transport *tp, struct scope *scope);
/* For deliver_options. */
struct tls_policy transport_policy(const struct transport *tp);
/* Its part of the reply to IPC_GATEWAY_STATUS: dane_proof_read reads it. */
void transport_status_write(const struct transport *tp, struct buffer *body);

#endif
