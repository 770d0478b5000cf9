/* The mailbox simulator: addresses for trying out what comes back, as Amazon SES has them. Mail to
 * them goes the whole way (accepted, queued, scheduled, signed) but for the last step: nothing
 * leaves the machine. At the domain "simulator." before the bounce domain, with or without a
 * "+label":
 *
 *     success          delivered
 *     bounce           refused for good, 550 5.1.1
 *     complaint        delivered, and then somebody calls it spam
 *     ooto             delivered, and then an automatic reply comes ("out of the office")
 *     suppressionlist  ends as if the address were suppressed
 *
 * The events are marked QUEUE_REASON_SIMULATED: they touch no reputation and no suppression list.
 */
#ifndef LETTERHEAD_DELIVER_SIMULATOR_H
#define LETTERHEAD_DELIVER_SIMULATOR_H

#include "queue/queue.h"

/* Whether the domain, or a destination's key, is the simulator's. False without a bounce domain. */
bool simulator_is_domain(struct slice bounce_domain, struct slice domain);

/* What becomes of mail to the address. The texts are constants. */
struct queue_outcome simulator_answer(struct slice address);

#endif
