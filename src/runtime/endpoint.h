/* An IP address with a port, as sockets, logs and the address policy see it. */
#ifndef LETTERHEAD_RUNTIME_ENDPOINT_H
#define LETTERHEAD_RUNTIME_ENDPOINT_H

#include "base/slice.h"

enum { ENDPOINT_TEXT_BYTES = 64 };

struct endpoint {
    uint8_t family;      /* 4, 6, or 0: none */
    uint8_t address[16]; /* network order; the first four bytes for family 4 */
    uint16_t port;
};

/* "192.0.2.1:25", "[2001:db8::1]:25"; a host name is not an endpoint: -EINVAL. */
MUST_CHECK int endpoint_parse(struct slice text, struct endpoint *ret);
/* The address alone, without brackets; port 0. */
MUST_CHECK int endpoint_parse_address(struct slice text, struct endpoint *ret);
/* Writes the text with port (endpoint_format) or without (…_address), ended by NUL; returns
 * `out`. */
const char *endpoint_format(const struct endpoint *e, char out[static ENDPOINT_TEXT_BYTES]);
const char *endpoint_format_address(const struct endpoint *e, char out[static ENDPOINT_TEXT_BYTES]);
bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b);
bool endpoint_is_loopback(const struct endpoint *e);

/* A network in CIDR form, for configuration: "10.0.0.0/8", "::1/128", a single address. */
struct endpoint_network {
    struct endpoint base;
    uint8_t bits;
};
MUST_CHECK int endpoint_network_parse(struct slice text, struct endpoint_network *ret);
bool endpoint_in_network(const struct endpoint *e, const struct endpoint_network *network);

#endif
