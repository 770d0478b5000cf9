/* The probe of a stored relay: by the clock (relay_watch.test), and its result for the history. */
#ifndef LETTERHEAD_ONBOARD_PROBE_RELAY_H
#define LETTERHEAD_ONBOARD_PROBE_RELAY_H

#include "onboard/probe.h"
#include "onboard/relay_watch.h"

/* What a stored relay is, for a probe; borrows from it. */
struct probe_account probe_account_of_relay(const struct relay *relay);

/* What a report came to, for relay_watch_note; `json` is the whole of it. Borrows from both. */
struct relay_test probe_test_of_report(const struct probe_report *report, struct slice json);

/* A relay_watch.test; the context is a struct probe_service. */
MUST_CHECK int probe_test_relay(struct task *t, void *context, struct arena *arena,
                                const struct relay *relay, struct relay_test *ret);

#endif
