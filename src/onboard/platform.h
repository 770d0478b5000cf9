/* The DNS that the platform itself needs: the bounce domain's MX and SPF records, the names of the
 * addresses that mail goes out from, and the way back. Printed for the operator to publish, and
 * checked when asked to. */
#ifndef LETTERHEAD_ONBOARD_PLATFORM_H
#define LETTERHEAD_ONBOARD_PLATFORM_H

#include "control/operation.h"
#include "onboard/mail_domain.h"

struct shaping_service;

struct platform_service {
    struct slice hostname, bounce_domain;
    struct shaping_service *shaping; /* whose file names the source addresses, if any */
};

/* Where mail goes out from at present. -ECANCELED, -ETIMEDOUT; slices are from the arena. */
MUST_CHECK int platform_host(struct task *t, struct arena *arena,
                             const struct platform_service *service, struct mail_host *ret);

/* platform.dns; `service` may be NULL where it is only looked at. */
struct control_set platform_operations(struct platform_service *service);

#endif
