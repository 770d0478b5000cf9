#include "wire/tag_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void reads_lists(void **state)
{
    struct wire_tag_list list;
    const char *text = " v=1 ;\r\n\ta = x y ; empty=; long_Name2=a=b:c/d\r\n ;";

    (void)state;
    assert_int_equal(wire_tag_list_parse(slice_text(text), &list), 0);
    assert_int_equal(list.count, 4);
    assert_true(slice_equal(*wire_tag_list_find(&list, "v"), SLICE("1")));
    assert_true(slice_equal(*wire_tag_list_find(&list, "a"), SLICE("x y")));
    assert_int_equal(wire_tag_list_find(&list, "empty")->size, 0);
    assert_true(slice_equal(*wire_tag_list_find(&list, "long_Name2"), SLICE("a=b:c/d")));
    assert_null(wire_tag_list_find(&list, "V"));
    assert_null(wire_tag_list_find(&list, "b"));
}

static void judges_lists(void **state)
{
    static const struct {
        struct slice text;
        int result;
    } cases[] = {
        {{"a=1;b=2", 7}, 0},         {{"a=1;", 4}, 0},
        {{"a=1; ", 5}, 0},           {{"a=x\r\n y", 7}, 0},
        {{"d=b\xc3\xbc", 5}, 0},     {{"", 0}, -EBADMSG},
        {{" ", 1}, -EBADMSG},        {{";", 1}, -EBADMSG},
        {{"a=1;;b=2", 8}, -EBADMSG}, {{"a=1;;", 5}, -EBADMSG},
        {{"a", 1}, -EBADMSG},        {{"=1", 2}, -EBADMSG},
        {{"1a=1", 4}, -EBADMSG},     {{"_a=1", 4}, -EBADMSG},
        {{"a-b=1", 5}, -EBADMSG},    {{"a b=1", 5}, -EBADMSG},
        {{"a=x\r\ny", 6}, -EBADMSG}, /* a line end that no blank follows */
        {{"a=x\ny", 5}, -EBADMSG},   {{"a=x\0y", 5}, -EBADMSG},
        {{"a=\x7f", 3}, -EBADMSG},   {{"a=1;b=2;a=1", 11}, -EEXIST},
        {{"a=1;A=1", 7}, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_tag_list list;

        assert_int_equal(wire_tag_list_parse(cases[i].text, &list), cases[i].result);
    }
}

static void bounds_the_number_of_tags(void **state)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct wire_tag_list list;

    (void)state;
    for (int i = 0; i < WIRE_TAGS_MAX; i++)
        buffer_printf(&text, "t%d=x;", i);
    assert_int_equal(wire_tag_list_parse(buffer_slice(&text), &list), 0);
    assert_int_equal(list.count, WIRE_TAGS_MAX);
    buffer_printf(&text, "more=x");
    assert_int_equal(wire_tag_list_parse(buffer_slice(&text), &list), -E2BIG);
}

static void decodes_folded_base64(void **state)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    (void)state;
    assert_int_equal(wire_tag_base64(SLICE("Z m9v\r\n\tYm Fy"), &out), 0);
    assert_true(slice_equal(buffer_slice(&out), SLICE("foobar")));
    assert_int_equal(wire_tag_base64(SLICE("Z m9"), &out), -EINVAL);
    assert_true(slice_equal(buffer_slice(&out), SLICE("foobar")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lists),
        cmocka_unit_test(judges_lists),
        cmocka_unit_test(bounds_the_number_of_tags),
        cmocka_unit_test(decodes_folded_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
