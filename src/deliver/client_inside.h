/* The inside of the SMTP client: client_dial.c opens the dialogue, client_tls.c puts it under TLS
 * as the plan says, client_auth.c signs
 * in, client_ask.c asks, client.c has transactions. */
#ifndef LETTERHEAD_DELIVER_CLIENT_INSIDE_H
#define LETTERHEAD_DELIVER_CLIENT_INSIDE_H

#include "deliver/client.h"
#include "runtime/tls.h"

static const uint64_t CLIENT_COMMAND_US = 300 * SECOND_US; /* RFC 5321 §4.5.3.2 */

/* Says in words what an errno means here. Returns it. */
int client_problem(struct client *c, int r, const char *while_what);
/* Waits for one reply, within `timeout_us`. Its slices are good until the next call. */
MUST_CHECK int client_read_reply(struct task *t, struct client *c, uint64_t timeout_us,
                                 const char *while_what, struct smtp_reply *ret);
MUST_CHECK int client_send_command(struct task *t, struct client *c, struct slice line,
                                   const char *while_what);
/* The same for a line with a secret: it leaves no copy behind, and is not told to the tap. */
MUST_CHECK int client_send_secret(struct task *t, struct client *c, struct slice line,
                                  const char *while_what);
/* Tells the tap. */
void client_note(const struct client *c, enum client_side side, struct slice line);
/* EHLO, and HELO for servers that know only that. */
MUST_CHECK int client_hello(struct task *t, const struct client_options *options, struct client *c);
/* TLS before anything is said. */
MUST_CHECK int client_start_tls_first(struct task *t, const struct client_options *options,
                                      struct client *c);
/* After EHLO: 0 when mail may go on in what there is now, by the plan. */
MUST_CHECK int client_start_tls(struct task *t, const struct client_options *options,
                                struct client *c);

#endif
