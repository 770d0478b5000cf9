#include "control/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void reads_json_of_bounded_depth(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *why; /* a part of it */
    } cases[] = {
        {"{\"a\": [1, {\"b\": \"c\"}]}", 0, NULL},
        {"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", 0, NULL},
        {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", -EINVAL, "deep"},
        {"{\"a\": \"[[[[[[[[[[[[[[[[[[[[[[[[\"}", 0, NULL},
        {"{\"a\": \"\\\"[[[[[[[[[[[[[[[[[[[[[[\"}", 0, NULL},
        {"[\"\\\\\", [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", -EINVAL, "deep"},
        {"{\"a\": 1, \"a\": 2}", -EINVAL, "duplicate"},
        {"{\"a\": 1} x", -EINVAL, "column"},
        {"", -EINVAL, "column"},
        {"\"open", -EINVAL, "column"},
        {"\"open\\", -EINVAL, "column"},
        {"{\"a\": \"\\u0000\"}", -EINVAL, "column"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *value = NULL;
        char *why = NULL;

        assert_int_equal(control_json_read(slice_text(cases[i].text), &value, &why),
                         cases[i].result);
        assert_int_equal(value != NULL, cases[i].result == 0);
        if (cases[i].why)
            assert_non_null(strstr(why, cases[i].why));
        json_decref(value);
        free(why);
    }
}

static void writes_any_bytes_and_times(void **state)
{
    static const struct {
        struct slice bytes;
        const char *text;
    } cases[] = {
        {{"B\xc3\xbc"
          "cher",
          7},
         "B\xc3\xbc"
         "cher"},
        {{"caf\xe9", 4}, "caf\\xe9"},
        {{NULL, 0}, ""},
    };
    json_t *value;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        value = control_json_text(cases[i].bytes);
        assert_string_equal(json_string_value(value), cases[i].text);
        json_decref(value);
    }
    value = control_json_time(1795467606000000);
    assert_string_equal(json_string_value(value), "2026-11-23T21:00:06Z");
    json_decref(value);
    assert_true(json_is_null(control_json_time(0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_json_of_bounded_depth),
        cmocka_unit_test(writes_any_bytes_and_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
