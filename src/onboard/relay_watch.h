/* Keeps an eye on relays: tests each when it was set up, every day, and after failures; takes in
 * what gateways meet; and draws the consequences: state (site/relay_state.h), history, notices, and
 * what gateways may do. */
#ifndef LETTERHEAD_ONBOARD_RELAY_WATCH_H
#define LETTERHEAD_ONBOARD_RELAY_WATCH_H

#include "runtime/task.h"
#include "site/relay.h"

struct site_pusher;

enum { RELAY_TESTS_MAX = 8 /* at one time, by the clock */ };

/* What a test came to; memory from the caller's arena. */
struct relay_test {
    enum relay_finding finding;
    struct slice why;       /* a sentence: what was found */
    struct slice next_step; /* a sentence: what to do about it; empty: nothing */
    struct slice report;    /* JSON, for the history */
};

struct relay_watch {
    struct store *store;
    struct site_pusher *pusher;
    /* Tests the account. What the server does is no error: -ECANCELED, or why it could not be
     * asked. NULL: nothing is tested. */
    int (*test)(struct task *t, void *context, struct arena *arena, const struct relay *relay,
                struct relay_test *ret);
    void *context;
};

/* A test of the relay, as it was then, has ended: stores it and what follows, and tells the
 * gateways. -ESTALE: the account has changed meanwhile, and the test says nothing of the new one;
 * -ENOENT: it is gone. `occasion`: "set", "daily", "trouble", "asked". */
MUST_CHECK int relay_watch_note(struct task *t, struct relay_watch *watch,
                                const struct relay *relay, const struct relay_test *test,
                                struct slice occasion, int64_t begun_us);

/* A gateway tells how it fares: the body of IPC_RELAY_USE. -EBADMSG. */
MUST_CHECK int relay_watch_take_use(struct task *t, struct relay_watch *watch, unsigned gateway,
                                    struct slice body);

/* Tests each relay when its time has come, until cancelled. */
MUST_CHECK int relay_watch_run(struct task *t, struct relay_watch *watch);

#endif
