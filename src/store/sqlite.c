/* The driver for SQLite: WAL, every commit synced, foreign keys kept, one file that only its owner
 * can read. A database of somebody else's is not touched. */
#include "store/driver.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x4c544844, /* "LTHD", in the file's header */
    BUSY_TIMEOUT_MS = 2000,
    CHECKPOINT_PAGES =
        4000, /* 16 MB of WAL: pages that are written again and again are copied once */
};

struct store_connection {
    sqlite3 *database;
};

static int errno_of(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return -EEXIST;
    default:
        break;
    }
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
        return 0;
    case SQLITE_CONSTRAINT:
        return -EINVAL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CANTOPEN:
        return -ENOENT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
        return -EBADMSG;
    default:
        return -EIO;
    }
}

static int sqlite_script(struct store_connection *c, const char *sql)
{
    if (sqlite3_exec(c->database, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return errno_of(sqlite3_extended_errcode(c->database));
}

static const char *sqlite_error(struct store_connection *c)
{
    return sqlite3_errmsg(c->database);
}

static void sqlite_close(struct store_connection *c)
{
    sqlite3_close(c->database);
    free(c);
}

static int sqlite_prepare(struct store_connection *c, const char *sql, struct store_prepared **ret)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v3(c->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK)
        return errno_of(sqlite3_extended_errcode(c->database));
    *ret = (struct store_prepared *)statement;
    return 0;
}

static sqlite3_stmt *statement_of(struct store_prepared *p)
{
    return (sqlite3_stmt *)p;
}

static void sqlite_finalize(struct store_prepared *p)
{
    sqlite3_finalize(statement_of(p));
}

/* Binding fails for a wrong position (a bug) or a value beyond SQLite's limit of 10^9 bytes. */
static void must(int code)
{
    assert(code == SQLITE_OK);
    (void)code;
}

static void sqlite_bind_int(struct store_prepared *p, int parameter, int64_t value)
{
    must(sqlite3_bind_int64(statement_of(p), parameter, value));
}

/* A NULL pointer would bind NULL, and the empty text is not NULL. */
static void sqlite_bind_text(struct store_prepared *p, int parameter, struct slice text)
{
    must(sqlite3_bind_text64(statement_of(p), parameter, text.size ? text.data : "", text.size,
                             SQLITE_STATIC, SQLITE_UTF8));
}

static void sqlite_bind_blob(struct store_prepared *p, int parameter, struct slice bytes)
{
    must(sqlite3_bind_blob64(statement_of(p), parameter, bytes.size ? bytes.data : "", bytes.size,
                             SQLITE_STATIC));
}

static void sqlite_bind_null(struct store_prepared *p, int parameter)
{
    must(sqlite3_bind_null(statement_of(p), parameter));
}

static int sqlite_parameters(struct store_prepared *p)
{
    return sqlite3_bind_parameter_count(statement_of(p));
}

static int sqlite_step(struct store_prepared *p)
{
    int code = sqlite3_step(statement_of(p));

    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE)
        return 0;
    return errno_of(sqlite3_extended_errcode(sqlite3_db_handle(statement_of(p))));
}

static void sqlite_reset(struct store_prepared *p)
{
    sqlite3_reset(statement_of(p));
    sqlite3_clear_bindings(statement_of(p));
}

static bool sqlite_is_null(struct store_prepared *p, int column)
{
    return sqlite3_column_type(statement_of(p), column) == SQLITE_NULL;
}

static int64_t sqlite_column_int(struct store_prepared *p, int column)
{
    return sqlite3_column_int64(statement_of(p), column);
}

static struct slice sqlite_column_text(struct store_prepared *p, int column)
{
    const void *text = sqlite3_column_text(statement_of(p), column);

    return slice_of(text, (size_t)sqlite3_column_bytes(statement_of(p), column));
}

static struct slice sqlite_column_blob(struct store_prepared *p, int column)
{
    const void *bytes = sqlite3_column_blob(statement_of(p), column);

    return slice_of(bytes, (size_t)sqlite3_column_bytes(statement_of(p), column));
}

static int64_t sqlite_changes(struct store_connection *c)
{
    return sqlite3_changes64(c->database);
}

