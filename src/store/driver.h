/* What a database must be able to do for store/store.h: for this folder only.
 *
 * SQLite is behind it today (store/sqlite.c). PostgreSQL fits the same calls: statements are
 * prepared once, values are bound by position, a row is looked at until the next step. SQL that
 * both understand is the rule: parameters are $1, $2, … in this order, types are INTEGER (64 bits),
 * TEXT and BLOB. */
#ifndef LETTERHEAD_STORE_DRIVER_H
#define LETTERHEAD_STORE_DRIVER_H

#include "store/store.h"

/* A connection and a prepared statement; each driver has its own. */
struct store_connection;
struct store_prepared;

struct store_driver {
    /* On failure *ret_problem (from malloc) says what is wrong, in words for an operator. */
    MUST_CHECK int (*open)(const struct store_options *options, struct store_connection **ret,
                           char **ret_problem);
    void (*close)(struct store_connection *c);
    /* Several statements without parameters: a migration, BEGIN, COMMIT. */
    MUST_CHECK int (*script)(struct store_connection *c, const char *sql);
    MUST_CHECK int (*prepare)(struct store_connection *c, const char *sql,
                              struct store_prepared **ret);
    void (*finalize)(struct store_prepared *p);

    /* Parameters count from 1. Texts and blobs are borrowed until reset. */
    void (*bind_int)(struct store_prepared *p, int parameter, int64_t value);
    void (*bind_text)(struct store_prepared *p, int parameter, struct slice text);
    void (*bind_blob)(struct store_prepared *p, int parameter, struct slice bytes);
    void (*bind_null)(struct store_prepared *p, int parameter);
    int (*parameters)(struct store_prepared *p);
    /* 1: a row; 0: no more; negative errno as in store.h. */
    MUST_CHECK int (*step)(struct store_prepared *p);
    /* Ends the run and forgets what was bound. */
    void (*reset)(struct store_prepared *p);

    /* Columns count from 0. */
    bool (*is_null)(struct store_prepared *p, int column);
    int64_t (*column_int)(struct store_prepared *p, int column);
    struct slice (*column_text)(struct store_prepared *p, int column);
    struct slice (*column_blob)(struct store_prepared *p, int column);

    int64_t (*changes)(struct store_connection *c);
    const char *(*error)(struct store_connection *c);
};

extern const struct store_driver store_sqlite;

#endif
