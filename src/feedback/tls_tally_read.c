/* Reading the tally, on the helper thread for reads. A day's sessions lie in its file of history
 * and, told late, in the next one: both are read and added up. */
#include "base/limits.h"
#include "base/log.h"
#include "feedback/history_inside.h"
#include "feedback/tls_tally.h"

#include <unistd.h>

/* Kinds of one file: as many as are told apart, and one each for the rest. */
enum {
    FILES = 2,
    POLICIES = 3,
    RESULTS = 12,
    FILE_KINDS_MAX = LIMIT_TLS_TALLY_KINDS + POLICIES * RESULTS
};

struct reading {
    const struct history *history;
    struct arena *arena;
    const struct tls_day *day;
    struct slice domain; /* of the kinds; or the one that domains are looked for behind */
    size_t max;          /* domains */
    struct tls_tally *kinds;
    struct tls_tally_domain *domains[FILES];
    size_t count, counts[FILES];
};

/* 1: open; 0: there is no such file. */
static int open_file(const struct reading *reading, size_t number, struct store **ret)
{
    CLEANUP(base_free_pointer) char *problem = NULL;
    struct day day = day_of(reading->day->from_us + (int64_t)number * 86400 * 1000000);
    char path[DAY_PATH_BYTES];
    int r = day_path(reading->history->directory, &day, path);

    if (r < 0 || access(path, F_OK) < 0)
        return r;
    r = history_open_day(reading->history, &day, true, ret, &problem);
    if (r < 0)
        log_error("history: %s", problem);
    return r < 0 ? r : 1;
}

/* --- one domain --- */

static bool is_same_kind(const struct tls_tally *a, const struct tls_tally *b)
{
    return a->policy == b->policy && a->result == b->result &&
           slice_equal(a->mx_host, b->mx_host) && slice_equal(a->sending_ip, b->sending_ip) &&
           slice_equal(a->receiving_ip, b->receiving_ip) && slice_equal(a->reason, b->reason);
}

static void add_kind(struct reading *reading, const struct tls_tally *kind)
{
    for (size_t i = 0; i < reading->count; i++)
        if (is_same_kind(&reading->kinds[i], kind)) {
            reading->kinds[i].sessions += kind->sessions;
            return;
        }
    if (reading->count < FILES * FILE_KINDS_MAX)
        reading->kinds[reading->count++] = *kind;
}

static int read_kinds(struct reading *reading, struct store *s)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_TLS_LIST);
    int r;

    query_bind_text(&q, slice_text(reading->day->text));
    query_bind_text(&q, reading->domain);
    while ((r = query_step(&q)) == 1) {
        const struct tls_tally kind = {
            .policy = (enum wire_tls_policy)query_int(&q, 0),
            .result = (enum wire_tls_result)query_int(&q, 1),
            .mx_host = arena_copy(reading->arena, query_text(&q, 2)),
            .sending_ip = arena_copy(reading->arena, query_text(&q, 3)),
            .receiving_ip = arena_copy(reading->arena, query_text(&q, 4)),
            .reason = arena_copy(reading->arena, query_text(&q, 5)),
            .sessions = query_int(&q, 6),
        };

        add_kind(reading, &kind);
    }
    return r;
}

static int gather_kinds(void *argument)
{
    struct reading *reading = argument;
    int r = 0;

    for (size_t i = 0; i < FILES && r == 0; i++) {
        CLEANUP(store_close_pointer) struct store *s = NULL;

        r = open_file(reading, i, &s);
        if (r == 1)
            r = read_kinds(reading, s);
    }
    return r;
}

int tls_tally_kinds(struct task *t, struct history *h, struct arena *arena,
                    const struct tls_day *day, struct slice domain, struct tls_tally **ret,
                    size_t *ret_count)
{
    struct reading reading = {.history = h, .arena = arena, .day = day, .domain = domain};
    int r;

    reading.kinds = ARENA_ARRAY(arena, struct tls_tally, FILES * FILE_KINDS_MAX);
    r = task_offload(t, TASK_LANE_READ, gather_kinds, &reading);
    if (r < 0)
        return r;
    *ret = reading.kinds;
    *ret_count = reading.count;
    return 0;
}

/* --- the domains --- */

static int read_domains(struct reading *reading, struct store *s, size_t number)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_TLS_DOMAINS);
    struct tls_tally_domain *found = reading->domains[number];
    int r;

    query_bind_text(&q, slice_text(reading->day->text));
    query_bind_text(&q, reading->domain);
    query_bind_int(&q, (int64_t)reading->max);
    while ((r = query_step(&q)) == 1)
        found[reading->counts[number]++] = (struct tls_tally_domain){
            arena_copy(reading->arena, query_text(&q, 0)), query_int(&q, 1), query_int(&q, 2)};
    return r;
}

static int gather_domains(void *argument)
{
    struct reading *reading = argument;
    int r = 0;

    for (size_t i = 0; i < FILES && r == 0; i++) {
        CLEANUP(store_close_pointer) struct store *s = NULL;

        r = open_file(reading, i, &s);
        if (r == 1)
            r = read_domains(reading, s, i);
    }
    return r;
}

/* Both lists are in order, and each is whole as far as the first `max` of both go. */
static size_t merge(const struct reading *reading, struct tls_tally_domain *out)
{
    size_t at[FILES] = {0}, count = 0;

    while (count < reading->max && (at[0] < reading->counts[0] || at[1] < reading->counts[1])) {
        const struct tls_tally_domain *a = &reading->domains[0][at[0]];
        const struct tls_tally_domain *b = &reading->domains[1][at[1]];
        int order = at[0] == reading->counts[0]   ? 1
                    : at[1] == reading->counts[1] ? -1
                                                  : slice_compare(a->domain, b->domain);

        out[count] = order <= 0 ? *a : *b;
        if (order == 0) {
            out[count].good += b->good;
            out[count].bad += b->bad;
        }
        at[0] += order <= 0;
        at[1] += order >= 0;
        count++;
    }
    return count;
}

int tls_tally_domains(struct task *t, struct history *h, struct arena *arena,
                      const struct tls_day *day, struct slice after, size_t max,
                      struct tls_tally_domain **ret, size_t *ret_count)
{
    struct reading reading = {
        .history = h, .arena = arena, .day = day, .domain = after, .max = max};
    struct tls_tally_domain *merged = ARENA_ARRAY(arena, struct tls_tally_domain, max);
    int r;

    assert(max > 0 && max <= TLS_TALLY_DOMAINS_MAX);
    for (size_t i = 0; i < FILES; i++)
        reading.domains[i] = ARENA_ARRAY(arena, struct tls_tally_domain, max);
    r = task_offload(t, TASK_LANE_READ, gather_domains, &reading);
    if (r < 0)
        return r;
    *ret = merged;
    *ret_count = merge(&reading, merged);
    return 0;
}
