#include "app/inspect_report.h"

#include "app/inspect.h"
#include "base/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

enum { SENTENCE_BYTES = 1024, LABEL_COLUMNS = 20, SHOWN_BYTES = 400 };

/* Harmless text from malloc. A backslash stays as it is: here nobody needs to undo it. */
static char *escaped(struct slice value)
{
    size_t size = value.size * 4 + 5; /* every byte may become four */
    char *text = base_allocate(size), *end = text;

    log_escape(value, text, size);
    for (const char *at = text; *at; at += strncmp(at, "\\x5c", 4) == 0 ? 4 : 1)
        *end++ = *at;
    *end = 0;
    return text;
}

json_t *report_string(struct slice value)
{
    CLEANUP(base_free_pointer) char *harmless = NULL;
    json_t *string = json_stringn(value.data ? value.data : "", value.size);

    if (string)
        return string;
    harmless = escaped(value);
    return json_string(harmless);
}

void report_init(struct report *r, bool accepted, const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    *r = (struct report){json_object(), "Accepted", "Refused"};
    json_object_set_new(r->json, "accepted", json_boolean(accepted));
    json_object_set_new(r->json, "explanation", report_string(slice_text(sentence)));
}

void report_done(struct report *r)
{
    json_decref(r->json);
    r->json = NULL;
}

void report_text(struct report *r, const char *key, struct slice value)
{
    json_object_set_new(r->json, key, report_string(value));
}

void report_number(struct report *r, const char *key, uint64_t value)
{
    json_object_set_new(r->json, key, json_integer((json_int_t)value));
}

void report_flag(struct report *r, const char *key, bool value)
{
    json_object_set_new(r->json, key, json_boolean(value));
}

void report_limit(struct report *r, const char *key, uint64_t value, uint64_t limit)
{
    json_t *pair = json_object();

    json_object_set_new(pair, "value", json_integer((json_int_t)value));
    json_object_set_new(pair, "limit", json_integer((json_int_t)limit));
    json_object_set_new(r->json, key, pair);
}

void report_row(struct report *r, const char *key, const char *first, struct slice first_value,
                const char *second, struct slice second_value)
{
    json_t *list = json_object_get(r->json, key), *row;

    if (!list) {
        list = json_array();
        json_object_set_new(r->json, key, list);
    }
    row = report_string(first_value);
    if (second) {
        json_t *text = row;

        row = json_object();
        json_object_set_new(row, first, text);
        json_object_set_new(row, second, report_string(second_value));
    }
    json_array_append_new(list, row);
}

static struct slice string_slice(const json_t *string)
{
    return slice_of(json_string_value(string), json_string_length(string));
}

/* Text for a terminal, cut where it would fill the screen. */
static void print_string(const json_t *string, FILE *out)
{
    struct slice value = slice_trim(string_slice(string));
    CLEANUP(base_free_pointer) char *text = escaped(slice_part(value, 0, SHOWN_BYTES));

    fprintf(out, "%s%s", text, value.size > SHOWN_BYTES ? "..." : "");
}

static void print_value(const json_t *value, FILE *out);

/* The members of a row, with a limit in words. */
static void print_object(const json_t *object, FILE *out)
{
    const char *key, *separator = "";
    json_t *value;

    if (json_object_get(object, "limit")) {
        fprintf(out, "%" JSON_INTEGER_FORMAT " of at most %" JSON_INTEGER_FORMAT,
                json_integer_value(json_object_get(object, "value")),
                json_integer_value(json_object_get(object, "limit")));
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        fputs(separator, out);
        print_value(value, out);
        separator = ": ";
    }
}

static void print_value(const json_t *value, FILE *out)
{
    if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", out);
    if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_string(value))
        print_string(value, out);
    if (json_is_object(value))
        print_object(value, out);
}

/* "header_bytes" as "Header bytes", and the column where values stand. */
static void print_label(const char *key, FILE *out)
{
    char label[64];

    snprintf(label, sizeof label, "%s", key);
    label[0] = (char)toupper((unsigned char)label[0]);
    for (char *at = label; *at; at++)
        if (*at == '_')
            *at = ' ';
    fprintf(out, "  %-*s", LABEL_COLUMNS, label);
}

static void print_member(const char *key, const json_t *value, FILE *out)
{
    print_label(key, out);
    if (!json_is_array(value)) {
        print_value(value, out);
        fputc('\n', out);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i)
            fprintf(out, "  %-*s", LABEL_COLUMNS, "");
        print_value(json_array_get(value, i), out);
        fputc('\n', out);
    }
}

static void print_table(const struct report *r, FILE *out)
{
    const char *key;
    json_t *value;

    json_object_foreach(r->json, key, value)
    {
        if (strcmp(key, "accepted") != 0 && strcmp(key, "explanation") != 0)
            print_member(key, value, out);
    }
}

int report_print(const struct report *r, enum report_form form, FILE *out)
{
    bool accepted = json_is_true(json_object_get(r->json, "accepted"));

    if (form == REPORT_JSON) {
        json_dumpf(r->json, out, JSON_COMPACT | JSON_ENSURE_ASCII);
        fputc('\n', out);
    } else {
        fprintf(out, "%s: ", accepted ? r->yes : r->no);
        print_string(json_object_get(r->json, "explanation"), out);
        fputc('\n', out);
    }
    if (form == REPORT_TABLE)
        print_table(r, out);
    return accepted ? INSPECT_ACCEPTED : INSPECT_REFUSED;
}
