#include "store/store.h"

#include "store/driver.h"
#include "store/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct store {
    const struct store_driver *driver;
    struct store_connection *connection;
    struct store_prepared *prepared[STORE_STATEMENTS];
    bool running[STORE_STATEMENTS];
    bool in_transaction;
    int version;
};

static const char MIGRATION_TABLE[] = "CREATE TABLE IF NOT EXISTS migration ("
                                      "number INTEGER NOT NULL PRIMARY KEY,"
                                      "name TEXT NOT NULL,"
                                      "applied_us INTEGER NOT NULL) STRICT";

static int64_t wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const struct store_text *migrations_of(enum store_schema schema)
{
    return schema == STORE_HISTORY ? store_history : store_migrations;
}

static int newest_version(const struct store_text *migrations)
{
    int version = 0;

    while (migrations[version].name)
        version++;
    return version;
}

static int read_version(struct store *s, int *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_MIGRATION_LAST);
    int r = query_step(&q);

    if (r < 0)
        return r;
    *ret = (int)query_int(&q, 0);
    return 0;
}

static int note_migration(struct store *s, int number, const char *name)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_MIGRATION_ADD);

    query_bind_int(&q, number);
    query_bind_text(&q, slice_text(name));
    query_bind_int(&q, wall_us());
    return query_run(&q);
}

/* Another process may have migrated while we waited for the lock, so the version is read again. */
static int migrate_one(struct store *s, const struct store_text *migrations)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    const struct store_text *next;
    int r;

    r = store_transaction_begin(s, &all);
    if (r == 0)
        r = read_version(s, &s->version);
    if (r < 0)
        return r;
    next = &migrations[s->version];
    if (s->version >= newest_version(migrations))
        return 0;
    r = s->driver->script(s->connection, next->sql);
    if (r == 0)
        r = note_migration(s, s->version + 1, next->name);
    if (r == 0)
        r = store_transaction_commit(&all);
    if (r == 0)
        s->version++;
    return r;
}

static int migrate(struct store *s, const struct store_text *migrations, bool read_only)
{
    int newest = newest_version(migrations), r = 0;

    if (!read_only)
        r = s->driver->script(s->connection, MIGRATION_TABLE);
    if (r == 0)
        r = read_version(s, &s->version);
    while (r == 0 && !read_only && s->version < newest)
        r = migrate_one(s, migrations);
    if (r < 0)
        return r;
    return s->version == newest ? 0 : -EPROTONOSUPPORT;
}

static char *migrate_problem(const struct store *s, const char *path, int newest, int error)
{
    char *text = NULL;
    int size;

    if (error != -EPROTONOSUPPORT)
        size = asprintf(&text,
                        "The database %s could not be brought to version %d (it is at %d): %s. "
                        "Nothing was changed by the step that failed.",
                        path, newest, s->version, store_error(s));
    else if (s->version > newest)
        size = asprintf(&text,
                        "The database %s was written by a newer Letterhead: its schema has version "
                        "%d, this one knows up to %d. Install that version again, or restore the "
                        "backup made before the upgrade.",
                        path, s->version, newest);
    else
        size = asprintf(&text,
                        "The database %s has schema version %d, and version %d is needed: start "
                        "the service once, which brings it up to date.",
                        path, s->version, newest);
    if (size < 0)
        abort();
    return text;
}

/* All at once, since a caller on a small stack (a task) may then step through any of them. */
static int prepare_control(struct store *s)
{
    int r = 0;

    for (size_t i = 0; i < STORE_STATEMENTS && r == 0; i++)
        if (!s->prepared[i] && strncmp(store_statement_texts[i].name, "history_", 8) != 0)
            r = s->driver->prepare(s->connection, store_statement_texts[i].sql, &s->prepared[i]);
    return r;
}

int store_open(const struct store_options *options, struct store **ret, char **ret_problem)
{
    CLEANUP(store_close_pointer) struct store *s = base_allocate(sizeof *s);
    const struct store_text *migrations = migrations_of(options->schema);
    int r;

    s->driver = &store_sqlite;
    r = s->driver->open(options, &s->connection, ret_problem);
    if (r < 0)
        return r;
    r = migrate(s, migrations, options->read_only);
    if (r < 0) {
        *ret_problem = migrate_problem(s, options->path, newest_version(migrations), r);
        return r;
    }
    if (options->schema == STORE_CONTROL && prepare_control(s) < 0) {
        *ret_problem = base_duplicate(store_error(s));
        return -EBADMSG;
    }
    *ret = TAKE(s);
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < STORE_STATEMENTS; i++)
        if (s->prepared[i])
            s->driver->finalize(s->prepared[i]);
    if (s->connection)
        s->driver->close(s->connection);
    free(s);
}

