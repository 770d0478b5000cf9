/* Asking the steward, from the command line: blocking, one request a connection. */
#ifndef LETTERHEAD_CONTROL_CLIENT_H
#define LETTERHEAD_CONTROL_CLIENT_H

#include "base/slice.h"

#include <jansson.h>

/* Sends a request to the socket at `path` and waits for the reply (control/perform.h), which the
 * caller frees. `input` is borrowed. On failure *ret_problem (from malloc) says what happened
 * and what to do. */
MUST_CHECK int control_client_call(const char *path, const char *operation, json_t *input,
                                   json_t **ret_reply, char **ret_problem);

/* The same for an operation that tells how far it has come: `tell` hears each piece of it
 * (control_progress) as it comes. */
struct control_client_watch {
    void (*tell)(void *context, const json_t *progress);
    void *context;
};
MUST_CHECK int control_client_call_watched(const char *path, const char *operation, json_t *input,
                                           const struct control_client_watch *watch,
                                           json_t **ret_reply, char **ret_problem);

#endif
