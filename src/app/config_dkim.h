/* The tables of the groups `dkim` and `publishing` of the configuration (config.c has the rest). */
#ifndef LETTERHEAD_APP_CONFIG_DKIM_H
#define LETTERHEAD_APP_CONFIG_DKIM_H

#include "app/schema.h"

extern const struct schema_field config_dkim_fields[];
extern const struct schema_field config_publishing_fields[];

#endif
