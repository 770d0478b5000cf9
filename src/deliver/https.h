/* HTTPS out, on a stranger's word: MTA-STS policies, TLS reports. One request, one answer.
 *
 * The name is resolved here, by our resolver; what it leads to is judged by the address policy, and
 * only the addresses that passed are given to libcurl, which does not resolve at all and can reach
 * no others: a second look at the DNS cannot answer otherwise. Nothing is followed, no proxy, no
 * cookie, no other protocol; TLS 1.2 or later, and a certificate that the authorities of the file
 * vouch for, with the host's name among its DNS names.
 *
 * Requests run on helper threads (TASK_LANE_FETCH); the calling task waits. That a server cannot be
 * reached or answers nonsense is an outcome, not an error. */
#ifndef LETTERHEAD_DELIVER_HTTPS_H
#define LETTERHEAD_DELIVER_HTTPS_H

#include "base/buffer.h"
#include "deliver/address_policy.h"
#include "runtime/task.h"

struct https;

enum {
    HTTPS_PORT = 443,
    HTTPS_TYPE_BYTES = 100,
    HTTPS_WHY_BYTES = 300,
};

struct https_options {
    const char *authorities_file; /* PEM */
    struct address_policy policy; /* borrowed for good, as the file's name */
};

/* Loads libcurl. On failure *ret_problem (from malloc) says what to do. */
MUST_CHECK int https_new(const struct https_options *options, struct https **ret,
                         char **ret_problem);
/* Ends what is under way within a second, and all later requests at once: before a scope is closed
 * whose tasks may be waiting in https_ask. */
void https_stop(struct https *h);
/* Accepts NULL. */
void https_free(struct https *h);

struct https_request {
    struct slice host;   /* a name as in wire/https_url.h */
    struct slice target; /* path and query, as they go into the request */
    uint16_t port;       /* HTTPS_PORT but in tests */
    struct slice body;   /* with something in it the method is POST, otherwise GET */
    const char *body_type;
    size_t answer_bytes_max;
    uint32_t time_max_ms; /* for all of it, without the DNS */
};

enum https_outcome {
    HTTPS_ANSWERED = 1, /* with whatever status */
    HTTPS_NO_ADDRESS,   /* the name does not exist or has no address */
    HTTPS_DNS_SILENT,   /* the DNS gave no answer */
    HTTPS_NOT_ALLOWED,  /* only addresses that the policy refuses */
    HTTPS_BAD_CERTIFICATE,
    HTTPS_TOO_LARGE,
    HTTPS_UNREACHABLE, /* all else: refused, silent, too slow, not HTTP */
};

struct https_answer {
    enum https_outcome outcome;
    int status;
    char type[HTTPS_TYPE_BYTES]; /* the media type in lower case, without parameters */
    struct buffer body;
    char why[HTTPS_WHY_BYTES]; /* a sentence without a full stop, unless ANSWERED */
};
#define HTTPS_ANSWER_NONE ((struct https_answer){.outcome = 0})
void https_answer_done(struct https_answer *answer); /* for CLEANUP */

/* 0 with *ret; -ECANCELED, -ETIMEDOUT from the DNS; -EINVAL: no such name can be. */
MUST_CHECK int https_ask(struct task *t, struct https *h, const struct https_request *request,
                         struct https_answer *ret);

#endif
