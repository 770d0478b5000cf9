/* Which addresses Letterhead may connect to on a stranger's word: MX hosts, relays, webhooks,
 * policies.
 *
 * Loopback, private, link-local, documentation, multicast and reserved networks are refused unless
 * the operator named that very network (delivery.allow_networks). Addresses that carry an IPv4
 * address inside (mapped, NAT64, 6to4) are judged by the inner one as well. Check the literal that
 * is then connected to, never a name: a second resolution could answer otherwise. */
#ifndef LETTERHEAD_DELIVER_ADDRESS_POLICY_H
#define LETTERHEAD_DELIVER_ADDRESS_POLICY_H

#include "runtime/endpoint.h"

struct address_policy {
    const struct endpoint_network *allowed; /* borrowed */
    size_t allowed_count;
};

bool address_policy_allows(const struct address_policy *policy, const struct endpoint *address);

#endif
