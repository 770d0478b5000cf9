/* Rules files: a problem is said with its line; what is taken can judge anything. */
#include "fuzz.h"

#include "feedback/report_rules.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct feedback_evidence evidence = {.reply = input, .status = {5, 1, 1}, .reply_code = 550};
    struct feedback_rules *rules = NULL;
    char *problem = NULL;

    if (feedback_rules_new(input, &rules, &problem) < 0) {
        fuzz_check(problem != NULL);
        free(problem);
        return 0;
    }
    fuzz_check(feedback_rules_judge(rules, &evidence).class < FEEDBACK_CLASSES);
    feedback_rules_free(rules);
    return 0;
}
