/* How the supervisor tells a role with a loop to stop: SIGTERM. */
#ifndef LETTERHEAD_APP_STOP_SIGNAL_H
#define LETTERHEAD_APP_STOP_SIGNAL_H

#include "runtime/task.h"

/* Before any thread is started: keeps the signals for stop_signal_wait, and SIGPIPE from killing
 * us. */
void stop_signal_block(void);
/* Suspends until SIGTERM or SIGINT comes. `context` is not used: for gateway_options and
 * steward_options. */
MUST_CHECK int stop_signal_wait(struct task *t, void *context);

#endif
