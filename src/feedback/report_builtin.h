/* The rules that come with the program: dist/bounce-rules, put into the binary when it is built, so
 * that reports are understood without any file; a file named in the configuration replaces them. */
#ifndef LETTERHEAD_FEEDBACK_REPORT_BUILTIN_H
#define LETTERHEAD_FEEDBACK_REPORT_BUILTIN_H

#include "feedback/report_rules.h"

/* To be freed by feedback_rules_free. */
struct feedback_rules *feedback_rules_builtin(void);

#endif
