#include "control/check.h"

#include "control/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const colours[] = {"red", "green", NULL};

static const struct control_field fields[] = {
    {.name = "site",
     .type = CONTROL_TEXT,
     .required = true,
     .min = 1,
     .max = 5,
     .help = "the site"},
    {.name = "colour", .type = CONTROL_TEXT, .max = 10, .choices = colours, .help = "a colour"},
    {.name = "limit", .type = CONTROL_NUMBER, .min = 1, .max = 100, .help = "how many"},
    {.name = "wait", .type = CONTROL_FLAG, .help = "wait for it"},
    {.name = "from", .type = CONTROL_TEXTS, .min = 1, .max = 3, .count_max = 2, .help = "from"},
    {NULL},
};

static const struct control_operation operation = {.name = "test.do", .input = fields};

static void tells_the_first_fault_and_its_place(void **state)
{
    static const struct {
        const char *input;
        const char *field; /* NULL: it is taken */
        const char *message;
    } cases[] = {
        {"{\"site\": \"one\"}", NULL, NULL},
        {"{\"site\": \"one\", \"colour\": \"red\", \"limit\": 100, \"wait\": false, \"from\": []}",
         NULL, NULL},
        {"{\"site\": \"one\", \"from\": [\"a\", \"abc\"]}", NULL, NULL},
        {"{}", "site", "missing"},
        {"[]", "input", "object"},
        {"{\"site\": null}", "site", "must be a text"},
        {"{\"site\": 1}", "site", "must be a text"},
        {"{\"site\": \"\"}", "site", "0 bytes; 1 to 5"},
        {"{\"site\": \"longer\"}", "site", "6 bytes"},
        {"{\"site\": \"one\", \"sites\": \"two\"}", "sites", "no field \"sites\""},
        {"{\"site\": \"one\", \"colour\": \"blue\"}", "colour", "none of its values"},
        {"{\"site\": \"one\", \"colour\": \"gree\"}", "colour", "none of its values"},
        {"{\"site\": \"one\", \"limit\": 0}", "limit", "is 0; 1 to 100"},
        {"{\"site\": \"one\", \"limit\": 101}", "limit", "is 101"},
        {"{\"site\": \"one\", \"limit\": 1.5}", "limit", "whole number"},
        {"{\"site\": \"one\", \"limit\": \"7\"}", "limit", "whole number"},
        {"{\"site\": \"one\", \"wait\": \"yes\"}", "wait", "true or false"},
        {"{\"site\": \"one\", \"from\": \"a\"}", "from", "list of texts"},
        {"{\"site\": \"one\", \"from\": [\"a\", \"b\", \"c\"]}", "from", "3 entries"},
        {"{\"site\": \"one\", \"from\": [\"a\", 2]}", "from[1]", "must be a text"},
        {"{\"site\": \"one\", \"from\": [\"a\", \"abcd\"]}", "from[1]", "4 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct control_problem problem = CONTROL_PROBLEM_NONE;
        json_t *input = json_loads(cases[i].input, 0, NULL);
        int r = control_check_input(&operation, input, &problem);

        assert_non_null(input);
        assert_int_equal(r, cases[i].field ? -EINVAL : 0);
        if (cases[i].field) {
            assert_string_equal(problem.code, CONTROL_INVALID);
            assert_string_equal(problem.field, cases[i].field);
            assert_non_null(strstr(problem.message, cases[i].message));
            assert_true(strlen(problem.cure) > 0);
        }
        control_problem_done(&problem);
        json_decref(input);
    }
}

static void takes_no_input_for_an_empty_one(void **state)
{
    static const struct control_field none[] = {{NULL}};
    static const struct control_operation lists = {.name = "test.list", .input = none};
    struct control_problem problem = CONTROL_PROBLEM_NONE;

    (void)state;
    assert_int_equal(control_check_input(&lists, NULL, &problem), 0);
    assert_int_equal(control_check_input(&operation, NULL, &problem), -EINVAL);
    assert_string_equal(problem.field, "site");
    control_problem_done(&problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_first_fault_and_its_place),
        cmocka_unit_test(takes_no_input_for_an_empty_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
