#include "site/alignment.h"

#include "control/json.h"

enum { POLICY_COLUMNS = 6 };

static void read_policy(struct query *q, struct arena *arena, int column,
                        struct alignment_policy *ret)
{
    struct slice *const members[POLICY_COLUMNS] = {&ret->policy,   &ret->found_at,
                                                   &ret->record,   &ret->dkim_mode,
                                                   &ret->spf_mode, &ret->organization};

    for (int i = 0; i < POLICY_COLUMNS; i++)
        *members[i] = arena_copy(arena, query_text(q, column + i));
}

static void read_row(struct query *q, struct arena *arena, int64_t identity_id,
                     struct alignment *ret)
{
    *ret = (struct alignment){
        .identity_id = identity_id,
        .domain = arena_copy(arena, query_text(q, 0)),
        .state = arena_copy(arena, query_text(q, 1)),
        .since_us = query_int(q, 2),
        .why = arena_copy(arena, query_text(q, 3)),
        .next_step = arena_copy(arena, query_text(q, 4)),
        .trouble = arena_copy(arena, query_text(q, 5)),
        .checked_us = query_int(q, 6),
        .dkim = arena_copy(arena, query_text(q, 7)),
        .spf = arena_copy(arena, query_text(q, 8)),
    };
    read_policy(q, arena, 9, &ret->walk);
    read_policy(q, arena, 9 + POLICY_COLUMNS, &ret->list);
}

int alignment_list(struct store *s, struct arena *arena, int64_t identity_id,
                   struct alignment **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_ALIGNMENT_LIST);
    struct alignment *rows = ARENA_ARRAY(arena, struct alignment, ALIGNMENT_DOMAINS_MAX);
    size_t count = 0;
    int r = 0;

    query_bind_int(&q, identity_id);
    while (count < ALIGNMENT_DOMAINS_MAX && (r = query_step(&q)) == 1)
        read_row(&q, arena, identity_id, &rows[count++]);
    if (r < 0)
        return r;
    *ret = rows;
    *ret_count = count;
    return 0;
}

static void bind_policy(struct query *q, const struct alignment_policy *policy)
{
    query_bind_text(q, policy->policy);
    query_bind_text(q, policy->found_at);
    query_bind_text(q, policy->record);
    query_bind_text(q, policy->dkim_mode);
    query_bind_text(q, policy->spf_mode);
    query_bind_text(q, policy->organization);
}

static int add_row(struct store *s, int64_t identity_id, const struct alignment *row, size_t place)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_ALIGNMENT_ADD);

    query_bind_int(&q, identity_id);
    query_bind_int(&q, (int64_t)place);
    query_bind_text(&q, row->domain);
    query_bind_text(&q, row->state);
    query_bind_int(&q, row->since_us);
    query_bind_text(&q, row->why);
    query_bind_text(&q, row->next_step);
    query_bind_text(&q, row->trouble);
    query_bind_int(&q, row->checked_us);
    query_bind_text(&q, row->dkim);
    query_bind_text(&q, row->spf);
    bind_policy(&q, &row->walk);
    bind_policy(&q, &row->list);
    return query_run(&q);
}

static int run_for(struct store *s, enum store_statement statement, int64_t id)
{
    CLEANUP(query_done) struct query q = store_query(s, statement);

    query_bind_int(&q, id);
    return query_run(&q);
}

int alignment_replace(struct store *s, int64_t identity_id, const struct alignment *rows,
                      size_t count)
{
    int r = run_for(s, STORE_ALIGNMENT_REMOVE, identity_id);

    for (size_t i = 0; i < count && r == 0; i++)
        r = add_row(s, identity_id, &rows[i], i);
    return r;
}

/* --- as JSON --- */

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static void describe_policy(const struct alignment_policy *policy, json_t *object)
{
    add_text(object, "policy", policy->policy);
    add_text(object, "found_at", policy->found_at);
    add_text(object, "record", policy->record);
    add_text(object, "adkim", policy->dkim_mode);
    add_text(object, "aspf", policy->spf_mode);
    add_text(object, "organization", policy->organization);
}

static json_t *describe(const struct alignment *row)
{
    json_t *object = json_object(), *older = json_object();

    add_text(object, "domain", row->domain);
    add_text(object, "state", row->state);
    json_object_set_new(object, "since", control_json_time(row->since_us));
    add_text(object, "why", row->why);
    add_text(object, "next_step", row->next_step);
    add_text(object, "trouble", row->trouble);
    json_object_set_new(object, "checked", control_json_time(row->checked_us));
    add_text(object, "dkim", row->dkim);
    add_text(object, "spf", row->spf);
    describe_policy(&row->walk, object);
    describe_policy(&row->list, older);
    json_object_set_new(object, "older", older);
    return object;
}

json_t *alignments_to_json(const struct alignment *rows, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, describe(&rows[i]));
    return list;
}
