#include "control/operation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void control_problem_done(struct control_problem *problem)
{
    free(problem->field);
    free(problem->message);
    free(problem->cure);
    *problem = CONTROL_PROBLEM_NONE;
}

PRINTF_LIKE(5, 0)
static void set_problem(struct control_problem *problem, const char *code, const char *field,
                        const char *cure, const char *message, va_list arguments)
{
    char *text;

    if (vasprintf(&text, message, arguments) < 0)
        abort();
    control_problem_done(problem);
    problem->code = code;
    problem->field = field ? base_duplicate(field) : NULL;
    problem->message = text;
    problem->cure = base_duplicate(cure);
}

void control_problem_set(struct control_problem *problem, const char *code, const char *field,
                         const char *cure, const char *message, ...)
{
    va_list arguments;

    va_start(arguments, message);
    set_problem(problem, code, field, cure, message, arguments);
    va_end(arguments);
}

int control_refuse(struct control_call *call, const char *code, const char *field, const char *cure,
                   const char *message, ...)
{
    va_list arguments;

    va_start(arguments, message);
    set_problem(&call->problem, code, field, cure, message, arguments);
    va_end(arguments);
    return -ENOMSG;
}

void control_progress(struct task *t, const struct control_call *call, json_t *progress)
{
    if (call->watch)
        call->watch->tell(t, call->watch->context, progress);
    json_decref(progress);
}

const struct control_operation *control_find(const struct control_set *sets, size_t set_count,
                                             struct slice name, void **ret_context)
{
    for (size_t i = 0; i < set_count; i++) {
        for (size_t k = 0; k < sets[i].count; k++) {
            if (!slice_equal(slice_text(sets[i].operations[k].name), name))
                continue;
            *ret_context = sets[i].context;
            return &sets[i].operations[k];
        }
    }
    return NULL;
}

static struct slice text_of(const json_t *value)
{
    return slice_of(json_string_value(value), json_string_length(value));
}

struct slice control_text(const struct control_call *call, const char *field)
{
    return text_of(json_object_get(call->input, field));
}

int64_t control_number(const struct control_call *call, const char *field, int64_t otherwise)
{
    const json_t *value = json_object_get(call->input, field);

    return value ? json_integer_value(value) : otherwise;
}

bool control_flag(const struct control_call *call, const char *field)
{
    return json_is_true(json_object_get(call->input, field));
}

size_t control_texts_count(const struct control_call *call, const char *field)
{
    return json_array_size(json_object_get(call->input, field));
}

struct slice control_texts_at(const struct control_call *call, const char *field, size_t i)
{
    return text_of(json_array_get(json_object_get(call->input, field), i));
}