/* The answer of a pragma that yields one number. */
static int read_number(struct store_connection *c, const char *sql, int64_t *ret)
{
    struct store_prepared *p = NULL;
    int r = sqlite_prepare(c, sql, &p);

    if (r < 0)
        return r;
    r = sqlite_step(p);
    if (r == 1)
        *ret = sqlite_column_int(p, 0);
    sqlite_finalize(p);
    return r < 0 ? r : 0;
}

static int refuse_foreign(struct store_connection *c)
{
    int64_t application = 0, pages = 0;
    int r = read_number(c, "PRAGMA application_id", &application);

    if (r == 0)
        r = read_number(c, "PRAGMA page_count", &pages);
    if (r < 0)
        return r;
    return pages == 0 || application == APPLICATION_ID ? 0 : -EMEDIUMTYPE;
}

static int configure(struct store_connection *c, bool read_only)
{
    int r;

    sqlite3_extended_result_codes(c->database, 1);
    sqlite3_busy_timeout(c->database, BUSY_TIMEOUT_MS);
    sqlite3_wal_autocheckpoint(c->database, CHECKPOINT_PAGES);
    sqlite3_db_config(c->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    r = refuse_foreign(c);
    if (r < 0 || read_only)
        return r;
    static_assert(APPLICATION_ID == 1280591940, "the pragma below says it in decimal");
    return sqlite_script(c, "PRAGMA application_id = 1280591940;"
                            "PRAGMA journal_mode = WAL;"
                            "PRAGMA synchronous = FULL;"
                            "PRAGMA foreign_keys = ON;");
}

/* SQLite would make the file readable for everyone whom the umask allows. The WAL takes its mode
 * from it.
 *
 * A file that is there is not opened: to close it again would drop every lock that this process has
 * on it (fcntl(2)), those of another store's connection too, and the next process to come and go
 * would take away the WAL under them. */
static int make_private(const char *path)
{
    struct stat existing;
    int file;

    if (strcmp(path, ":memory:") == 0)
        return 0;
    file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) {
        close(file);
        return 0;
    }
    if (errno != EEXIST)
        return -errno;
    if (lstat(path, &existing) < 0)
        return -errno;
    if (S_ISDIR(existing.st_mode))
        return -EISDIR;
    return S_ISLNK(existing.st_mode) ? -ELOOP : 0;
}

static char *open_problem(const char *path, int error, const char *detail)
{
    char *text = NULL;
    int size;

    if (error == -EMEDIUMTYPE)
        size = asprintf(&text,
                        "%s is a database, but not one of Letterhead's. Name another file; it was "
                        "not touched.",
                        path);
    else if (error == -EBADMSG)
        size = asprintf(&text,
                        "%s is damaged, or not a database: %s. Restore the last backup; keep the "
                        "damaged file for study.",
                        path, detail);
    else
        size = asprintf(&text,
                        "The database %s cannot be opened: %s. Look at the rights of the file and "
                        "of its folder, and whether the disk is full.",
                        path, detail);
    if (size < 0)
        abort();
    return text;
}

static int sqlite_open(const struct store_options *options, struct store_connection **ret,
                       char **ret_problem)
{
    struct store_connection *c = base_allocate(sizeof *c);
    int flags = options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int r = options->read_only ? 0 : make_private(options->path);

    if (r < 0) {
        *ret_problem = open_problem(options->path, r, strerror(-r));
        free(c);
        return r;
    }
    if (sqlite3_open_v2(options->path, &c->database, flags, NULL) != SQLITE_OK)
        r = errno_of(sqlite3_extended_errcode(c->database));
    if (r == 0)
        r = configure(c, options->read_only);
    if (r < 0) {
        *ret_problem = open_problem(options->path, r, sqlite_error(c));
        sqlite_close(c);
        return r;
    }
    *ret = c;
    return 0;
}

const struct store_driver store_sqlite = {
    .open = sqlite_open,
    .close = sqlite_close,
    .script = sqlite_script,
    .prepare = sqlite_prepare,
    .finalize = sqlite_finalize,
    .bind_int = sqlite_bind_int,
    .bind_text = sqlite_bind_text,
    .bind_blob = sqlite_bind_blob,
    .bind_null = sqlite_bind_null,
    .parameters = sqlite_parameters,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .is_null = sqlite_is_null,
    .column_int = sqlite_column_int,
    .column_text = sqlite_column_text,
    .column_blob = sqlite_column_blob,
    .changes = sqlite_changes,
    .error = sqlite_error,
};
