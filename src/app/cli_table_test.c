#include "app/cli_table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_table(size_t width_max, const char *const *cells, size_t count,
                         const char *expected)
{
    static const char *const headings[] = {"NAME", "TEXT", "N", NULL};
    CLEANUP(cli_table_done) struct cli_table table;
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    cli_table_init(&table, headings);
    for (size_t i = 0; i < count; i++)
        cli_table_add(&table, slice_text(cells[i]));
    cli_table_write(&table, width_max, &out);
    if (!slice_equal(buffer_slice(&out), slice_text(expected)))
        fail_msg("\n%.*s", SLICE_ARG(buffer_slice(&out)));
}

static void columns_are_as_wide_as_they_look(void **state)
{
    static const char *const cells[] = {"Bücher", "x", "1", "漢字", "y", "22"};

    (void)state;
    assert_table(0, cells, ARRAY_LEN(cells),
                 "NAME    TEXT  N\n"
                 "Bücher  x     1\n"
                 "漢字    y     22\n");
}

static void the_widest_column_is_shortened(void **state)
{
    static const char *const cells[] = {"short", "a long text of many words", "1",
                                        "other", "Größenänderungen überall",  "2"};

    (void)state;
    assert_table(24, cells, ARRAY_LEN(cells),
                 "NAME   TEXT            N\n"
                 "short  a long text o…  1\n"
                 "other  Größenänderun…  2\n");
}

static void nothing_harmful_reaches_the_terminal(void **state)
{
    static const char *const cells[] = {"\x1b[2J", "a\nb\r", "\xff"};

    (void)state;
    assert_table(0, cells, ARRAY_LEN(cells),
                 "NAME     TEXT        N\n"
                 "\\x1b[2J  a\\x0ab\\x0d  \\xff\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_they_look),
        cmocka_unit_test(the_widest_column_is_shortened),
        cmocka_unit_test(nothing_harmful_reaches_the_terminal),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
