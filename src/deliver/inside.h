/* What the files of delivery share: deliver.c (the queue's callbacks, start and stop), provider.c
 * (who gets workers, and when), destination.c (which provider a domain belongs to, and its rests),
 * find.c (asks DNS for that), worker.c (jobs), worker_connect.c (connections), worker_verdict.c
 * (what an answer means for those to come); relay.c, relay_connect.c, relay_verdict.c and
 * relay_tell.c (sites that send through an account of their own). All on the gateway's loop. */
#ifndef LETTERHEAD_DELIVER_INSIDE_H
#define LETTERHEAD_DELIVER_INSIDE_H

#include "base/heap.h"
#include "base/table.h"
#include "deliver/client.h"
#include "deliver/deliver.h"
#include "deliver/provider_name.h"
#include "deliver/provider_pace.h"
#include "deliver/relay.h"
#include "deliver/shaping_remote.h"
#include "deliver/simulator.h"
#include "deliver/source.h"

/* Rings once, when its time has come. */
struct timer {
    struct heap_item item; /* deliver->timers */
    void (*rings)(struct task *t, struct timer *timer);
};

enum { PROVIDER_BACK_OFF_MIN_S = 60, PROVIDER_BACK_OFF_MAX_S = 1800 };

struct provider {
    struct table_item item;
    struct list link;   /* deliver->providers_all */
    struct timer timer; /* the back-off's end, or the next token */
    struct deliver *deliver;
    enum provider_kind kind;
    struct shaping_limits limits; /* this gateway's share */
    struct provider_pace pace;
    size_t waiting;      /* jobs that are due, as the queue last said */
    size_t workers;      /* all that run */
    size_t starting;     /* of them: have not looked for a job yet */
    size_t lingering;    /* of them: wait on `more` */
    size_t destinations; /* that point here */
    struct list works;   /* work.link: all */
    struct condition more;
    struct list in_line; /* deliver->line, or line_urgent */
    bool in_line_urgent;
    uint64_t good_us;             /* a connection last stood then */
    uint64_t good_route;          /* with this route */
    uint64_t delivered, deferred; /* since it is known */
    char *why;                    /* the last back-off's reason */
    char *suspended;              /* by an operator, and why; NULL: not */
    size_t name_size;
    char name[];
};

/* A domain that mail goes to. */
struct destination {
    struct table_item item;
    struct list link;      /* deliver->destinations_all, in order of becoming known */
    struct list in_search; /* deliver->searches, or searches_urgent: to be asked for */
    bool in_search_urgent;
    struct timer timer; /* its rest's end */
    struct deliver *deliver;
    struct provider *provider; /* NULL: not known */
    uint64_t known_until_us;   /* ask DNS again after it */
    uint64_t route; /* hash of its hosts' names: domains of one route share connections */
    uint64_t rest_since_us, rest_until_us; /* until 0: there is none */
    uint32_t rest_s;
    bool searching;   /* being asked for */
    bool has_waiting; /* something is due in its own pool */
    char *why;        /* the rest's reason */
    char *suspended;  /* by an operator, and why; NULL: not */
    char *found;      /* how its provider was found, for people */
    size_t key_size;
    char key[];
};

/* A site's own SMTP account, as delivery has found it; never freed before the end. */
struct account {
    struct list link;                    /* deliver->accounts */
    struct table_item item;              /* deliver->accounts_by_site */
    uint64_t site_id, relay_id, version; /* 0: not known yet */
    bool proved;                         /* a transaction has come to its end */
    unsigned refusals;                   /* of signing in, in a row */
    int64_t good_us;                     /* the last good test that is known here; 0: none */
    int64_t day_us;                      /* when its day began (Unix time); 0: nothing was sent */
    uint64_t recipients;                 /* since then */
    uint64_t day_max;                    /* of all gateways; 0: no limit */
    int64_t closed_until_us;             /* nothing is sent until then; 0: it may be */
    char *closed_why;
    char *trouble; /* NULL: none */
    int64_t trouble_since_us;
    struct message_id tried;  /* what was deferred when the trouble began */
    bool retry;               /* that is to become due */
    bool drain;               /* all that was deferred is */
    bool news;                /* the steward is to hear of it */
    uint64_t told_recipients; /* as it last did */
};

struct deliver {
    const struct deliver_options *options;
    struct scope *scope; /* NULL: not started */
    struct queue *queue;
    struct world *world;
    struct arena shaping_arena;
    struct shaping shaping;
    bool shaped; /* it has come */
    struct sources sources;
    struct timer source_timer; /* sites that are parked may go on */
    struct arena suspension_arena;
    struct shaping_suspension *suspensions;
    size_t suspension_count;
    struct table providers, destinations;
    struct list providers_all, destinations_all;
    struct list searches, searches_urgent;
    size_t searchers;
    struct heap timers;
    struct condition sooner; /* for the clock: the first timer has changed */
    size_t connections;
    struct list line, line_urgent; /* providers that want a worker more than there may be */
    struct condition worker_left;
    struct list accounts;
    struct table accounts_by_site;
    struct condition accounts_changed;
    bool stopping;
};