void store_close_pointer(struct store **s)
{
    store_close(*s);
}

const char *store_error(const struct store *s)
{
    return s->driver->error(s->connection);
}

int store_schema_version(const struct store *s)
{
    return s->version;
}

int64_t store_changes(const struct store *s)
{
    return s->driver->changes(s->connection);
}

/* A statement that does not prepare is a bug, which store_test shows for each of them; but a
 * damaged file can make one fail as well, and then every step of it says so. */
struct query store_query(struct store *s, enum store_statement statement)
{
    assert(!s->running[statement]);
    if (!s->prepared[statement] &&
        s->driver->prepare(s->connection, store_statement_texts[statement].sql,
                           &s->prepared[statement]) < 0)
        s->prepared[statement] = NULL;
    s->running[statement] = true;
    return (struct query){s, statement, 0};
}

static struct store_prepared *prepared_of(const struct query *q)
{
    return q->store->prepared[q->statement];
}

void query_done(struct query *q)
{
    if (!q->store)
        return;
    if (prepared_of(q))
        q->store->driver->reset(prepared_of(q));
    q->store->running[q->statement] = false;
    q->store = NULL;
}

void query_bind_int(struct query *q, int64_t value)
{
    q->bound++;
    if (prepared_of(q))
        q->store->driver->bind_int(prepared_of(q), q->bound, value);
}

void query_bind_text(struct query *q, struct slice text)
{
    q->bound++;
    if (prepared_of(q))
        q->store->driver->bind_text(prepared_of(q), q->bound, text);
}

void query_bind_blob(struct query *q, struct slice bytes)
{
    q->bound++;
    if (prepared_of(q))
        q->store->driver->bind_blob(prepared_of(q), q->bound, bytes);
}

void query_bind_null(struct query *q)
{
    q->bound++;
    if (prepared_of(q))
        q->store->driver->bind_null(prepared_of(q), q->bound);
}

int query_step(struct query *q)
{
    if (!prepared_of(q))
        return -EBADMSG;
    assert(q->bound == q->store->driver->parameters(prepared_of(q)));
    return q->store->driver->step(prepared_of(q));
}

int query_run(struct query *q)
{
    int r = query_step(q);

    assert(r <= 0);
    return r;
}

bool query_is_null(struct query *q, int column)
{
    return q->store->driver->is_null(prepared_of(q), column);
}

int64_t query_int(struct query *q, int column)
{
    return q->store->driver->column_int(prepared_of(q), column);
}

struct slice query_text(struct query *q, int column)
{
    return q->store->driver->column_text(prepared_of(q), column);
}

struct slice query_blob(struct query *q, int column)
{
    return q->store->driver->column_blob(prepared_of(q), column);
}

int store_new_id(struct store *s, int64_t *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_ID_NEXT);
    int r;

    assert(s->in_transaction);
    r = query_step(&q);
    if (r < 0)
        return r;
    assert(r == 1);
    *ret = query_int(&q, 0);
    return 0;
}

int store_transaction_begin(struct store *s, struct store_transaction *ret)
{
    int r;

    assert(!s->in_transaction);
    r = s->driver->script(s->connection, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    s->in_transaction = true;
    ret->store = s;
    return 0;
}

int store_transaction_commit(struct store_transaction *t)
{
    int r = t->store->driver->script(t->store->connection, "COMMIT");

    if (r < 0)
        return r; /* store_transaction_end rolls back */
    t->store->in_transaction = false;
    t->store = NULL;
    return 0;
}

void store_transaction_end(struct store_transaction *t)
{
    if (!t->store)
        return;
    /* Fails if the database has rolled back by itself (disk full), which is as good. */
    (void)!t->store->driver->script(t->store->connection, "ROLLBACK");
    t->store->in_transaction = false;
    t->store = NULL;
}
