#include "feedback/history.h"

#include "base/log.h"
#include "feedback/days.h"
#include "feedback/history_inside.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct slice history_key(const struct message_id *id, char out[static HISTORY_KEY_BYTES])
{
    for (int i = 0; i < 6; i++)
        out[i] = (char)(id->ms >> (40 - 8 * i));
    memcpy(out + 6, id->uuid, sizeof id->uuid);
    return slice_of(out, HISTORY_KEY_BYTES);
}

void history_key_read(struct slice key, struct message_id *ret)
{
    *ret = (struct message_id){0};
    for (size_t i = 0; i < 6 && key.size == HISTORY_KEY_BYTES; i++)
        ret->ms = ret->ms << 8 | (unsigned char)key.data[i];
    if (key.size == HISTORY_KEY_BYTES)
        memcpy(ret->uuid, key.data + 6, sizeof ret->uuid);
}

struct history_position *history_position(struct history *h, uint64_t spool_id)
{
    for (size_t i = 0; i < h->position_count; i++)
        if (h->positions[i].spool_id == spool_id)
            return &h->positions[i];
    if (h->position_count == HISTORY_SPOOLS_MAX) { /* the first one was met the longest ago */
        memmove(h->positions, h->positions + 1, (HISTORY_SPOOLS_MAX - 1) * sizeof h->positions[0]);
        h->position_count--;
    }
    h->positions[h->position_count] = (struct history_position){spool_id, 0};
    return &h->positions[h->position_count++];
}

/* The last day that has a spool has its furthest position; a day that begins copies them all. */
static int learn_positions(struct history *h, struct store *s)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_POSITION_LIST);
    int r;

    while ((r = query_step(&q)) == 1) {
        uint64_t sequence = (uint64_t)query_int(&q, 1);
        struct history_position *position = history_position(h, (uint64_t)query_int(&q, 0));

        if (sequence > position->sequence)
            position->sequence = sequence;
    }
    return r;
}

/* A day's file appears with its tables in it, since it may be read at once. What a crash leaves of
 * the draft is no day, and is made anew. */
static int begin_day(const char *path, char **ret_problem)
{
    CLEANUP(store_close_pointer) struct store *s = NULL;
    char draft[DAY_PATH_BYTES + sizeof ".new"];
    const struct store_options options = {draft, STORE_HISTORY, false};
    int r;

    snprintf(draft, sizeof draft, "%s.new", path);
    r = day_remove_file(draft);
    if (r < 0) {
        *ret_problem = base_duplicate(strerror(-r));
        return r;
    }
    r = store_open(&options, &s, ret_problem);
    if (r < 0)
        return r;
    store_close(TAKE(s)); /* which puts the log into the file */
    if (rename(draft, path) == 0)
        return 0;
    r = -errno;
    *ret_problem = base_duplicate(strerror(-r));
    return r;
}

int history_open_day(const struct history *h, const struct day *day, bool read_only,
                     struct store **ret, char **ret_problem)
{
    char path[DAY_PATH_BYTES];
    struct store_options options = {path, STORE_HISTORY, read_only};
    int r = day_path(h->directory, day, path);

    if (r < 0) {
        *ret_problem = base_duplicate("The data directory's path is too long.");
        return r;
    }
    if (!read_only && access(path, F_OK) < 0)
        r = begin_day(path, ret_problem);
    return r == 0 ? store_open(&options, ret, ret_problem) : r;
}

static int learn_day(struct history *h, const struct day *day, char **ret_problem)
{
    CLEANUP(store_close_pointer) struct store *s = NULL;
    int r = history_open_day(h, day, false, &s, ret_problem);

    if (r < 0)
        return r;
    r = learn_positions(h, s);
    if (r < 0)
        *ret_problem = base_duplicate(store_error(s));
    return r;
}

static int learn_all(struct history *h, char **ret_problem)
{
    struct day *days = NULL;
    size_t count = 0;
    int r = days_list(h->directory, &days, &count);

    if (r < 0)
        *ret_problem = base_duplicate(strerror(-r));
    for (size_t i = 0; i < count && r == 0; i++)
        r = learn_day(h, &days[i], ret_problem);
    if (r == 0 && count)
        h->newest = days[count - 1];
    free(days);
    return r;
}

int history_open(const struct history_options *options, struct history **ret, char **ret_problem)
{
    struct history *h = base_allocate(sizeof *h);
    char *why = NULL;
    int r = 0;

    h->directory = base_duplicate(options->directory);
    h->keep_days = options->keep_days;
    if (mkdir(h->directory, 0700) < 0 && errno != EEXIST) {
        r = -errno;
        why = base_duplicate(strerror(errno));
    }
    if (r == 0)
        r = learn_all(h, &why);
    if (r < 0) {
        if (asprintf(ret_problem, "The history of events in %s cannot be opened: %s", h->directory,
                     why) < 0)
            abort();
        free(why);
        history_close(h);
        return r;
    }
    *ret = h;
    return 0;
}

void history_close(struct history *h)
{
    if (!h)
        return;
    store_close(h->store);
    store_close(h->older_store);
    free(h->directory);
    free(h);
}