/* A connection with what it may be used for. */
struct link {
    struct client client;
    bool connected;
    uint64_t route;        /* as of its destination */
    struct source *source; /* NULL: the system chose */
    struct slice first;    /* the destination it was made for; in the client's arena */
    enum tls_wish wish;    /* what it was made for */
    bool own_names;        /* what vouches for the server does so for `first` alone */
};

/* A worker: one task, at most one connection. */
struct work {
    struct list link; /* provider->works */
    struct provider *provider;
    struct deliver *deliver;
    struct link connection;
    struct arena arena;         /* what outcomes point to; emptied with each job */
    struct buffer tls_sessions; /* made or failed, and not told yet */
    struct source_part part;    /* of its source's allowance, for the job under way */
    uint64_t begun_us;          /* the job under way, or the connection */
    bool lingering;
};

static inline struct slice provider_name(const struct provider *p)
{
    return slice_of(p->name, p->name_size);
}

static inline struct slice destination_key(const struct destination *d)
{
    return slice_of(d->key, d->key_size);
}

/* --- suspension.c --- */

/* Why operators have suspended the provider or domain; NULL: they have not. From malloc. */
char *suspension_of(const struct deliver *d, bool provider, struct slice name);
/* The same of a destination; or why its relay gets nothing. */
char *destination_why_suspended(const struct deliver *d, struct slice key);
/* What operators have suspended may have changed. */
void provider_suspend(struct provider *p);
void destination_suspend(struct destination *d);

/* --- provider.c --- */

/* Makes it if need be. */
struct provider *provider_get(struct deliver *d, struct slice name);
struct provider *provider_find(const struct deliver *d, struct slice name);
void provider_free(struct provider *p);
/* Frees it, if nothing is left that it must be remembered for. */
void provider_release(struct provider *p);
/* Sees to it that for each job that is due there is a worker free to take it, as far as the limits
 * allow. */
void provider_staff(struct provider *p);
/* Has it wait for a connection to become free. */
void provider_line_up(struct provider *p);
/* A connection has become free: it is for who has waited longest, with transactional mail. */
void provider_serve_line(struct deliver *d);
/* True if somebody waits who could have a worker's connection. */
bool provider_line_waits(const struct deliver *d);
/* Nothing goes to it for a while: `pause_s`, or as long as its limits say when that is 0. */
void provider_back_off(struct provider *p, uint64_t pause_s, uint64_t begun_us, struct slice why);
/* Connections allowed now. */
uint64_t provider_connections(const struct provider *p);
/* What of a limit on connections is open to the mail that waits there: bulk alone leaves an eighth
 * free for transactional mail, so that a newsletter to slow receivers never has all. */
uint64_t provider_open(const struct provider *p, uint64_t limit);
/* True if it has more workers than are open to what waits there. */
bool provider_has_surplus(const struct provider *p);
/* The limits have changed. */
void provider_reload(struct provider *p);
/* Asks the queue whether something waits: it does not repeat what it said before. */
void provider_look(struct provider *p);
/* Its back-off ends at once. */
void provider_wake(struct provider *p);
/* The limits that hold towards a provider of this name. */
struct shaping_limits provider_limits(const struct deliver *d, struct slice name);

/* --- destination.c --- */

struct destination *destination_get(struct deliver *d, struct slice key);
struct destination *destination_find(const struct deliver *d, struct slice key);
/* DNS has said who receives its mail. Its queue moves there. */
void destination_learn(struct destination *d, const struct provider_name *name,
                       const struct route *route);
/* Nothing goes to it until the rest is over; others of its provider go on. */
void destination_rest(struct destination *d, uint64_t pause_s, struct slice why);
void destination_wake(struct destination *d);
/* It was reached: the next rest is a short one. */
void destination_proved(struct destination *d);
/* The queue's pool that it belongs to now. */
void destination_pool(const struct destination *d, struct buffer *ret_key);
void destination_free_all(struct deliver *d);
/* Its mail goes to the pool that it belongs to now. */
void destination_move(struct destination *d);
/* The relay that it stands for may have changed. */
void destination_renew(struct destination *d);
uint64_t route_hash(const struct route *route);

/* --- holding.c --- */

/* Add the sentence of queue_options.holding, or nothing. */
void provider_holding(struct provider *p, struct buffer *ret);
void destination_holding(const struct destination *d, struct buffer *ret);

