/* Those around the gateway, and what they share in one run. Each lives in tasks of
 * scenario->outside. */
#ifndef LETTERHEAD_SIM_ACTORS_H
#define LETTERHEAD_SIM_ACTORS_H

#include "base/arena.h"
#include "ledger.h"
#include "runtime/peer.h"
#include "runtime/stream.h"
#include "scenario.h"
#include "site/return_keys.h"
#include "submit/report_frame.h"

enum { HOSTS = 6, SUBMISSION_PORT_FIRST = 2500, CLIENTS_MAX = 6 };

/* How a receiving host misbehaves: in a million, each time the question comes up. */
struct host_habits {
    uint32_t busy;       /* 421 instead of a greeting */
    uint32_t mail_later; /* 4xx to MAIL */
    uint32_t slow_down;  /* 4xx to MAIL, since too much comes */
    uint32_t rcpt_later; /* 4xx to RCPT */
    uint32_t data_later; /* 4xx after the dot */
    uint32_t data_never; /* 5xx after the dot */
    uint32_t cut_in_data;
    uint32_t cut_after_dot; /* taken or not, by chance, and nothing said */
    uint32_t slow;          /* takes its time with an answer */
    uint64_t slow_most_us;
    bool greylist; /* the first time a recipient is named: later */
    bool pipelining, size;
};

struct host {
    struct scenario *scenario;
    unsigned number;
    struct endpoint endpoint;
    int listener;
    struct host_habits habits;
    bool away;                        /* hangs up on everybody */
    uint64_t asked_us;                /* when it last said that too much comes; 0: never */
    uint64_t quiet_until_us;          /* it is to be left alone until then, */
    unsigned quiet_start, quiet_acts; /* by this gateway, and this wish of operators */
    unsigned quiet_visits;
    struct slice greylisted; /* addresses seen, one a line */
    struct buffer seen;
};

/* A session's sealed key and public key, by site. */
struct scenario_keys {
    struct vault *vault;
    struct vault_worker *worker;
    struct buffer sealed[SCENARIO_SITES];
    struct buffer public_keys[SCENARIO_SITES];
};

/* A report that a receiver sends to a return path. */
struct sim_report {
    unsigned number;
    size_t size;
    unsigned offers; /* whose end is not "no" */
    bool acknowledged;
    unsigned arrivals; /* under different names */
};

enum { REPORTS_MAX = 6, INBOUND_PORT = 2590 };

struct scenario {
    const struct scenario_options *options;
    struct sim_world *w;
    struct chance *chance;
    struct ledger *ledger;
    struct scope *outside;

    unsigned clients, messages_each;
    unsigned acts;  /* of operators, which end all waiting */
    uint32_t bulk;  /* how many of the messages say that they are, in a million */
    uint32_t hurry; /* how many clients send all they have at once */
    unsigned clients_left;
    bool disk_may_fill, steward_is_moody;
    uint32_t dns_trouble;
    uint64_t vault_delay_us;
    uint64_t trouble_us; /* the longest quiet between two strikes */
    uint64_t linger_us;  /* how long the faults go on after the last client */
    struct host hosts[HOSTS];

    int submission_listeners[SCENARIO_SITES];
    int vault_pair[2], steward_pair[2];
    struct scope vault_scope, steward_scope;
    struct peer *vault_end, *steward_end;
    bool strike_vault, strike_steward; /* they die, and are started again */
    struct condition strike;
    bool push_wanted, steward_away;
    uint64_t last_push;
    struct condition push;
    bool site_revoked[SCENARIO_SITES];        /* its client took the domain back */
    bool site_ever_revoked[SCENARIO_SITES];   /* so submissions may have been refused */
    uint64_t site_stopped_us[SCENARIO_SITES]; /* when the gateway knew it; 0: it may send */
    bool site_paused[SCENARIO_SITES];         /* as the operator wants it */
    bool site_told[SCENARIO_SITES];           /* as the gateway was told last */
    struct condition operator;

    int inbound_listener;
    struct sim_report reports[REPORTS_MAX];
    unsigned report_count;
    struct buffer coming; /* at the steward */
    struct report_name coming_name;
    size_t coming_size;
    struct report_name names[8 * REPORTS_MAX];
    unsigned name_count;
    int (*take_report)(struct task *t, struct scenario *s, uint8_t type, struct slice body);
    void (*forget_report)(struct scenario *s);

    bool crashed, stop_wanted, ending, healed;
    unsigned starts;
    struct condition changed;
    struct condition stop;
};

/* "site1.example", by number from 0. */
struct slice site_domain(unsigned site);
/* The SMTP user name of the site. */
struct slice site_access_key_id(unsigned site);

/* client.c: submits its share and returns. `argument` is a struct client. */
struct client {
    struct scenario *scenario;
    unsigned number;
    struct stream *stream;
    struct arena arena;
};
int client_main(struct task *t, void *argument);

/* host.c */
void host_open(struct host *h);
int host_main(struct task *t, void *argument);
void host_done(struct host *h);
/* What DNS says: for sim_world_options.resolve. */
void host_resolve(void *context, struct world_query *query, uint64_t *ret_delay_us);

/* neighbours.c: the vault and the steward. */
int neighbours_main(struct task *t, void *argument);
/* Asks the gateway for what it has in its queue, and holds it against the ledger. */
MUST_CHECK int neighbours_audit(struct task *t, struct scenario *s);
/* The operator pauses the site's queue, or releases it, as soon as there is a gateway to hear
 * it. */
void neighbours_pause(struct scenario *s, unsigned site, bool paused);
/* The site may not send as its domain, or may again, as soon as the gateway has heard it. */
void neighbours_revoke(struct scenario *s, unsigned site, bool revoked);
/* Lets go of everything that the queue holds. */
MUST_CHECK int neighbours_release(struct task *t, struct scenario *s);

/* compose.c: a message with its place in the ledger. */
struct ledger_submission *compose(struct scenario *s, unsigned site, bool eight_bit);

/* A pause of up to so long, most of them short. */
MUST_CHECK int pause_for(struct task *t, struct scenario *s, uint64_t most_us);

/* --- reports.c --- */

int reports_main(struct task *t, void *scenario);
int reports_request(struct task *t, struct scenario *s, uint8_t type, struct slice body);
void reports_forget(struct scenario *s);
bool reports_are_settled(const struct scenario *s);
void reports_judge(struct scenario *s);

/* The keys that the steward pushes. */
void neighbours_return_keys(struct return_keys *ret);

#endif
