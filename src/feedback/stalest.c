#include "feedback/stalest.h"

#include "control/json.h"
#include "queue/words.h"
#include "site/site.h"

json_t *stalest_describe(struct store *store, const struct queue_status *status)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    static const struct message_id none;
    const struct queue_stalest *s = &status->stalest;
    char id[MESSAGE_ID_LENGTH + 1];
    struct site site = {0};
    struct slice waits;

    if (message_id_compare(&s->id, &none) == 0)
        return json_null();
    message_id_format(&s->id, id);
    if (site_find_by_id(store, &arena, (int64_t)s->site_id, &site) < 0)
        site.name = SLICE_NONE; /* removed, or not to be read now */
    waits = queue_wait_words(&arena, s->state, s->due_us, s->holding);
    return json_pack("{s:s, s:o, s:o, s:s, s:I, s:o, s:b}", "message_id", id, "site",
                     control_json_text(site.name), "destination", control_json_text(s->destination),
                     "state", queue_state_word(s->state), "since_s",
                     (json_int_t)status->oldest_without_progress_s, "waits",
                     control_json_text(waits), "lost", s->lost);
}

static json_int_t weight(const json_t *stalest)
{
    json_int_t since_s = json_integer_value(json_object_get(stalest, "since_s"));

    return json_is_true(json_object_get(stalest, "lost")) ? since_s + (1LL << 40) : since_s;
}

const json_t *stalest_first(const json_t *one, const json_t *other)
{
    if (!json_is_object(one))
        return other;
    return json_is_object(other) && weight(other) > weight(one) ? other : one;
}

void stalest_judge(const json_t *stalest, json_t *problems)
{
    json_int_t hours = json_integer_value(json_object_get(stalest, "since_s")) / 3600;

    if (!json_is_true(json_object_get(stalest, "lost")))
        return;
    json_array_append_new(
        problems,
        json_pack("{s:o, s:s}", "message",
                  json_sprintf("Message %s has made no progress for %" JSON_INTEGER_FORMAT
                               " hours, and no limit explains it.",
                               json_string_value(json_object_get(stalest, "message_id")), hours),
                  "cure",
                  "Look at it with letterhead message show, and into the service's log; letterhead "
                  "queue retry tries it again."));
}
