/* Reads a YAML file by a table of what may stand in it, and names every mistake with its line.
 *
 * The table says for each key: its type, its bounds, its default (as it would be written), and
 * where in the caller's struct the value goes. Unknown, doubled and missing keys, wrong types and
 * values out of bounds are all collected, so that one look mends the file. libyaml parses; this
 * file only compares with the table. */
#ifndef LETTERHEAD_APP_SCHEMA_H
#define LETTERHEAD_APP_SCHEMA_H

#include "base/arena.h"
#include "base/buffer.h"

enum schema_type {
    SCHEMA_TEXT,     /* struct slice */
    SCHEMA_BOOLEAN,  /* bool: true or false */
    SCHEMA_NUMBER,   /* uint64_t between min and max */
    SCHEMA_SIZE,     /* uint64_t bytes: 512, 64KiB, 40MiB, 10GiB */
    SCHEMA_DURATION, /* uint64_t seconds: 30s, 5m, 2h, 4d */
    SCHEMA_CHOICE,   /* int: the index in `choices` */
    SCHEMA_CUSTOM,   /* what `custom` makes of the text */
    SCHEMA_GROUP,    /* a mapping by `fields`, into the same struct */
    SCHEMA_LIST,     /* struct schema_list of items described by fields[0] */
    SCHEMA_LINE, /* size_t: the line where this group begins, for messages; its name is no key */
};

struct schema_list {
    void *items;
    size_t count;
};

struct schema_field {
    const char *name;
    enum schema_type type;
    size_t offset;
    const char
        *fallback;     /* used when the key is absent; NULL: required, "": leave the zeroed value */
    uint64_t min, max; /* NUMBER, SIZE, DURATION: bounds; LIST: of the count. max 0: none */
    const char *const *choices;        /* ended by NULL */
    const struct schema_field *fields; /* GROUP, LIST: ended by a NULL name */
    size_t item_size;                  /* LIST */
    /* Reads `text` into `target`; on -EINVAL the message says `expected`. */
    int (*custom)(struct slice text, void *target);
    const char *expected;
};

/* Reads `text` (the content of `file_name`) into `target`, which is zeroed memory. All values live
 * in the arena. -EINVAL: one or more problems; `problems` has a line for each, "file:line: key:
 * what is wrong; what to do". */
MUST_CHECK int schema_load(struct arena *arena, const char *file_name, struct slice text,
                           const struct schema_field *fields, void *target,
                           struct buffer *problems);

#endif
