#include "feedback/report_builtin.h"

#include "base/log.h"

extern const char feedback_builtin_rules[];
extern const size_t feedback_builtin_rules_size;

struct feedback_rules *feedback_rules_builtin(void)
{
    struct feedback_rules *rules = NULL;
    char *problem = NULL;
    int r = feedback_rules_new(slice_of(feedback_builtin_rules, feedback_builtin_rules_size),
                               &rules, &problem);

    if (r < 0)
        log_error("dist/bounce-rules, %s", problem);
    assert(r == 0); /* report_rules_test reads the same */
    return rules;
}