/* --- source.c; the others are in deliver/source.h --- */

void sources_timer_rings(struct task *t, struct timer *timer);

/* --- find.c --- */

/* Asks DNS for the destination's provider, by and by; those with transactional mail first. */
void destination_search(struct destination *d);
/* Goes on with what has lined up before delivery started. */
void destination_search_begin(struct deliver *d);

/* --- clock.c --- */

void clock_set(struct deliver *d, struct timer *timer, uint64_t at_us);
void clock_unset(struct deliver *d, struct timer *timer);
int clock_main(struct task *t, void *deliver);

/* --- worker.c --- */

int worker_main(struct task *t, void *provider);
/* All recipients of the job get the same outcome; the first tells of the sessions. */
void worker_settle_all(struct deliver *d, struct arena *arena, struct queue_job *job,
                       const struct queue_outcome *outcome);

/* Whether the domain or destination is the mailbox simulator's. */
static inline bool is_simulator(const struct deliver *d, struct slice key)
{
    return simulator_is_domain(d->options->bounce_domain, key);
}

/* --- worker_connect.c --- */

/* Sees to a connection that fits the job's destination. 0; -EAGAIN: the job was settled or given
 * back, go on with another; otherwise that too, and the worker ends. */
MUST_CHECK int worker_connect(struct task *t, struct work *w, struct queue_job *job);
/* What was made or failed since the last time is told with this outcome. */
void worker_tell_sessions(struct work *w, struct queue_outcome *outcome);
/* What the domain's policies say about transport, for route->policy as well. */
MUST_CHECK int worker_find_policy(struct task *t, const struct deliver *d, struct arena *arena,
                                  struct slice destination, struct route *route,
                                  struct tls_domain *ret);
/* With a goodbye, and without. */
void worker_disconnect(struct task *t, struct work *w);
void worker_drop(struct work *w);

/* --- worker_verdict.c --- */

/* What the outcomes of a job, in which something was refused, mean for what comes next. */
void worker_judge(struct work *w, const struct queue_job *job,
                  const struct queue_outcome *outcomes);
/* No host of the job's destination would talk; the outcome says why. True: the job is to be given
 * back, since others go on talking there; otherwise it is deferred. */
bool worker_judge_silence(struct work *w, struct queue_job *job,
                          const struct queue_outcome *outcome);

/* --- relay.c; deliver/relay.h says what it is about --- */

/* Is it the key of a relay's destination, or of its pool? */
bool relay_is_key(struct slice key);
void relay_key_write(uint64_t site_id, struct buffer *ret);
/* Does the site's mail go through a relay? */
bool relay_is_wanted(const struct deliver *d, uint64_t site_id);
/* The relay of a destination or pool; NULL: there is none. Good until the next suspension. */
const struct directory_relay *relay_of_key(const struct deliver *d, struct slice key);
/* The pool that the destination belongs to now. */
struct provider *relay_provider_get(struct deliver *d, struct slice destination);
struct shaping_limits relay_limits(const struct deliver *d, struct slice pool);
/* Why nothing may be sent there, from malloc; NULL: something may. */
char *relay_why_not(const struct deliver *d, struct slice destination);

/* The account of a destination, by its present version. */
struct account *account_get(struct deliver *d, struct slice destination);
void accounts_done(struct deliver *d);
/* False: so many recipients more would be too many, or its provider wants no more; then its pool
 * waits until its day is over. */
bool account_is_open(struct work *w, struct account *a, size_t recipients);
void account_close(struct work *w, struct account *a, struct slice why);
void account_note_sent(struct work *w, struct account *a, size_t recipients);
/* It was used with success; what waited for that is due. */
void account_works(struct deliver *d, struct account *a);
/* It was not, through nobody's fault but its own: its pool waits for a moment. */
void account_trouble(struct work *w, struct account *a, struct slice why, bool sign_in_refused);
/* The job has met that trouble. True: it is news, and to be settled with the reason; otherwise it
 * is to be given back, since a message's story need not tell it every minute. */
bool account_is_news(struct account *a, const struct queue_job *job, struct slice why);
/* The pool's rest is over. */
void relay_rested(struct provider *p);

/* --- relay_connect.c --- */

/* As worker_connect. */
MUST_CHECK int relay_connect(struct task *t, struct work *w, struct queue_job *job);

/* --- relay_verdict.c --- */

/* Judges what a relay answered, in place of worker_judge: what is the account's fault becomes a
 * deferral. `broken`: the link failed before the end. False: the job is to be given back, since all
 * of it has met a trouble that is known. */
bool relay_judge_outcomes(struct work *w, const struct queue_job *job,
                          struct queue_outcome *outcomes, bool broken, bool data_sent);

#endif
