#include "app/inspect_report.h"

#include "app/inspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Prints a report with one of each kind of member; returns the exit status. */
static int print(bool accepted, enum report_form form, char **ret_text)
{
    CLEANUP(report_done) struct report r = {0};
    size_t size;
    FILE *out = open_memstream(ret_text, &size);
    int status;

    report_init(&r, accepted, "so it %s", "is");
    report_text(&r, "some_text", SLICE("a\x1b[31m\\b"));
    report_text(&r, "raw", SLICE("\xff"));
    report_number(&r, "number", 7);
    report_flag(&r, "flag", true);
    report_limit(&r, "size", 1, 2);
    report_row(&r, "pairs", "k", SLICE("x"), "v", SLICE(" y"));
    report_row(&r, "pairs", "k", SLICE("z"), "v", SLICE(""));
    report_row(&r, "list", NULL, SLICE("one"), NULL, SLICE_NONE);
    status = report_print(&r, form, out);
    fclose(out);
    return status;
}

static void prints_json(void **state)
{
    CLEANUP(base_free_pointer) char *text = NULL;

    (void)state;
    assert_int_equal(print(true, REPORT_JSON, &text), INSPECT_ACCEPTED);
    assert_string_equal(text,
                        "{\"accepted\":true,\"explanation\":\"so it is\","
                        "\"some_text\":\"a\\u001B[31m\\\\b\",\"raw\":\"\\\\xff\",\"number\":7,"
                        "\"flag\":true,\"size\":{\"value\":1,\"limit\":2},"
                        "\"pairs\":[{\"k\":\"x\",\"v\":\" y\"},{\"k\":\"z\",\"v\":\"\"}],"
                        "\"list\":[\"one\"]}\n");
}

static void prints_a_table(void **state)
{
    CLEANUP(base_free_pointer) char *text = NULL;

    (void)state;
    assert_int_equal(print(false, REPORT_TABLE, &text), INSPECT_REFUSED);
    assert_string_equal(text, "Refused: so it is\n"
                              "  Some text           a\\x1b[31m\\b\n"
                              "  Raw                 \\xff\n"
                              "  Number              7\n"
                              "  Flag                yes\n"
                              "  Size                1 of at most 2\n"
                              "  Pairs               x: y\n"
                              "                      z: \n"
                              "  List                one\n");
}

static void prints_a_line(void **state)
{
    CLEANUP(base_free_pointer) char *text = NULL;

    (void)state;
    assert_int_equal(print(true, REPORT_LINE, &text), INSPECT_ACCEPTED);
    assert_string_equal(text, "Accepted: so it is\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_json),
        cmocka_unit_test(prints_a_table),
        cmocka_unit_test(prints_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
