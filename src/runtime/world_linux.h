/* The world that is Linux: epoll, sockets, helper threads, libunbound. */
#ifndef LETTERHEAD_RUNTIME_WORLD_LINUX_H
#define LETTERHEAD_RUNTIME_WORLD_LINUX_H

#include "runtime/world.h"

/* A zone that is asked of one server instead of by way of the root. */
struct resolver_stub {
    const char *zone;    /* "example.org" */
    const char *address; /* "192.0.2.1" or "192.0.2.1@5300" */
    bool unsigned_zone;  /* not validated, whatever the anchor says */
};

struct resolver_options {
    const char *const
        *forwarders; /* "192.0.2.1" or "192.0.2.1@53"; none: asks from the root down */
    size_t forwarder_count;
    const struct resolver_stub *stubs;
    size_t stub_count;
    const char *trust_anchor_path; /* a file of DS or DNSKEY records; NULL: nothing is validated */
    bool fresh; /* answers, absence too, are forgotten after RESOLVER_FRESH_US: for checks of what
                 * somebody has just changed */
};

struct world_linux_options {
    struct disk *disk;                       /* may be NULL; the caller frees it after the world */
    const struct resolver_options *resolver; /* NULL: every question is DNS_TEMPORARY */
};

/* -EINVAL: the resolver refuses its options (*ret_problem says which, from malloc); other errnos:
 * the system's. */
MUST_CHECK int world_linux_new(const struct world_linux_options *options, struct world **ret,
                               char **ret_problem);

#endif
