/* The operations on digests: digest.show, digest.set. */
#ifndef LETTERHEAD_FEEDBACK_DIGEST_OPERATIONS_H
#define LETTERHEAD_FEEDBACK_DIGEST_OPERATIONS_H

#include "control/operation.h"
#include "feedback/operations.h"

/* `service` may be NULL where they are only looked at. */
struct control_set digest_operations(struct feedback_service *service);

#endif
