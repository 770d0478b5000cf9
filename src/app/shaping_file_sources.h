/* The part of the shaping file about source addresses: sources, source_pools, warm_up_plans. */
#ifndef LETTERHEAD_APP_SHAPING_FILE_SOURCES_H
#define LETTERHEAD_APP_SHAPING_FILE_SOURCES_H

#include "app/schema.h"
#include "deliver/shaping.h"

struct file_source {
    size_t line;
    struct shaping_source source;
};

struct file_pool {
    size_t line;
    struct slice name;
    struct schema_list addresses, sites; /* struct slice */
};

struct file_plan {
    size_t line;
    struct slice name;
    struct schema_list messages; /* uint64_t */
};

struct file_sources {
    struct schema_list sources; /* struct file_source */
    struct schema_list pools;   /* struct file_pool */
    struct schema_list plans;   /* struct file_plan */
};

/* A name that operators give to something in the file: lower-case letters, digits and dashes, as it
 * stands in pools, holding sentences and commands. For schema_field.custom; the target is a struct
 * slice. */
MUST_CHECK int shaping_file_read_name(struct slice text, void *target);

/* The items of these lists. */
extern const struct schema_field shaping_source_item, shaping_pool_item, shaping_plan_item;

/* Adds what was read to `ret`. */
void shaping_file_sources_of(struct arena *arena, const struct file_sources *file,
                             struct shaping *ret);
/* What the tables cannot say: a line in `problems` for each mistake. */
void shaping_file_sources_check(const char *path, const struct file_sources *file,
                                const struct shaping *s, struct buffer *problems);

#endif
