/* Web addresses that strangers give for us to connect to: where TLS reports go (RFC 8460 §3),
 * webhooks. Only what is needed for that is taken (RFC 3986 with https alone): no user, no
 * fragment, no port but 443, no address in place of a name, no name that means something on a
 * private network only. What the name leads to is judged again when it has been looked up
 * (deliver/address_policy.h). */
#ifndef LETTERHEAD_WIRE_HTTPS_URL_H
#define LETTERHEAD_WIRE_HTTPS_URL_H

#include "base/slice.h"
#include "wire/error.h"

enum { WIRE_HTTPS_URL_BYTES = 2000 };

struct wire_https_url {
    struct slice host;   /* as it was written; in any case */
    struct slice target; /* path and query as they go into the request; empty stands for "/" */
};

/* 0 with slices into `text`, or -EINVAL with *ret_error. */
MUST_CHECK int wire_https_url_parse(struct slice text, struct wire_https_url *ret,
                                    struct wire_error *ret_error);

/* True for a name of the public DNS: at least two labels, none of the special-use names (RFC 6761,
 * RFC 6762, RFC 7686, RFC 8375). */
bool wire_https_host_valid(struct slice host);

#endif
