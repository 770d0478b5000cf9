#include "app/rules_file.h"

#include "app/text_file.h"
#include "base/log.h"
#include "feedback/report_builtin.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES_MAX = 1 << 20 };

int rules_file_load(void *path, struct feedback_rules **ret, char **ret_problem)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    const char *name = path;
    int r;

    if (*name == 0) {
        *ret = feedback_rules_builtin();
        return 0;
    }
    r = text_file_read(name, FILE_BYTES_MAX, &text);
    if (r == 0)
        return feedback_rules_new(buffer_slice(&text), ret, ret_problem);
    if (asprintf(ret_problem,
                 "%s cannot be read: %s; correct delivery.bounce_rules_file, or let the service's "
                 "user read it",
                 name, strerror(-r)) < 0)
        abort();
    return -EINVAL;
}

struct feedback_rules *rules_file_load_any(const char *path)
{
    CLEANUP(base_free_pointer) char *problem = NULL;
    struct feedback_rules *rules;

    if (rules_file_load((void *)(uintptr_t)path, &rules, &problem) == 0)
        return rules;
    log_error("the rules for bounces have mistakes, and what is built in is used instead; mend "
              "them and run letterhead feedback reload: %s",
              problem);
    return feedback_rules_builtin();
}
