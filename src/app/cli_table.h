/* Tables and fields for people: columns as wide as their cells (in terminal columns, so that ü
 * and 漢 count as they look), shortened to the width of the terminal. What strangers put into a
 * cell cannot reach the terminal: control characters come out as \xNN. */
#ifndef LETTERHEAD_APP_CLI_TABLE_H
#define LETTERHEAD_APP_CLI_TABLE_H

#include "base/buffer.h"

enum { CLI_COLUMNS_MAX = 12 };

struct cli_table {
    const char *headings[CLI_COLUMNS_MAX]; /* NULL ends them */
    size_t columns;
    char **cells; /* row by row */
    size_t cell_count;
};

/* How wide the text is on a terminal, in columns. */
size_t cli_width(struct slice text);

/* `headings` ends with NULL. */
void cli_table_init(struct cli_table *table, const char *const *headings);
void cli_table_done(struct cli_table *table); /* for CLEANUP */
/* Fills the next cell, from left to right; the text is copied and made harmless. */
void cli_table_add(struct cli_table *table, struct slice text);
/* Adds the lines to `out`; a table wider than width_max (0: no limit) has its widest columns
 * shortened. */
void cli_table_write(const struct cli_table *table, size_t width_max, struct buffer *out);
/* To standard output, as wide as the terminal; says `empty` instead when there are no rows. */
void cli_table_print(const struct cli_table *table, const char *empty);

/* "Name:     value" with the value made harmless and broken into lines at the terminal's width. */
void cli_field_print(const char *name, struct slice value);
/* Prints text made harmless, without a line end. */
void cli_text_print(struct slice text);

#endif
