/* What `letterhead inspect` has to say about one thing: built once, shown to people as a sentence
 * with a table under it, or to programs as one line of JSON with the same contents. Text from
 * strangers comes out harmless in both. */
#ifndef LETTERHEAD_APP_INSPECT_REPORT_H
#define LETTERHEAD_APP_INSPECT_REPORT_H

#include "base/slice.h"

#include <jansson.h>
#include <stdio.h>

struct report {
    json_t *json;
    const char *yes, *no; /* how the sentence starts; may be changed after report_init */
};

/* `format` gives one sentence of explanation. */
void report_init(struct report *r, bool accepted, const char *format, ...) PRINTF_LIKE(3, 4);
/* For CLEANUP. */
void report_done(struct report *r);

void report_text(struct report *r, const char *key, struct slice value);
void report_number(struct report *r, const char *key, uint64_t value);
void report_flag(struct report *r, const char *key, bool value);
/* A number beside the limit that it must not pass. */
void report_limit(struct report *r, const char *key, uint64_t value, uint64_t limit);
/* Adds a row {first: ..., second: ...} or, with `second` NULL, a text to the list `key`. */
void report_row(struct report *r, const char *key, const char *first, struct slice first_value,
                const char *second, struct slice second_value);

/* A JSON string; bytes that are not UTF-8 come out as \xNN. */
json_t *report_string(struct slice value);

enum report_form { REPORT_JSON, REPORT_TABLE, REPORT_LINE /* the sentence only */ };

/* Writes it; returns the exit status that goes with it (enum in app/inspect.h). */
int report_print(const struct report *r, enum report_form form, FILE *out);

#endif
