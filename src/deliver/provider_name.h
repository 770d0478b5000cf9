/* Who receives a domain's mail: a provider's name, from its MX hosts.
 *
 * A provider with an entry in the shaping file is known by its hosts. Any other is named after the
 * registrable domain of the best MX (libpsl): all who use mx1.hoster.example share
 * "hoster.example". A host under the recipient's own domain says nothing about who runs it; so it
 * is named after its network, 192.0.2.0/24 or 2001:db8::/48, which catches hosters that give each
 * customer a name of his own. */
#ifndef LETTERHEAD_DELIVER_PROVIDER_NAME_H
#define LETTERHEAD_DELIVER_PROVIDER_NAME_H

#include "deliver/route.h"
#include "deliver/shaping.h"

enum provider_kind {
    PROVIDER_LISTED = 1, /* has an entry */
    PROVIDER_BY_DOMAIN,  /* of its hosts */
    PROVIDER_BY_NETWORK, /* of its hosts: they may have nothing else in common */
    PROVIDER_NEXT_HOP,
    PROVIDER_RELAY, /* one site's SMTP account (deliver/relay.h) */
};

struct provider_name {
    enum provider_kind kind;
    struct slice name;
    struct slice host; /* that decided */
    struct slice rule; /* why, for people: "hosts under google.com" */
};

/* Memory from the arena. `hosts` has at least one host with an address, best first. */
struct provider_name provider_name_of(struct arena *arena, const struct shaping *shaping,
                                      struct slice domain, const struct route *route);

#endif
