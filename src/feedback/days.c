#include "feedback/days.h"

#include "base/buffer.h"
#include "wire/date.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DATE_CHARACTERS = 10 };

struct day day_of(int64_t time_us)
{
    char date[WIRE_DATE_ISO_BYTES];
    struct day day;

    wire_date_iso(time_us / 1000000, date);
    snprintf(day.name, sizeof day.name, "events-%.*s.db", DATE_CHARACTERS, date);
    return day;
}

int day_compare(const struct day *a, const struct day *b)
{
    return strcmp(a->name, b->name);
}

static int compare_days(const void *a, const void *b)
{
    return day_compare(a, b);
}

int day_path(const char *directory, const struct day *day, char out[static DAY_PATH_BYTES])
{
    int size = snprintf(out, DAY_PATH_BYTES, "%s/%s", directory, day->name);

    return size < DAY_PATH_BYTES ? 0 : -ENAMETOOLONG;
}

/* A template with 0 for any digit. */
static bool is_day(const char *name)
{
    static const char template[] = "events-0000-00-00.db";

    if (strlen(name) != sizeof template - 1)
        return false;
    for (size_t i = 0; i < sizeof template - 1; i++) {
        bool digit = name[i] >= '0' && name[i] <= '9';

        if (template[i] == '0' ? !digit : name[i] != template[i])
            return false;
    }
    return true;
}

int days_list(const char *directory, struct day **ret, size_t *ret_count)
{
    struct buffer found = BUFFER_NONE;
    struct dirent *entry;
    DIR *open = opendir(directory);
    struct day day;

    if (!open)
        return -errno;
    while ((entry = readdir(open)) && found.size / sizeof day < DAYS_MAX) {
        if (!is_day(entry->d_name))
            continue;
        memcpy(day.name, entry->d_name, sizeof day.name);
        buffer_add(&found, slice_of(&day, sizeof day));
    }
    closedir(open);
    *ret_count = found.size / sizeof day;
    *ret = (struct day *)(void *)found.data;
    if (*ret_count)
        qsort(*ret, *ret_count, sizeof day, compare_days);
    return 0;
}

int day_remove_file(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char file[DAY_PATH_BYTES + 16];

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(file, sizeof file, "%s%s", path, suffixes[i]);
        if (unlink(file) < 0 && errno != ENOENT)
            return -errno;
    }
    return 0;
}

int day_remove(const char *directory, const struct day *day)
{
    char path[DAY_PATH_BYTES];
    int r = day_path(directory, day, path);

    return r == 0 ? day_remove_file(path) : r;
}
