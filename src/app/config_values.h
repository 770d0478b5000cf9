/* Single values of the configuration: how each kind is read. For schema_field.custom: `text` is
 * what stands in the file, whose memory the value borrows; -EINVAL, with nothing written, if it is
 * none. */
#ifndef LETTERHEAD_APP_CONFIG_VALUES_H
#define LETTERHEAD_APP_CONFIG_VALUES_H

#include "app/schema.h"

/* struct endpoint, with a port. */
int config_read_endpoint(struct slice text, void *target);
/* struct endpoint of a DNS server: port 53 unless told otherwise. */
int config_read_dns_server(struct slice text, void *target);
/* struct endpoint_network */
int config_read_network(struct slice text, void *target);
/* struct slice, as are the others: a host name */
int config_read_host_name(struct slice text, void *target);
/* A path that begins with a slash. */
int config_read_absolute_path(struct slice text, void *target);
/* uint64_t millionths: "5%", "0.1%". */
int config_read_percent(struct slice text, void *target);
/* A mail address. */
int config_read_mail_address(struct slice text, void *target);

#define CONFIG_HOST_NAME                                                                           \
    .type = SCHEMA_CUSTOM, .custom = config_read_host_name,                                        \
    .expected = "a host name such as mail.example.org"
#define CONFIG_MAIL_ADDRESS                                                                        \
    .type = SCHEMA_CUSTOM, .custom = config_read_mail_address,                                     \
    .expected = "a mail address such as post@example.org"
#define CONFIG_PERCENT                                                                             \
    .type = SCHEMA_CUSTOM, .custom = config_read_percent,                                          \
    .expected = "a share such as 5% or 0.1%, with at most four digits behind the point"
#define CONFIG_ABSOLUTE_PATH                                                                       \
    .type = SCHEMA_CUSTOM, .custom = config_read_absolute_path,                                    \
    .expected = "a path that begins with /"

#endif
