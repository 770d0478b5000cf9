#include "app/cli_table.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum {
    GAP = 2,               /* between columns */
    SHORTENED_MIN = 8,     /* no column is made narrower */
    FIELD_NAME_WIDTH = 14, /* of cli_field_print */
    CELL_BYTES_MAX = 4096,
};

/* The bytes and the width of the first character; what is no character is a byte of width 1. */
static size_t next_character(struct slice text, size_t *ret_width)
{
    mbstate_t state = {0};
    wchar_t wide;
    size_t size = mbrtowc(&wide, text.data, text.size, &state);
    int width;

    *ret_width = 1;
    if (size == 0 || size > text.size)
        return 1;
    width = wcwidth(wide);
    *ret_width = width < 0 ? 1 : (size_t)width;
    return size;
}

size_t cli_width(struct slice text)
{
    size_t width = 0, one;

    while (text.size) {
        text = slice_part(text, next_character(text, &one), text.size);
        width += one;
    }
    return width;
}

/* As much of the text as fits. */
static struct slice cut_to_width(struct slice text, size_t width)
{
    struct slice rest = text;
    size_t one, size;

    while (rest.size) {
        size = next_character(rest, &one);
        if (one > width)
            break;
        width -= one;
        rest = slice_part(rest, size, rest.size);
    }
    return slice_part(text, 0, text.size - rest.size);
}

void cli_table_init(struct cli_table *table, const char *const *headings)
{
    *table = (struct cli_table){.columns = 0};
    while (headings[table->columns]) {
        assert(table->columns < CLI_COLUMNS_MAX);
        table->headings[table->columns] = headings[table->columns];
        table->columns++;
    }
}

void cli_table_done(struct cli_table *table)
{
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct cli_table){.columns = 0};
}

static char *harmless(struct slice text)
{
    size_t size = 4 * (text.size < CELL_BYTES_MAX ? text.size : CELL_BYTES_MAX) + 1;
    char *escaped = base_allocate(size);

    log_escape(slice_part(text, 0, CELL_BYTES_MAX), escaped, size);
    return escaped;
}

void cli_table_add(struct cli_table *table, struct slice text)
{
    table->cells = base_resize(table->cells, (table->cell_count + 1) * sizeof(char *));
    table->cells[table->cell_count++] = harmless(text);
}

static void measure(const struct cli_table *table, size_t widths[CLI_COLUMNS_MAX])
{
    for (size_t i = 0; i < table->columns; i++)
        widths[i] = cli_width(slice_text(table->headings[i]));
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t width = cli_width(slice_text(table->cells[i])), column = i % table->columns;

        if (width > widths[column])
            widths[column] = width;
    }
}

static size_t widest(const size_t *widths, size_t count)
{
    size_t found = 0;

    for (size_t i = 1; i < count; i++)
        if (widths[i] > widths[found])
            found = i;
    return found;
}

/* Takes a column at a time off the widest, until all fit or all are narrow. */
static void shrink(const struct cli_table *table, size_t width_max, size_t widths[CLI_COLUMNS_MAX])
{
    size_t total = GAP * (table->columns - 1), wide;

    for (size_t i = 0; i < table->columns; i++)
        total += widths[i];
    while (width_max && total > width_max) {
        wide = widest(widths, table->columns);
        if (widths[wide] <= SHORTENED_MIN)
            return;
        widths[wide]--;
        total--;
    }
}

static void write_cell(struct slice text, size_t width, bool last, struct buffer *out)
{
    size_t own = cli_width(text);

    if (own > width) {
        struct slice part = cut_to_width(text, width - 1);

        buffer_add(out, part);
        buffer_add(out, SLICE("…"));
        own = cli_width(part) + 1;
    } else {
        buffer_add(out, text);
    }
    for (; !last && own < width + GAP; own++)
        buffer_add_byte(out, ' ');
}

static void write_row(const struct cli_table *table, const char *const *cells, const size_t *widths,
                      struct buffer *out)
{
    for (size_t i = 0; i < table->columns; i++)
        write_cell(slice_text(cells[i]), widths[i], i + 1 == table->columns, out);
    while (out->size && out->data[out->size - 1] == ' ')
        out->size--;
    buffer_add_byte(out, '\n');
}

void cli_table_write(const struct cli_table *table, size_t width_max, struct buffer *out)
{
    size_t widths[CLI_COLUMNS_MAX];

    assert(table->cell_count % table->columns == 0);
    measure(table, widths);
    shrink(table, width_max, widths);
    write_row(table, table->headings, widths, out);
    for (size_t i = 0; i < table->cell_count; i += table->columns)
        write_row(table, (const char *const *)table->cells + i, widths, out);
}

/* 0: standard output is no terminal, and lines may be as long as they are. */
static size_t terminal_width(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col;
}

void cli_table_print(const struct cli_table *table, const char *empty)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    if (table->cell_count == 0) {
        puts(empty);
        return;
    }
    cli_table_write(table, terminal_width(), &out);
    fwrite(out.data, 1, out.size, stdout);
}

void cli_text_print(struct slice text)
{
    CLEANUP(base_free_pointer) char *escaped = harmless(text);

    fputs(escaped, stdout);
}

/* The part of the text that goes on this line: as many words as fit, at least one. */
static struct slice take_line(struct slice *text, size_t width)
{
    struct slice line = cut_to_width(*text, width);
    ssize_t space;

    if (line.size < text->size) {
        space = slice_find_last(slice_part(*text, 0, line.size + 1), ' ');
        if (space > 0)
            line.size = (size_t)space;
    }
    *text = slice_trim(slice_part(*text, line.size, text->size));
    return line;
}

void cli_field_print(const char *name, struct slice value)
{
    CLEANUP(base_free_pointer) char *escaped = harmless(value);
    struct slice rest = slice_text(escaped), line;
    size_t width = terminal_width();
    bool first = true;

    width = width > FIELD_NAME_WIDTH + 20 ? width - FIELD_NAME_WIDTH : SIZE_MAX;
    while (first || rest.size) {
        line = take_line(&rest, width);
        printf("%-*s%.*s\n", FIELD_NAME_WIDTH, first ? name : "", SLICE_ARG(line));
        first = false;
    }
}
