/* One SMTP session with a client (RFC 5321, RFC 6409): the dialogue, read from top to bottom. */
#ifndef LETTERHEAD_SUBMIT_SESSION_H
#define LETTERHEAD_SUBMIT_SESSION_H

#include "submit/listener.h"

struct stream;

/* Speaks with the client until it quits, breaks off or is cut off. Stream and seat stay the
 * caller's; a session that is cancelled says 421 before it ends. */
void submit_session_run(struct task *t, struct submit_service *service,
                        const struct submit_listener *listener, struct submit_seat *seat,
                        struct stream *stream);

#endif
