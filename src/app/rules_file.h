/* The rules for what comes back (feedback/report_rules.h), from the file that the configuration
 * names, or those that are built in. */
#ifndef LETTERHEAD_APP_RULES_FILE_H
#define LETTERHEAD_APP_RULES_FILE_H

#include "feedback/report_rules.h"

/* `path` is a const char *; empty: what is built in. 0 with *ret to be freed by
 * feedback_rules_free; -EINVAL: *ret_problem (from malloc) says what is wrong with the file. */
MUST_CHECK int rules_file_load(void *path, struct feedback_rules **ret, char **ret_problem);

/* The same for a start: a file with mistakes is logged, and what is built in is used instead. */
struct feedback_rules *rules_file_load_any(const char *path);

#endif
