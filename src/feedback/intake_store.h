/* What reports came to, on its way into history: the steward's own spool. A report is stored under
 * the name that the gateway gave it (submit/report_frame.h), so that one that is handed over twice
 * is stored once; its event is numbered, goes into history in a batch under INTAKE_SPOOL_ID through
 * the same steps as a gateway's, and is dropped when it is there. The name stays for
 * INTAKE_KEEP_DAYS, longer than any gateway's spool keeps the report.
 *
 * Numbers begin above all that gateways reach, since history keeps the events of a message by their
 * numbers; they follow the clock, so that a database that was restored from a backup goes on above
 * what history has had of it.
 *
 * All calls block, and are for the helper thread that the store belongs to. */
#ifndef LETTERHEAD_FEEDBACK_INTAKE_STORE_H
#define LETTERHEAD_FEEDBACK_INTAKE_STORE_H

#include "queue/event.h"
#include "store/store.h"
#include "submit/report_frame.h"

#define INTAKE_SPOOL_ID UINT64_C(0x7265706f72747321)

enum { INTAKE_KEEP_DAYS = 30 };

/* Its number is given here. 0; 1: it was there already. */
MUST_CHECK int intake_store_add(struct store *s, const struct report_name *name,
                                struct queue_event *event, int64_t now_us);
/* Adds the oldest events that history does not have to `batch`, at most `max`, with the batch's
 * head. How many is in *ret_count. */
MUST_CHECK int intake_store_batch(struct store *s, size_t max, struct buffer *batch,
                                  size_t *ret_count);
/* History has all up to `sequence`. */
MUST_CHECK int intake_store_acknowledge(struct store *s, uint64_t sequence);
/* Forgets names that are old. */
MUST_CHECK int intake_store_forget(struct store *s, int64_t now_us);

#endif
