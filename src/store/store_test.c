#include "store/store.h"

#include "store/driver.h"
#include "store/embedded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
    char path[64];
    char database[96];
};

static int make_folder(void **state)
{
    struct folder *f = base_allocate(sizeof *f);

    snprintf(f->path, sizeof f->path, "/tmp/letterhead-store-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->database, sizeof f->database, "%s/control.db", f->path);
    *state = f;
    return 0;
}

static void remove_file(const struct folder *f, const char *suffix)
{
    char path[128];

    snprintf(path, sizeof path, "%s%s", f->database, suffix);
    unlink(path);
}

static int remove_folder(void **state)
{
    struct folder *f = *state;

    remove_file(f, "");
    remove_file(f, "-wal");
    remove_file(f, "-shm");
    assert_int_equal(rmdir(f->path), 0);
    free(f);
    return 0;
}

static struct store *open_store(const char *path, enum store_schema schema)
{
    struct store_options options = {.path = path, .schema = schema};
    char *problem = NULL;
    struct store *s = NULL;

    if (store_open(&options, &s, &problem) < 0)
        fail_msg("%s", problem);
    return s;
}

/* The problem's text when opening fails with `error`. */
static char *open_fails(const char *path, int error)
{
    struct store_options options = {.path = path};
    char *problem = NULL;
    struct store *s = NULL;

    assert_int_equal(store_open(&options, &s, &problem), error);
    assert_null(s);
    assert_non_null(problem);
    return problem;
}

static void run_script(const char *path, const char *sql)
{
    struct store_options options = {.path = path};
    struct store_connection *c;
    char *problem;

    assert_int_equal(store_sqlite.open(&options, &c, &problem), 0);
    assert_int_equal(store_sqlite.script(c, sql), 0);
    store_sqlite.close(c);
}

/* Each fits the schema that it is for. */
static void prepares_every_statement(void **state)
{
    struct store *schemas[] = {open_store(":memory:", STORE_CONTROL),
                               open_store(":memory:", STORE_HISTORY)};

    (void)state;
    for (int i = 0; i < STORE_STATEMENTS; i++) {
        const char *name = store_statement_texts[i].name, *sql = store_statement_texts[i].sql;
        struct store *s =
            schemas[strncmp(name, "history_", 8) == 0 ? STORE_HISTORY : STORE_CONTROL];
        struct query q = store_query(s, (enum store_statement)i);
        long parameters = 0;

        for (const char *at = strchr(sql, '?'); at; at = strchr(at + 1, '?')) {
            long number = strtol(at + 1, NULL, 10);

            parameters = number > parameters ? number : parameters;
        }
        for (long bound = 0; bound < parameters; bound++)
            query_bind_null(&q);
        if (query_step(&q) == -EBADMSG)
            fail_msg("%s: %s", name, store_error(s));
        query_done(&q);
    }
    store_close(schemas[0]);
    store_close(schemas[1]);
}

static void migrates_once_and_keeps_the_file_private(void **state)
{
    struct folder *f = *state;
    struct store *s = open_store(f->database, STORE_CONTROL);
    struct stat status;
    int version = store_schema_version(s);

    assert_true(version >= 1);
    assert_null(store_migrations[version].name);
    store_close(s);
    assert_int_equal(stat(f->database, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);

    s = open_store(f->database, STORE_CONTROL);
    assert_int_equal(store_schema_version(s), version);
    store_close(s);
}

static void refuses_a_newer_schema(void **state)
{
    struct folder *f = *state;
    char *problem;

    store_close(open_store(f->database, STORE_CONTROL));
    run_script(f->database, "INSERT INTO migration VALUES (99, 'later', 0)");
    problem = open_fails(f->database, -EPROTONOSUPPORT);
    assert_non_null(strstr(problem, "newer Letterhead"));
    assert_non_null(strstr(problem, "99"));
    free(problem);
}

static void refuses_what_is_not_ours(void **state)
{
    struct folder *f = *state;
    FILE *file;

    run_script(f->database, "PRAGMA application_id = 7; CREATE TABLE theirs (x)");
    free(open_fails(f->database, -EMEDIUMTYPE));

    file = fopen(f->database, "w");
    fprintf(file, "%1000s", "not a database");
    fclose(file);
    free(open_fails(f->database, -EBADMSG));

    remove_file(f, "");
    assert_int_equal(mkdir(f->database, 0700), 0);
    free(open_fails(f->database, -EISDIR));
    assert_int_equal(rmdir(f->database), 0);
}

static int64_t new_id(struct store *s)
{
    int64_t id;

    assert_int_equal(store_new_id(s, &id), 0);
    return id;
}

static void gives_ids_once(void **state)
{
    struct store *s = open_store(":memory:", STORE_CONTROL);
    struct store_transaction all = STORE_TRANSACTION_NONE;

    (void)state;
    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(new_id(s), 1);
    assert_int_equal(new_id(s), 2);
    assert_int_equal(store_transaction_commit(&all), 0);
    store_transaction_end(&all); /* nothing is left to roll back */

    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(new_id(s), 3);
    store_transaction_end(&all);

    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(new_id(s), 3); /* the 3 was rolled back */
    store_transaction_end(&all);
    store_close(s);
}

static int add_migration(struct store *s, int64_t number, struct slice name)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_MIGRATION_ADD);

    query_bind_int(&q, number);
    query_bind_text(&q, name);
    query_bind_int(&q, 0);
    return query_run(&q);
}

static void says_which_constraint_fails(void **state)
{
    struct store *s = open_store(":memory:", STORE_CONTROL);

    (void)state;
    assert_int_equal(add_migration(s, 50, SLICE("once")), 0);
    assert_int_equal(store_changes(s), 1);
    assert_int_equal(add_migration(s, 50, SLICE("twice")), -EEXIST);
    assert_int_equal(add_migration(s, 51, SLICE_NONE), 0); /* an empty text is not NULL */
    store_close(s);
}

/* Another process, begun before any store is open, that opens and closes one when it is told. */
static pid_t start_visitor(const char *path, int *ret_tell)
{
    int pair[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(pair), 0);
    child = fork();
    if (child == 0) {
        if (read(pair[0], &byte, 1) == 1)
            store_close(open_store(path, STORE_CONTROL));
        _exit(0);
    }
    close(pair[0]);
    *ret_tell = pair[1];
    return child;
}

/* Two stores of one process on one file keep its locks, so that another process that comes and
 * goes does not take itself for the last one, and the WAL away with it. */
static void keeps_its_locks_beside_another_store(void **state)
{
    struct folder *f = *state;
    int tell, status = -1;
    pid_t visitor = start_visitor(f->database, &tell);
    struct store *one = open_store(f->database, STORE_CONTROL);
    struct store *two = open_store(f->database, STORE_CONTROL);
    char path[128];

    assert_int_equal(write(tell, "x", 1), 1);
    assert_int_equal(waitpid(visitor, &status, 0), visitor);
    assert_int_equal(status, 0);
    close(tell);
    snprintf(path, sizeof path, "%s-wal", f->database);
    assert_int_equal(access(path, F_OK), 0);
    store_close(two);
    store_close(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepares_every_statement),
        cmocka_unit_test_setup_teardown(migrates_once_and_keeps_the_file_private, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(refuses_a_newer_schema, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(refuses_what_is_not_ours, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(keeps_its_locks_beside_another_store, make_folder,
                                        remove_folder),
        cmocka_unit_test(gives_ids_once),
        cmocka_unit_test(says_which_constraint_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
