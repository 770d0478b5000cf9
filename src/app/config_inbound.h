/* The table of the configuration's group `inbound` (config.c has the others). */
#ifndef LETTERHEAD_APP_CONFIG_INBOUND_H
#define LETTERHEAD_APP_CONFIG_INBOUND_H

#include "app/config.h"

extern const struct schema_field config_inbound_fields[];

#endif
