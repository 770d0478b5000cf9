/* `letterhead check-config [--config PATH] [--json]`: names every mistake in the configuration, and
 * changes nothing. */
#ifndef LETTERHEAD_APP_CHECK_CONFIG_H
#define LETTERHEAD_APP_CHECK_CONFIG_H

int check_config_main(int argc, char **argv);

#endif
