/* What the table of the configuration cannot say: keys that need one another. */
#ifndef LETTERHEAD_APP_CONFIG_RULES_H
#define LETTERHEAD_APP_CONFIG_RULES_H

#include "app/config.h"

/* Adds a line to `problems` for each mistake. */
void config_check_rules(const struct config *config, struct buffer *problems);

#endif
