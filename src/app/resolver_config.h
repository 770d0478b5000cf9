/* The configuration's DNS servers in the resolver's own form; both roles that ask DNS use it. */
#ifndef LETTERHEAD_APP_RESOLVER_CONFIG_H
#define LETTERHEAD_APP_RESOLVER_CONFIG_H

#include "app/config.h"
#include "onboard/authority.h"
#include "runtime/world_linux.h"

/* Texts are in `arena` and in the configuration. */
void resolver_config(struct arena *arena, const struct config *config,
                     struct resolver_options *ret);
/* The same for asking a domain's own servers; nothing is copied but the list. */
void resolver_config_authority(struct arena *arena, const struct config *config,
                               struct authority_options *ret);

#endif
