/* Is this JSON what an operation takes? Checks an input against the operation's fields: nothing
 * unknown, nothing missing, each of its type and within its bounds. Pure; the first fault is
 * told, with its place. */
#ifndef LETTERHEAD_CONTROL_CHECK_H
#define LETTERHEAD_CONTROL_CHECK_H

#include "control/operation.h"

/* `input` may be NULL: no input. -EINVAL with *ret_problem set. */
MUST_CHECK int control_check_input(const struct control_operation *operation, const json_t *input,
                                   struct control_problem *ret_problem);

#endif
