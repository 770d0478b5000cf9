/* The database: what must outlive the processes and is not mail on its way (that is the spool).
 *
 * Two kinds of file have the same interface: the control database (sites, identities, keys,
 * credentials), and the files of history, one a day (feedback/history.h). All SQL is in .sql files
 * that are put into the binary: migrations, numbered and only added, and statements, named and
 * prepared once; no statement is ever put together at run time. Behind stands a driver
 * (store/driver.h), SQLite today.
 *
 * Calls do not suspend: they block for the time of a read from the page cache or, in a commit, of
 * one sync. That suits the steward, whose operations are people's; batches of events run on a
 * helper thread with a store of their own. A store is used by one thread at a time, and a
 * transaction never spans a suspension.
 *
 * Errors of every call: -EEXIST a unique value is there already, -EINVAL another constraint, -EBUSY
 * another process holds the database for too long, -ENOSPC, -EROFS, -EIO, -EBADMSG damaged.
 * store_error says more. */
#ifndef LETTERHEAD_STORE_STORE_H
#define LETTERHEAD_STORE_STORE_H

#include "base/slice.h"
#include "store/statements.h"

struct store;

enum store_schema {
    STORE_CONTROL, /* store/migrations */
    STORE_HISTORY, /* store/history */
};

struct store_options {
    const char
        *path; /* created, readable for its owner alone, if it is not there; ":memory:" in tests */
    enum store_schema schema;
    bool read_only; /* it must exist and be of this version */
};

/* Opens, and brings the schema to this version: each missing migration in a transaction of its own.
 * On failure *ret_problem (from malloc, the caller frees) says what happened and what to do.
 * -EPROTONOSUPPORT: made by a newer version. */
MUST_CHECK int store_open(const struct store_options *options, struct store **ret,
                          char **ret_problem);
/* Accept NULL. */
void store_close(struct store *s);
void store_close_pointer(struct store **s); /* for CLEANUP */

/* The last error in the database's words, for logs. */
const char *store_error(const struct store *s);
int store_schema_version(const struct store *s);

/* A run of a named statement:
 *
 *     CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_BY_NAME);
 *     query_bind_text(&q, name);
 *     r = query_step(&q);
 *
 * Values are bound in the order of $1, $2, …; texts are borrowed until query_done. Slices of a row
 * are good until the next step. One run of the same statement at a time (assert). */
struct query {
    struct store *store;
    enum store_statement statement;
    int bound;
};

struct query store_query(struct store *s, enum store_statement statement);
void query_done(struct query *q);

void query_bind_int(struct query *q, int64_t value);
void query_bind_text(struct query *q, struct slice text);
void query_bind_blob(struct query *q, struct slice bytes);
void query_bind_null(struct query *q);

/* 1: a row is there; 0: none (left); negative errno. */
MUST_CHECK int query_step(struct query *q);
/* For statements without rows. */
MUST_CHECK int query_run(struct query *q);

bool query_is_null(struct query *q, int column);
int64_t query_int(struct query *q, int column);       /* NULL is 0 */
struct slice query_text(struct query *q, int column); /* NULL is empty */
struct slice query_blob(struct query *q, int column);

/* Rows that the last INSERT, UPDATE or DELETE touched. */
int64_t store_changes(const struct store *s);

/* A number never given before, for a new row. Within a transaction. */
MUST_CHECK int store_new_id(struct store *s, int64_t *ret);

/* All or nothing: rolled back at the end of the block unless committed.
 *
 *     CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
 *     r = store_transaction_begin(s, &all);
 *     …
 *     return store_transaction_commit(&all); */
struct store_transaction {
    struct store *store;
};
#define STORE_TRANSACTION_NONE ((struct store_transaction){NULL})
MUST_CHECK int store_transaction_begin(struct store *s, struct store_transaction *ret);
MUST_CHECK int store_transaction_commit(struct store_transaction *t);
void store_transaction_end(struct store_transaction *t);

#endif
