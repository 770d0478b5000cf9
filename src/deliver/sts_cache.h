/* The gateway's memory of MTA-STS policies. It looks up the TXT record, asks the steward
 * (deliver/sts_protocol.h) when that says something new or an hour has passed, and goes on by what
 * it knew when the steward is late: a policy holds until it expires, whatever cannot be reached.
 * Where none was ever known, nothing is demanded (RFC 8461 §5). Bounded: what is forgotten here the
 * steward still knows. */
#ifndef LETTERHEAD_DELIVER_STS_CACHE_H
#define LETTERHEAD_DELIVER_STS_CACHE_H

#include "base/arena.h"
#include "deliver/sts_protocol.h"
#include "runtime/task.h"

struct sts_cache;

struct sts_cache_options {
    /* Carries a question to the steward and its answer back, within the task's deadlines. */
    int (*ask)(struct task *t, void *context, struct slice question, struct buffer *answer);
    void *context;
    size_t domains_max;
    size_t bytes_max; /* of the policies */
};

struct sts_known {
    bool has_policy;
    struct wire_mta_sts_policy policy; /* testing or enforce */
    enum wire_tls_result failure;      /* no policy, since it could not be fetched or read */
    struct slice why;                  /* with a failure */
};

struct sts_cache *sts_cache_new(const struct sts_cache_options *options);
/* When nobody asks any more. Accepts NULL. */
void sts_cache_free(struct sts_cache *c);

/* What is known of a domain now; memory from the arena. Waits a few seconds for the steward at
 * most. 0; -ECANCELED, -ETIMEDOUT (the task's own). */
MUST_CHECK int sts_cache_ask(struct task *t, struct sts_cache *c, struct arena *arena,
                             struct slice domain, struct sts_known *ret);

#endif
