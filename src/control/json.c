#include "control/json.h"

#include "base/log.h"
#include "base/secret.h"
#include "wire/date.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static void wipe_and_free(void *memory)
{
    if (memory)
        secret_wipe(memory, malloc_usable_size(memory));
    free(memory);
}

void control_json_wipe_memory(void)
{
    json_set_alloc_funcs(base_allocate, wipe_and_free);
}

/* The position after the string that begins at `start`. */
static size_t skip_string(struct slice text, size_t start)
{
    size_t i = start + 1;

    while (i < text.size && text.data[i] != '"')
        i += text.data[i] == '\\' ? 2 : 1;
    return i + 1;
}

static int depth_of(struct slice text)
{
    int depth = 0, deepest = 0;

    for (size_t i = 0; i < text.size;) {
        char c = text.data[i];

        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        deepest = depth > deepest ? depth : deepest;
        i = c == '"' ? skip_string(text, i) : i + 1;
    }
    return deepest;
}

int control_json_read(struct slice text, json_t **ret, char **ret_why)
{
    json_error_t error;
    json_t *value;

    if (depth_of(text) > CONTROL_JSON_DEPTH_MAX) {
        *ret_why = base_duplicate("it is nested too deeply");
        return -EINVAL;
    }
    value = json_loadb(text.size ? text.data : "", text.size, JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        if (asprintf(ret_why, "%s (line %d, column %d)", error.text, error.line, error.column) < 0)
            abort();
        return -EINVAL;
    }
    *ret = value;
    return 0;
}

json_t *control_json_text(struct slice text)
{
    json_t *value = json_stringn(text.size ? text.data : "", text.size);
    char *escaped;

    if (value)
        return value;
    escaped = base_allocate(4 * text.size + 1);
    log_escape(text, escaped, 4 * text.size + 1);
    value = json_string(escaped);
    free(escaped);
    return value;
}

json_t *control_json_time(int64_t time_us)
{
    char text[WIRE_DATE_ISO_BYTES];

    if (time_us == 0)
        return json_null();
    wire_date_iso(time_us / 1000000, text);
    return json_string(text);
}
