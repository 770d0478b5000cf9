/* A relay as the control database has it: the client's own SMTP account that a site of method smtp
 * sends through, what limits hold towards it, and how it stands. What is read lies in the caller's
 * arena.
 *
 * An account is used only when a test has found it good (site/relay_state.h): mail of the site
 * waits until then. The password is a sealed blob that only the vault can open, bound to site,
 * relay and host. */
#ifndef LETTERHEAD_SITE_RELAY_H
#define LETTERHEAD_SITE_RELAY_H

#include "base/arena.h"
#include "site/relay_state.h"
#include "store/store.h"

enum relay_tls { RELAY_STARTTLS = 1, RELAY_TLS };

enum {
    RELAY_USER_BYTES_MAX = 255,
    RELAY_PASSWORD_BYTES_MAX = 255,
    RELAY_PROBES_KEPT = 50, /* of each relay */
    RELAY_PROBES_SHOWN = 10,
    RELAYS_MAX = 100000, /* listed at once */
};

/* 0: none, or not known. */
struct relay_limits {
    uint64_t connections_max; /* at a time */
    uint64_t messages_per_connection_max;
    uint64_t messages_per_minute_max;
    uint64_t recipients_per_day_max;
};

struct relay {
    int64_t id, site_id;
    int64_t version;   /* of the account; never used again */
    struct slice host; /* A-labels, lower case */
    uint16_t port;
    enum relay_tls tls;
    struct slice user, sealed;
    struct slice outgoing_address; /* canonical: the From, and the envelope's sender */
    bool return_path_ours;   /* the envelope's sender is an address of ours, so that bounces come */
    struct relay_limits own; /* 0: as its provider's */
    enum relay_state state;
    int64_t since_us;
    struct slice why, next_step;
    unsigned failures; /* tests in a row that were no good */
    int64_t created_us, changed_us, next_probe_us;
    int64_t probed_us;      /* 0: never */
    struct slice site_name; /* by relay_list alone */
};

/* "starttls", "tls" */
const char *relay_tls_name(enum relay_tls tls);
/* Its own limits, and where it has none those of the host's provider. */
struct relay_limits relay_limits_of(const struct relay *relay);

/* -ENOENT */
MUST_CHECK int relay_of_site(struct store *s, struct arena *arena, int64_t site_id,
                             struct relay *ret);
MUST_CHECK int relay_find(struct store *s, struct arena *arena, int64_t id, struct relay *ret);
/* All of them, by the names of their sites. */
MUST_CHECK int relay_list(struct store *s, struct arena *arena, struct relay **ret,
                          size_t *ret_count);

/* Adds it, UNTESTED since `created_us`, to be tested at once. -EEXIST: the site has one. */
MUST_CHECK int relay_insert(struct store *s, const struct relay *relay);
/* The account and limits, as of `changed_us`; state and tests stay. */
MUST_CHECK int relay_change(struct store *s, const struct relay *relay);
/* state, since_us, why, next_step and failures. */
MUST_CHECK int relay_set_state(struct store *s, const struct relay *relay);
/* When it was tested (0: as before), and when it is to be next. */
MUST_CHECK int relay_set_probed(struct store *s, int64_t id, int64_t probed_us,
                                int64_t next_probe_us);
/* With its tests. Within a transaction; nothing happens if there is none. */
MUST_CHECK int relay_remove(struct store *s, int64_t site_id);

/* One test, for the history. */
struct relay_probe {
    int64_t begun_us;
    struct slice occasion; /* "set", "asked", "daily", "trouble" */
    enum relay_finding finding;
    enum relay_state state; /* after it */
    struct slice why;
    struct slice report; /* JSON */
};
/* Adds it and forgets the oldest. Within a transaction. */
MUST_CHECK int relay_probe_add(struct store *s, const struct relay *relay,
                               const struct relay_probe *probe);
/* The newest first, RELAY_PROBES_SHOWN at most. */
MUST_CHECK int relay_probe_list(struct store *s, struct arena *arena, int64_t relay_id,
                                struct relay_probe **ret, size_t *ret_count);

/* How much of its day one gateway has used, and what keeps it from sending. */
struct relay_use {
    unsigned gateway;
    int64_t version;
    int64_t day_us; /* when the account's day began; 0: nothing was sent */
    uint64_t recipients;
    int64_t closed_until_us; /* a limit is reached until then; 0: none is */
    struct slice closed_why;
    struct slice trouble; /* with the account; empty: none */
    int64_t trouble_since_us;
};
enum { RELAY_USES_MAX = 64 };
MUST_CHECK int relay_use_note(struct store *s, int64_t relay_id, const struct relay_use *use);
MUST_CHECK int relay_use_list(struct store *s, struct arena *arena, int64_t relay_id,
                              struct relay_use **ret, size_t *ret_count);

#endif
