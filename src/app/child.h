/* One role's process, as the supervisor sees it: started with just what it needs, and started again
 * when it dies, after a pause that grows with each death and is forgotten once it has lived a
 * while. */
#ifndef LETTERHEAD_APP_CHILD_H
#define LETTERHEAD_APP_CHILD_H

#include "app/privileges.h"
#include "app/role.h"

enum {
    CHILD_PAUSE_FIRST_MS = 100,
    CHILD_PAUSE_MAX_MS = 30000,
    CHILD_LONG_LIFE_MS = 60000, /* whoever has lived this long begins with the first pause again */
    CHILD_DESCRIPTORS_MAX = ROLE_GATEWAY_FD_LISTENER_FIRST - ROLE_FD_FIRST + ROLE_LISTENERS_MAX,
    CHILD_NAME_BYTES = 16,
};

struct child {
    enum role role;
    unsigned place;              /* of a gateway: among all of them, from 0 */
    char name[CHILD_NAME_BYTES]; /* for the log: "gateway 2" */
    bool finished;               /* has done all that it was for: not started again */
    pid_t pid;                   /* 0: not running */
    unsigned starts;
    uint64_t started_ms;
    uint64_t start_at_ms; /* when not running */
    uint64_t pause_ms;    /* before the latest start */
    uint64_t kill_at_ms;  /* when it was told to stop, and has not; 0: was not told */
};

/* Everything is borrowed for the call. */
struct child_plan {
    int executable;                     /* opened with O_PATH */
    const int *descriptors;             /* become ROLE_FD_FIRST and those after it */
    size_t descriptor_count;            /* at most CHILD_DESCRIPTORS_MAX */
    const char *const *arguments;       /* ended by NULL */
    const struct privileges_user *user; /* NULL: that of this process */
};

/* In a process of one thread whose descriptors 0 to 2 are open. -EAGAIN and the like of fork; what
 * goes wrong later the new process logs, and dies of. */
MUST_CHECK int child_start(struct child *child, const struct child_plan *plan, uint64_t now_ms);

/* Takes note of its death: says in the log how it came about, and sets when it may be started
 * again. */
void child_died(struct child *child, int wait_status, uint64_t now_ms);

/* The pause before the next start. */
uint64_t child_pause_ms(uint64_t previous_pause_ms, uint64_t lived_ms);

/* Says in words what a wait status means; yields `out`. */
const char *child_explain(int wait_status, char *out, size_t out_size);

#endif
