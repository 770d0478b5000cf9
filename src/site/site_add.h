/* Adding a site: its name, its identity with three keys made in the vault, and the addresses it
 * sends from. */
#ifndef LETTERHEAD_SITE_SITE_ADD_H
#define LETTERHEAD_SITE_SITE_ADD_H

#include "site/service.h"

/* The handler of site.add. */
MUST_CHECK int site_add(struct task *t, struct control_call *call);

#endif
