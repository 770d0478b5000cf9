#include "app/rules_file.h"

#include "base/log.h"
#include "feedback/report_builtin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20 };

static int read_file(const char *path, struct buffer *text)
{
    CLEANUP(base_close_descriptor) int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : 1;

    while (size > 0 && text->size < FILE_BYTES_MAX) {
        size = read(file, buffer_reserve(text, 65536), 65536);
        text->size += size > 0 ? (size_t)size : 0;
    }
    return size < 0 ? -errno : 0;
}

int rules_file_load(void *path, struct feedback_rules **ret, char **ret_problem)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    const char *name = path;
    int r;

    if (*name == 0) {
        *ret = feedback_rules_builtin();
        return 0;
    }
    r = read_file(name, &text);
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
