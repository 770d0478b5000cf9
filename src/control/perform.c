#include "control/perform.h"

#include "base/log.h"
#include "control/check.h"
#include "control/json.h"

static void add_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, control_json_text(slice_text(text)));
}

json_t *control_reply_problem(const struct control_problem *problem)
{
    json_t *error = json_object();

    add_text(error, "code", problem->code);
    add_text(error, "field", problem->field);
    add_text(error, "message", problem->message);
    add_text(error, "cure", problem->cure);
    return json_pack("{s:b, s:o}", "ok", 0, "error", error);
}

/* What a request must have besides its input. */
static int check_request(const json_t *request, struct control_problem *problem)
{
    const char *name;
    json_t *value;

    if (!json_is_object(request) || !json_is_string(json_object_get(request, "operation"))) {
        control_problem_set(problem, CONTROL_INVALID, "operation",
                            "Send {\"operation\": \"site.list\", \"input\": {}}.",
                            "The request does not name an operation.");
        return -EINVAL;
    }
    json_object_foreach((json_t *)(uintptr_t)request, name, value)
    {
        if (strcmp(name, "operation") == 0 || strcmp(name, "input") == 0 ||
            strcmp(name, "progress") == 0)
            continue;
        control_problem_set(problem, CONTROL_INVALID, name,
                            "Put the operation's fields into \"input\".",
                            "A request has no field \"%s\".", name);
        return -EINVAL;
    }
    return 0;
}

static int check_caller(const struct control_operation *operation,
                        const struct control_caller *caller, struct control_problem *problem)
{
    if (caller->role >= operation->who)
        return 0;
    control_problem_set(problem, CONTROL_FORBIDDEN, NULL, "Ask an operator to do it.",
                        "%s needs more rights than you have.", operation->name);
    return -EPERM;
}

/* Timeouts and cancellation are met by callers often enough to be told apart from bugs. */
static void explain_failure(const char *name, int error, struct control_problem *problem)
{
    if (error == -ETIMEDOUT) {
        control_problem_set(problem, CONTROL_UNAVAILABLE, NULL,
                            "Look whether all roles are running (letterhead status), then look "
                            "what was done, and try again.",
                            "%s took too long and was given up.", name);
        return;
    }
    if (error == -ECANCELED) {
        control_problem_set(problem, CONTROL_UNAVAILABLE, NULL, "Try again in a moment.",
                            "The service is stopping.");
        return;
    }
    log_error("%s failed: %s", name, strerror(-error));
    control_problem_set(problem, CONTROL_INTERNAL, NULL,
                        "Look into the service's log for the cause.",
                        "%s failed inside Letterhead (%s). Nothing of it was done, or the log says "
                        "what was.",
                        name, strerror(-error));
}

static void audit(const struct control_operation *operation, const struct control_caller *caller,
                  const struct control_call *call)
{
    const char *site = json_string_value(json_object_get(call->input, "site"));

    log_info("audit: %s by %s%s%s: %s", operation->name, caller->name, site ? " for " : "",
             site ? site : "", call->problem.code ? call->problem.code : "done");
}

static void run(struct task *t, const struct control_operation *operation,
                struct control_call *call)
{
    int r = operation->handler(t, call);

    if (r < 0 && !call->problem.code)
        explain_failure(operation->name, r, &call->problem);
    assert(r < 0 || !call->problem.code);
    if (operation->changes)
        audit(operation, call->caller, call);
}

json_t *control_perform(struct task *t, const struct control_set *sets, size_t set_count,
                        const struct control_caller *caller, const json_t *request)
{
    return control_perform_watched(t, sets, set_count, caller, NULL, request);
}

json_t *control_perform_watched(struct task *t, const struct control_set *sets, size_t set_count,
                                const struct control_caller *caller,
                                const struct control_watch *watch, const json_t *request)
{
    struct control_call call = {.caller = caller, .problem = CONTROL_PROBLEM_NONE};
    const struct control_operation *operation = NULL;
    json_t *reply, *none = json_object();
    const char *name;

    call.output = json_object();
    if (json_is_true(json_object_get(request, "progress")))
        call.watch = watch;
    if (check_request(request, &call.problem) == 0) {
        name = json_string_value(json_object_get(request, "operation"));
        call.input = json_object_get(request, "input") ? json_object_get(request, "input") : none;
        operation = control_find(sets, set_count, slice_text(name), &call.context);
        if (!operation)
            control_problem_set(&call.problem, CONTROL_NOT_FOUND, "operation",
                                "letterhead help lists what there is.",
                                "There is no operation \"%.64s\".", name);
    }
    if (operation && check_caller(operation, caller, &call.problem) == 0 &&
        control_check_input(operation, call.input, &call.problem) == 0)
        run(t, operation, &call);

    reply = call.problem.code ? control_reply_problem(&call.problem)
                              : json_pack("{s:b, s:O}", "ok", 1, "output", call.output);
    json_decref(call.output);
    json_decref(none);
    control_problem_done(&call.problem);
    return reply;
}
