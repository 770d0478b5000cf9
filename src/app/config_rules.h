/* What the table of the configuration cannot say: keys that need one another, and what
 * follows from their absence. */
#ifndef LETTERHEAD_APP_CONFIG_RULES_H
#define LETTERHEAD_APP_CONFIG_RULES_H

#include "app/config.h"

/* Defaults that take more than a word, and one way to write what has several. */
void config_fill_in(struct config *config);

/* Adds a line to `problems` for each mistake. */
void config_check_rules(const struct config *config, struct buffer *problems);

#endif
