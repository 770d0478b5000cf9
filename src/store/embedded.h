/* SQL inside the binary: store/embed.py makes it from statements/ (named, one each), migrations/
 * (the control database) and history/ (a day of events). For this folder only. */
#ifndef LETTERHEAD_STORE_EMBEDDED_H
#define LETTERHEAD_STORE_EMBEDDED_H

#include <stddef.h>

struct store_text {
    const char *name;
    const char *sql;
};

/* In the order of enum store_statement (store/statements.h). */
extern const struct store_text store_statement_texts[];

/* Numbered from 1, ended by a NULL name. */
extern const struct store_text store_migrations[];
extern const struct store_text store_history[];

#endif
