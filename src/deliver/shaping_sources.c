#include "deliver/shaping_sources.h"

#include "deliver/warm_up.h"

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static void add_number(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void add_pools(json_t *object, const struct shaping *shaping, struct slice address)
{
    CLEANUP(buffer_done) struct buffer names = BUFFER_NONE;

    for (size_t i = 0; i < shaping->pool_count; i++)
        for (size_t j = 0; j < shaping->pools[i].address_count; j++)
            if (slice_equal(shaping->pools[i].addresses[j], address))
                buffer_printf(&names, "%s%.*s", names.size ? " " : "",
                              SLICE_ARG(shaping->pools[i].name));
    add_text(object, "pools", buffer_slice(&names));
}

static void add_why(json_t *object, const struct shaping_source *source, uint64_t today,
                    uint64_t limit)
{
    CLEANUP(buffer_done) struct buffer why = BUFFER_NONE;

    if (!source->plan.size) {
        buffer_add(&why, SLICE("no plan limits it"));
    } else if (limit == WARM_UP_NO_LIMIT) {
        buffer_printf(&why, "its plan %.*s has come to its end", SLICE_ARG(source->plan));
    } else if (limit == 0) {
        buffer_printf(&why, "its plan %.*s begins on ", SLICE_ARG(source->plan));
        warm_up_day_write(&why, source->started_day);
    } else {
        buffer_printf(&why, "day %llu of its plan %.*s allows %llu messages",
                      (unsigned long long)(today - source->started_day + 1),
                      SLICE_ARG(source->plan), (unsigned long long)limit);
    }
    add_text(object, "why", buffer_slice(&why));
}

static void add_plan(json_t *object, const struct shaping *shaping,
                     const struct shaping_source *source, uint64_t today)
{
    CLEANUP(buffer_done) struct buffer started = BUFFER_NONE;
    const struct shaping_plan *plan =
        source->plan.size ? shaping_plan_by_name(shaping, source->plan) : NULL;
    uint64_t limit = warm_up_limit(plan, source->started_day, today);

    if (plan)
        warm_up_day_write(&started, source->started_day);
    add_text(object, "plan", source->plan);
    add_text(object, "started", buffer_slice(&started));
    add_number(object, "day",
               plan && today >= source->started_day ? today - source->started_day + 1 : 0);
    add_number(object, "limit", limit == WARM_UP_NO_LIMIT ? 0 : limit);
    add_why(object, source, today, limit);
}

/* Fills in what was sent on the day; `sources` has an object for each of the shaping's. */
static int add_sent(struct store *store, const struct shaping *shaping, uint64_t today,
                    json_t *sources)
{
    CLEANUP(query_done) struct query q = store_query(store, STORE_SOURCE_SENT_LIST);
    int r;

    query_bind_int(&q, (int64_t)today);
    while ((r = query_step(&q)) > 0) {
        const struct shaping_source *source = shaping_source_by_address(shaping, query_text(&q, 0));

        if (source)
            add_number(json_array_get(sources, (size_t)(source - shaping->sources)), "sent",
                       (uint64_t)query_int(&q, 1));
    }
    return r < 0 ? r : 0;
}

int shaping_sources_list(struct shaping_service *s, int64_t wall_us, json_t *output)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    uint64_t today = warm_up_day(wall_us);
    json_t *sources = json_array();
    struct shaping shaping;
    int r = shaping_read(&arena, buffer_slice(&s->body), &shaping);

    for (size_t i = 0; r == 0 && i < shaping.source_count; i++) {
        json_t *one = json_object();

        add_text(one, "address", shaping.sources[i].address);
        add_text(one, "hostname", shaping.sources[i].hostname);
        add_pools(one, &shaping, shaping.sources[i].address);
        add_number(one, "sent", 0);
        add_plan(one, &shaping, &shaping.sources[i], today);
        json_array_append_new(sources, one);
    }
    if (r == 0)
        r = add_sent(s->store, &shaping, today, sources);
    json_object_set_new(output, "sources", sources);
    return r;
}
