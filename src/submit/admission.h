/* Who may be connected: limits in all, per address and per site. A quarter of all places is kept
 * for sessions that have logged in, so that strangers who only sit there cannot keep the sites
 * out. Counting walks the list of those seated: at a few thousand connections that costs less
 * than any table would. An IPv6 address counts as its /64. */
#ifndef LETTERHEAD_SUBMIT_ADMISSION_H
#define LETTERHEAD_SUBMIT_ADMISSION_H

#include "base/list.h"
#include "runtime/endpoint.h"

struct submit_admission_limits {
    size_t connections_max;
    size_t per_address_max;
    size_t per_site_max; /* logged in as one site */
};

struct submit_admission {
    struct submit_admission_limits limits;
    struct list seats;
    size_t count;
    size_t anonymous; /* not logged in */
};

/* One connection's place. Embedded in the session. */
struct submit_seat {
    struct list link;
    struct submit_admission *admission;
    struct endpoint address;
    uint64_t site_id; /* 0: not logged in */
};

void submit_admission_init(struct submit_admission *a,
                           const struct submit_admission_limits *limits);

/* Takes a place. -EUSERS: none is left for strangers; -EDQUOT: the address has its share. */
MUST_CHECK int submit_admission_enter(struct submit_admission *a, struct submit_seat *seat,
                                      const struct endpoint *address);
/* The session has logged in. -EDQUOT: the site has its share; the seat is as before. */
MUST_CHECK int submit_admission_login(struct submit_seat *seat, uint64_t site_id);
/* Leaves; harmless on a zeroed seat and twice. For CLEANUP. */
void submit_admission_leave(struct submit_seat *seat);

/* True when three quarters of the places for strangers are taken: they get less time then. */
bool submit_admission_crowded(const struct submit_admission *a);

#endif
