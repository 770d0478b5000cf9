/* JSON as the control plane reads and writes it, with jansson. */
#ifndef LETTERHEAD_CONTROL_JSON_H
#define LETTERHEAD_CONTROL_JSON_H

#include "base/slice.h"

#include <jansson.h>

enum { CONTROL_JSON_DEPTH_MAX = 16 };

/* Reads one value. A name that stands twice in an object is refused, and so is nesting beyond
 * CONTROL_JSON_DEPTH_MAX, since jansson descends on a stack that is a task's. -EINVAL; *ret_why
 * (from malloc) then says what is wrong and where. */
MUST_CHECK int control_json_read(struct slice text, json_t **ret, char **ret_why);

/* Makes jansson wipe what it frees, for processes whose JSON holds secrets now and then; and
 * abort when memory is out, as all of ours. Call it before any JSON is made. */
void control_json_wipe_memory(void);

/* A string of any bytes: those that are not UTF-8 come out as \\xNN. */
json_t *control_json_text(struct slice text);
/* An RFC 3339 time of microseconds since 1970; null for 0. */
json_t *control_json_time(int64_t time_us);

#endif
