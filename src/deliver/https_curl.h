/* libcurl behind deliver/https.c, and for it only. The library is loaded when the steward starts
 * and in no other role: it brings some twenty others (Kerberos, LDAP, SSH …) that neither the
 * vault nor the gateway shall have in their memory. */
#ifndef LETTERHEAD_DELIVER_HTTPS_CURL_H
#define LETTERHEAD_DELIVER_HTTPS_CURL_H

#include "base/limits.h"
#include "deliver/https.h"

#include <stdatomic.h>

struct https_curl; /* the library's functions */

MUST_CHECK int https_curl_load(struct https_curl **ret, char **ret_problem);
/* Accepts NULL. The library itself stays. */
void https_curl_free(struct https_curl *c);

/* One exchange, for a helper thread. */
struct https_exchange {
    const struct https_curl *curl;
    const char *authorities_file;
    const atomic_bool *stop;
    const struct https_request *request;
    const char *host; /* as the request's, ended by NUL */
    const struct endpoint *addresses;
    size_t address_count; /* at least one, at most LIMIT_HOST_ADDRESSES */
    struct https_answer *answer;
};

/* Fills exchange->answer. Blocks. */
void https_curl_exchange(struct https_exchange *exchange);

#endif
