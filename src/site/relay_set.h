/* Setting up a site's relay, or changing it: the account, what it sends as, and limits. */
#ifndef LETTERHEAD_SITE_RELAY_SET_H
#define LETTERHEAD_SITE_RELAY_SET_H

#include "site/service.h"

/* The handler of relay.set. */
MUST_CHECK int relay_set(struct task *t, struct control_call *call);
extern const struct control_field relay_set_fields[];

#endif
