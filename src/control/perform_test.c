#include "control/perform.h"

#include "base/log.h"
#include "control/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Gives back what it was given, so that the tests see what a handler sees. */
static int echo(struct task *t, struct control_call *call)
{
    (void)t;
    json_object_set_new(call->output, "context", json_string(call->context));
    json_object_set_new(call->output, "text", control_json_text(control_text(call, "text")));
    json_object_set_new(call->output, "number", json_integer(control_number(call, "number", 42)));
    json_object_set_new(call->output, "flag", json_boolean(control_flag(call, "flag")));
    for (size_t i = 0; i < control_texts_count(call, "texts"); i++)
        json_object_set_new(call->output, "last",
                            control_json_text(control_texts_at(call, "texts", i)));
    return 0;
}

static int refuse(struct task *t, struct control_call *call)
{
    (void)t;
    return control_refuse(call, CONTROL_EXISTS, "text", "Take another.", "There is a %s.", "one");
}

static int give_up(struct task *t, struct control_call *call)
{
    (void)t;
    return (int)control_number(call, "number", 0);
}

static const struct control_field fields[] = {
    {.name = "text", .type = CONTROL_TEXT, .max = 100},
    {.name = "number", .type = CONTROL_NUMBER, .min = -200, .max = 100},
    {.name = "flag", .type = CONTROL_FLAG},
    {.name = "texts", .type = CONTROL_TEXTS, .max = 10, .count_max = 5},
    {NULL},
};

static const struct control_operation first[] = {
    {.name = "test.echo", .who = CONTROL_VIEWER, .input = fields, .handler = echo},
    {.name = "test.refuse", .who = CONTROL_OPERATOR, .input = fields, .handler = refuse},
};
static const struct control_operation second[] = {
    {.name = "test.fail", .who = CONTROL_OPERATOR, .input = fields, .handler = give_up},
};
static char one[] = "one", two[] = "two";
static const struct control_set sets[] = {
    {first, ARRAY_LEN(first), one},
    {second, ARRAY_LEN(second), two},
};

static json_t *perform(enum control_role role, const char *request)
{
    struct control_caller caller = {.role = role, .name = "uid 1"};
    json_t *parsed = json_loads(request, 0, NULL), *reply;

    assert_non_null(parsed);
    reply = control_perform(NULL, sets, ARRAY_LEN(sets), &caller, parsed);
    json_decref(parsed);
    return reply;
}

static void hands_the_input_to_the_handler(void **state)
{
    json_t *reply = perform(CONTROL_VIEWER, "{\"operation\": \"test.echo\", \"input\": {\"text\": "
                                            "\"x\", \"flag\": true, \"texts\": [\"a\", \"b\"]}}");
    json_t *wanted =
        json_loads("{\"ok\": true, \"output\": {\"context\": \"one\", \"text\": \"x\", "
                   "\"number\": 42, \"flag\": true, \"last\": \"b\"}}",
                   0, NULL);

    (void)state;
    assert_true(json_equal(reply, wanted));
    json_decref(reply);
    json_decref(wanted);
}

static void says_why_not(void **state)
{
    static const struct {
        enum control_role role;
        const char *request;
        const char *code;
        const char *field; /* NULL: none */
        const char *message;
    } cases[] = {
        {CONTROL_OPERATOR, "[]", CONTROL_INVALID, "operation", "does not name"},
        {CONTROL_OPERATOR, "{\"operation\": 7}", CONTROL_INVALID, "operation", "does not name"},
        {CONTROL_OPERATOR, "{\"operation\": \"no.such\"}", CONTROL_NOT_FOUND, "operation",
         "no.such"},
        {CONTROL_OPERATOR, "{\"operation\": \"test.echo\", \"text\": \"x\"}", CONTROL_INVALID,
         "text", "no field"},
        {CONTROL_OPERATOR, "{\"operation\": \"test.echo\", \"input\": {\"txt\": \"x\"}}",
         CONTROL_INVALID, "txt", "no field"},
        {CONTROL_OPERATOR, "{\"operation\": \"test.echo\", \"input\": 1}", CONTROL_INVALID, "input",
         "object"},
        {CONTROL_VIEWER, "{\"operation\": \"test.refuse\"}", CONTROL_FORBIDDEN, NULL, "rights"},
        {CONTROL_OPERATOR, "{\"operation\": \"test.refuse\"}", CONTROL_EXISTS, "text",
         "There is a one."},
        {CONTROL_OPERATOR, "{\"operation\": \"test.fail\", \"input\": {\"number\": -5}}",
         CONTROL_INTERNAL, NULL, "Input/output error"},
        {CONTROL_OPERATOR, "{\"operation\": \"test.fail\", \"input\": {\"number\": -110}}",
         CONTROL_UNAVAILABLE, NULL, "too long"},
    };

    (void)state;
    static_assert(ETIMEDOUT == 110 && EIO == 5, "the numbers in the requests");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *reply = perform(cases[i].role, cases[i].request);
        json_t *error = json_object_get(reply, "error"), *field = json_object_get(error, "field");

        assert_true(json_is_false(json_object_get(reply, "ok")));
        assert_string_equal(json_string_value(json_object_get(error, "code")), cases[i].code);
        assert_non_null(
            strstr(json_string_value(json_object_get(error, "message")), cases[i].message));
        assert_true(json_string_length(json_object_get(error, "cure")) > 0);
        assert_int_equal(field != NULL, cases[i].field != NULL);
        if (field)
            assert_string_equal(json_string_value(field), cases[i].field);
        json_decref(reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_the_input_to_the_handler),
        cmocka_unit_test(says_why_not),
    };

    log_init("test", LOG_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
