/* Runs operations: from a request in JSON to a reply in JSON, for whichever door it came in by.
 *
 *   {"operation": "site.show", "input": {"site": "library"}}
 *   {"ok": true, "output": {…}}
 *   {"ok": false, "error": {"code": "not_found", "field": "site", "message": "…", "cure": "…"}}
 *
 * A request with "progress": true may be answered by lines {"progress": {…}} before its reply,
 * where the operation tells how far it has come.
 *
 * A failure of ours is logged here and told as "internal"; each operation that changes something
 * leaves a line in the audit log: who, what, and how it went. */
#ifndef LETTERHEAD_CONTROL_PERFORM_H
#define LETTERHEAD_CONTROL_PERFORM_H

#include "control/operation.h"

/* Always yields a reply, which the caller frees (json_decref). Suspends as the operation does. */
json_t *control_perform(struct task *t, const struct control_set *sets, size_t set_count,
                        const struct control_caller *caller, const json_t *request);

/* The same; `watch` hears of progress if the request asks for it. */
json_t *control_perform_watched(struct task *t, const struct control_set *sets, size_t set_count,
                                const struct control_caller *caller,
                                const struct control_watch *watch, const json_t *request);

/* The reply for what is no request: not JSON, too long. */
json_t *control_reply_problem(const struct control_problem *problem);

#endif
