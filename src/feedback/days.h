/* The files of history, one a day: their names, and which there are. A name is
 * "events-2026-11-23.db", so names sort by date. For this folder only. */
#ifndef LETTERHEAD_FEEDBACK_DAYS_H
#define LETTERHEAD_FEEDBACK_DAYS_H

#include "base/slice.h"

enum { DAY_NAME_BYTES = 21, DAY_PATH_BYTES = 1024, DAYS_MAX = 4000 };

struct day {
    char name[DAY_NAME_BYTES];
};

/* The day of a time (UTC). */
struct day day_of(int64_t time_us);
int day_compare(const struct day *a, const struct day *b);
/* -ENAMETOOLONG */
MUST_CHECK int day_path(const char *directory, const struct day *day,
                        char out[static DAY_PATH_BYTES]);

/* The days that are in the directory, oldest first; the caller frees them. Other files are left
 * alone. */
MUST_CHECK int days_list(const char *directory, struct day **ret, size_t *ret_count);
/* Removes a day with all that belongs to its database. */
MUST_CHECK int day_remove(const char *directory, const struct day *day);

/* Removes a database with all that belongs to it; none there is no error. `path` is that of a day,
 * or a draft of one. */
MUST_CHECK int day_remove_file(const char *path);

#endif
