#include "control/server.h"

#include "base/log.h"
#include "control/client.h"
#include "runtime/loop_test.h"

#include <stdio.h>
#include <sys/un.h>
#include <sys/wait.h>

static char path[64];

static int echo(struct task *t, struct control_call *call)
{
    int64_t size = control_number(call, "size", 0);
    char *text = base_allocate((size_t)size + 1);

    memset(text, 'x', (size_t)size);
    json_object_set_new(call->output, "text", json_string(text));
    json_object_set_new(call->output, "caller", json_string(call->caller->name));
    free(text);
    return task_sleep(t, 1000);
}

/* Tells of two steps, and then the sum. */
static int walk(struct task *t, struct control_call *call)
{
    int r = 0;

    for (int i = 1; i <= 2 && r == 0; i++) {
        control_progress(t, call, json_pack("{s:i}", "step", i));
        r = task_sleep(t, 1000);
    }
    json_object_set_new(call->output, "steps", json_integer(2));
    return r;
}

static const struct control_field no_fields[] = {{NULL}};
static const struct control_field fields[] = {
    {.name = "size", .type = CONTROL_NUMBER, .max = 1 << 30},
    {.name = "text", .type = CONTROL_TEXT, .max = 1 << 30},
    {NULL},
};
static const struct control_operation operations[] = {
    {.name = "test.echo", .who = CONTROL_VIEWER, .input = fields, .handler = echo},
    {.name = "test.walk", .who = CONTROL_VIEWER, .input = no_fields, .handler = walk},
};
static const struct control_set set = {operations, ARRAY_LEN(operations), NULL};

static int listen_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(path, sizeof path, "/tmp/letterhead-control-%d", getpid());
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 10), 0);
    return listener;
}

static int serve(struct task *t, void *argument)
{
    const struct control_server_options options = {*(int *)argument, &set, 1};

    return control_serve(t, &options);
}

/* Serves until the child, which is the client, has ended; its exit status is 0 if all was well. */
static int serve_child(struct task *t, void *argument)
{
    pid_t child = *(pid_t *)argument;
    struct scope scope;
    int listener = listen_unix(), status = 0;

    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "serve", serve, &listener), 0);
    while (waitpid(child, &status, WNOHANG) == 0)
        assert_int_equal(task_sleep(t, 1000), 0);
    scope_close(&scope);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The client's process: each mistake has an exit status of its own. */
static void run_with_client(int (*client)(void))
{
    pid_t child;

    snprintf(path, sizeof path, "/tmp/letterhead-control-%d", getpid());
    child = fork();
    if (child == 0)
        _exit(client());
    assert_int_equal(run_tasks(NULL, serve_child, &child), 0);
}

/* The server may not be there yet. */
static json_t *ask(json_t *input)
{
    json_t *reply = NULL;
    char *problem = NULL;
    int r = -ENOENT;

    for (int i = 0; i < 1000 && r == -ENOENT; i++) {
        free(problem);
        usleep(5000);
        r = control_client_call(path, "test.echo", input, &reply, &problem);
    }
    json_decref(input);
    if (r < 0)
        fprintf(stderr, "%s\n", problem);
    return reply;
}

static size_t text_size(const json_t *reply)
{
    return json_string_length(json_object_get(json_object_get(reply, "output"), "text"));
}

static int ask_small_and_large(void)
{
    static const int sizes[] = {0, 10, 100000, 5000000};
    json_t *reply;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        reply = ask(json_pack("{s:i}", "size", sizes[i]));
        if (!reply || text_size(reply) != (size_t)sizes[i])
            return 1 + (int)i;
        json_decref(reply);
    }
    return 0;
}

static void replies_of_any_size_arrive(void **state)
{
    (void)state;
    run_with_client(ask_small_and_large);
}

static int expect_refusal(json_t *input, const char *code)
{
    json_t *reply = ask(input);
    const char *found = json_string_value(json_object_get(json_object_get(reply, "error"), "code"));
    int r = found && strcmp(found, code) == 0 ? 0 : 1;

    json_decref(reply);
    return r;
}

static int ask_too_much(void)
{
    char *text = base_allocate(CONTROL_REQUEST_BYTES_MAX + 1);

    memset(text, 'x', CONTROL_REQUEST_BYTES_MAX);
    if (expect_refusal(json_pack("{s:i}", "size", CONTROL_REPLY_BYTES_MAX), CONTROL_REFUSED) != 0)
        return 1;
    if (expect_refusal(json_pack("{s:s}", "text", text), CONTROL_REFUSED) != 0)
        return 2;
    free(text);
    return 0;
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    run_with_client(ask_too_much);
}

static void add_step(void *context, const json_t *progress)
{
    *(json_int_t *)context += json_integer_value(json_object_get(progress, "step"));
}

/* Who does not ask for it sees the reply alone. */
static int watch_it(void)
{
    json_int_t sum = 0;
    const struct control_client_watch watch = {add_step, &sum}, *const watches[] = {&watch, NULL};
    json_t *input = json_object();

    for (size_t i = 0; i < ARRAY_LEN(watches); i++) {
        CLEANUP(base_free_pointer) char *problem = NULL;
        json_t *reply;

        for (int tries = 0;; tries++) /* the socket may not be there yet */
            if (control_client_call_watched(path, "test.walk", input, watches[i], &reply,
                                            &problem) == 0)
                break;
            else if (tries == 100 || usleep(10000) < 0)
                return 1;
        if (json_integer_value(json_object_get(json_object_get(reply, "output"), "steps")) != 2)
            return 2;
        json_decref(reply);
        if (sum != 3)
            return 3;
    }
    json_decref(input);
    return 0;
}

static void progress_comes_before_the_reply(void **state)
{
    (void)state;
    run_with_client(watch_it);
}

static void who_is_there_is_known(void **state)
{
    struct control_caller caller;
    char expected[64];
    int pair[2];

    (void)state;
    make_pair(SOCK_STREAM, pair);
    assert_int_equal(control_identify(pair[0], &caller), 0);
    snprintf(expected, sizeof expected, "uid %u (process %d)", geteuid(), getpid());
    assert_string_equal(caller.name, expected);
    assert_int_equal(caller.role, CONTROL_OPERATOR);
    close(pair[0]);
    close(pair[1]);
}

static void nobody_there_is_explained(void **state)
{
    char *problem = NULL;
    json_t *reply = NULL, *input = json_object();

    (void)state;
    assert_int_equal(control_client_call("/nowhere", "x", input, &reply, &problem), -ENOENT);
    assert_non_null(strstr(problem, "Is the service running"));
    free(problem);
    json_decref(input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_of_any_size_arrive),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(progress_comes_before_the_reply),
        cmocka_unit_test(who_is_there_is_known),
        cmocka_unit_test(nobody_there_is_explained),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
