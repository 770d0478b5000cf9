#include "site/suppression_transfer.h"

#include "wire/address.h"
#include "wire/csv.h"
#include "wire/date.h"

enum { COLUMNS_MAX = 32, NO_COLUMN = COLUMNS_MAX };
static const int64_t DAY_US = 86400 * (int64_t)1000000;

struct columns {
    size_t address, reason, text; /* NO_COLUMN: not there */
};

/* One file under way. */
struct reading {
    struct store *store;
    const struct suppression_import *import;
    struct suppression_imported *result;
    struct columns columns;
    struct arena arena; /* of the line at hand */
    struct slice fields[COLUMNS_MAX];
    size_t field_count;
    size_t line;
};

int suppression_address(struct arena *arena, struct slice text, struct slice *ret,
                        const char **ret_why)
{
    struct wire_error error = {0};
    struct address address;

    if (wire_address_parse(arena, slice_trim(text), WIRE_ADDRESS_UTF8 | WIRE_ADDRESS_LITERAL,
                           &address, &error) < 0) {
        *ret_why = error.what;
        return -EBADMSG;
    }
    *ret = suppression_fold(arena, wire_address_text(arena, &address));
    return 0;
}

static struct slice field_of(const struct reading *r, size_t column)
{
    return column < r->field_count ? slice_trim(r->fields[column]) : SLICE_NONE;
}

static size_t find_column(const struct reading *r, struct slice name)
{
    for (size_t i = 0; i < r->field_count; i++)
        if (slice_equal_nocase(slice_trim(r->fields[i]), name))
            return i;
    return NO_COLUMN;
}

static void note_problem(struct reading *r, const char *why, struct slice what)
{
    if (r->result->bad++ < SUPPRESSION_IMPORT_PROBLEMS_MAX)
        buffer_printf(&r->result->problems, "line %zu: \"%.*s\": %s\n", r->line,
                      SLICE_ARG(slice_part(what, 0, 100)), why);
}

static enum suppression_reason reason_of(struct slice text)
{
    if (slice_equal_nocase(text, SLICE("bounce")))
        return SUPPRESSION_BOUNCE;
    if (slice_equal_nocase(text, SLICE("complaint")))
        return SUPPRESSION_COMPLAINT;
    return SUPPRESSION_MANUAL;
}

static int take_line(struct reading *r)
{
    struct suppression suppression = {
        .site_id = r->import->site_id,
        .reason = reason_of(field_of(r, r->columns.reason)),
        .text = field_of(r, r->columns.text),
        .since_us = r->import->now_us,
    };
    struct slice text = field_of(r, r->columns.address);
    const char *why = "";
    bool changed;
    int result;

    if (text.size == 0)
        return 0;
    r->result->lines++;
    if (suppression_address(&r->arena, text, &suppression.address, &why) < 0) {
        note_problem(r, why, text);
        return 0;
    }
    if (suppression.reason == SUPPRESSION_BOUNCE)
        suppression.expires_us = r->import->now_us + SUPPRESSION_BOUNCE_DAYS * DAY_US;
    if (suppression.text.size == 0)
        suppression.text = SLICE("imported");
    result = suppression_put(r->store, &suppression, &changed);
    r->result->taken += result == 0;
    return result;
}

/* True if the first line names columns; otherwise it is one of the addresses. */
static bool take_head(struct reading *r)
{
    r->columns = (struct columns){
        .address = find_column(r, SLICE("address")),
        .reason = find_column(r, SLICE("reason")),
        .text = find_column(r, SLICE("text")),
    };
    if (r->columns.address == NO_COLUMN)
        r->columns.address = find_column(r, SLICE("EmailAddress"));
    if (r->columns.address != NO_COLUMN)
        return true;
    r->columns = (struct columns){0, 1, NO_COLUMN};
    return false;
}

static int take_all(struct reading *r, struct slice text)
{
    int got, result = 0;

    while (result == 0) {
        got = wire_csv_read(&r->arena, &text, r->fields, COLUMNS_MAX, &r->field_count);
        r->line++;
        if (got < 0)
            note_problem(r, "a quotation mark stands where none may", slice_part(text, 0, 100));
        if (got < 1)
            break;
        if (r->field_count > COLUMNS_MAX)
            r->field_count = COLUMNS_MAX;
        if (r->line > 1 || !take_head(r))
            result = take_line(r);
        arena_done(&r->arena);
    }
    return result;
}

int suppression_import(struct store *s, const struct suppression_import *import, struct slice text,
                       struct suppression_imported *ret)
{
    struct reading reading = {.store = s, .import = import, .result = ret};
    int r;

    if (slice_starts(text, SLICE("\xef\xbb\xbf"))) /* spreadsheets put it first */
        text = slice_part(text, 3, text.size);
    r = take_all(&reading, text);
    arena_done(&reading.arena);
    return r == 0 && ret->bad && !import->skip_bad ? -EINVAL : r;
}

void suppression_export_head(struct buffer *csv)
{
    static const struct slice names[] = {{"address", 7}, {"reason", 6},  {"class", 5}, {"since", 5},
                                         {"expires", 7}, {"message", 7}, {"text", 4}};

    wire_csv_write(csv, names, ARRAY_LEN(names));
}

void suppression_export(struct buffer *csv, const struct suppression *x)
{
    char since[WIRE_DATE_ISO_BYTES], expires[WIRE_DATE_ISO_BYTES];
    const struct slice fields[] = {
        x->address,
        slice_text(suppression_reason_name(x->reason)),
        x->class,
        wire_date_iso(x->since_us / 1000000, since),
        x->expires_us ? wire_date_iso(x->expires_us / 1000000, expires) : SLICE_NONE,
        x->message,
        x->text,
    };

    wire_csv_write(csv, fields, ARRAY_LEN(fields));
}
