/* The operations on what came back: list, show, reload of the rules. Everything is judged by the
 * rules of this moment; where it was taken for something else when it came, that is shown too. */
#include "control/json.h"
#include "feedback/advice.h"
#include "feedback/history_feedback.h"
#include "feedback/operations.h"
#include "feedback/outcome.h"
#include "site/service.h"

#include <stdlib.h>

enum {
    LIST_DEFAULT = 20,
    LIST_MAX = 200,
    PAGE = 100,
    SCAN_MAX = 2000, /* entries that are looked at for one answer */
};

/* One answer under way. */
struct search {
    struct task *task;
    struct feedback_service *service;
    struct control_call *call;
    struct arena arena, story_arena;
    struct timeline story; /* of the message that was looked at last */
    bool has_story;
    size_t max, looked_at;
    json_t *list;
    struct slice next;
};

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static const char *kind_of(enum queue_event_type type)
{
    switch (type) {
    case QUEUE_EVENT_COMPLAINED:
        return "complaint";
    case QUEUE_EVENT_ANSWERED:
        return "auto-reply";
    case QUEUE_EVENT_SUPPRESSED:
        return "suppressed";
    default:
        return "bounce";
    }
}

static struct feedback_verdict judge(const struct feedback_service *service,
                                     const struct queue_event *event)
{
    switch (event->type) {
    case QUEUE_EVENT_COMPLAINED:
        return (struct feedback_verdict){.class = FEEDBACK_CLASS_COMPLAINT};
    case QUEUE_EVENT_ANSWERED:
        return (struct feedback_verdict){.class = FEEDBACK_CLASS_AUTO_REPLY};
    default:
        return outcome_judge(outcomes_rules(service->outcomes), event);
    }
}

static void describe_verdict(const struct feedback_verdict *verdict, struct slice class_then,
                             json_t *object)
{
    const char *class = feedback_class_name(verdict->class);

    json_object_set_new(object, "class", json_string(class));
    json_object_set_new(object, "class_then",
                        class_then.size && !slice_equal(class_then, slice_text(class))
                            ? control_json_text(class_then)
                            : json_null());
    json_object_set_new(object, "fault",
                        json_string(feedback_fault_name(feedback_class_fault(verdict->class))));
    json_object_set_new(object, "hard", json_boolean(verdict->hard));
    add_text(object, "reason", verdict->reason);
    json_object_set_new(object, "rule_line",
                        verdict->line ? json_integer(verdict->line) : json_null());
    json_object_set_new(object, "what_to_do", json_string(feedback_advice(verdict)));
}

static void describe_words(const struct queue_event *event, json_t *object)
{
    json_object_set_new(object, "reply_code",
                        event->reply_code ? json_integer(event->reply_code) : json_null());
    json_object_set_new(object, "status",
                        event->enhanced[0] ? json_sprintf("%u.%u.%u", event->enhanced[0],
                                                          event->enhanced[1], event->enhanced[2])
                                           : json_null());
    add_text(object, "text", event->text);
    add_text(object, "remote", event->remote);
    json_object_set_new(object, "simulated", json_boolean(event->reason == QUEUE_REASON_SIMULATED));
}

static void add_site(const struct feedback_service *service, struct arena *arena, uint64_t site_id,
                     json_t *object)
{
    struct site site;

    if (site_find_by_id(service->store, arena, (int64_t)site_id, &site) == 0)
        add_text(object, "site", site.name);
    else
        json_object_set_new(object, "site", json_null());
}

static json_t *describe(struct search *s, const struct queue_event *event, struct slice class_then)
{
    const struct timeline *l = &s->story;
    char id[MESSAGE_ID_LENGTH + 1];
    json_t *object = json_object();
    struct feedback_verdict verdict;

    message_id_format(&event->id, id);
    json_object_set_new(object, "time", control_json_time(event->time_us));
    add_site(s->service, &s->story_arena, event->site_id, object);
    json_object_set_new(object, "kind", json_string(kind_of(event->type)));
    json_object_set_new(object, "event", json_string(queue_event_name(event->type)));
    json_object_set_new(object, "message_id", json_string(id));
    add_text(object, "address",
             event->recipient < l->recipient_count ? l->recipients[event->recipient].address
                                                   : SLICE_NONE);
    if (event->type != QUEUE_EVENT_SUPPRESSED) {
        verdict = judge(s->service, event);
        describe_verdict(&verdict, class_then, object);
    }
    describe_words(event, object);
    return object;
}

/* The message's story, unless it is the one at hand. -ENOENT: it is gone with its day. */
static int need_story(struct search *s, const struct message_id *id)
{
    int r;

    if (s->has_story && message_id_compare(&s->story.id, id) == 0)
        return 0;
    arena_done(&s->story_arena);
    s->has_story = false;
    r = history_message(s->task, s->service->history, &s->story_arena, id, &s->story);
    s->has_story = r == 0;
    return r;
}

static const struct queue_event *event_of(const struct timeline *l,
                                          const struct history_feedback *item)
{
    for (size_t i = 0; i < l->event_count; i++)
        if (l->events[i]->sequence == item->sequence && l->events[i]->type == item->type)
            return l->events[i];
    return NULL;
}

static bool is_wanted(const struct search *s, const json_t *object)
{
    struct slice class = control_text(s->call, "class");
    const char *of = json_string_value(json_object_get(object, "class"));

    return class.size == 0 || (of && slice_equal(class, slice_text(of)));
}

static int take(struct search *s, const struct history_feedback *item)
{
    struct slice kind = control_text(s->call, "kind");
    const struct queue_event *event;
    json_t *object;
    int r;

    s->looked_at++;
    if (kind.size && !slice_equal(kind, slice_text(kind_of(item->type))))
        return 0;
    r = need_story(s, &item->id);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    event = event_of(&s->story, item);
    if (!event)
        return 0;
    object = describe(s, event, item->class_then);
    if (is_wanted(s, object))
        json_array_append(s->list, object);
    json_decref(object);
    return 0;
}

/* 1: there may be more. */
static int take_page(struct search *s, struct history_feedback_listing *listing)
{
    struct history_feedback *items;
    size_t count = 0;
    int r = history_feedback_list(s->task, s->service->history, &s->arena, listing, &items, &count);

    for (size_t i = 0; i < count && r == 0; i++) {
        if (json_array_size(s->list) == s->max || s->looked_at == SCAN_MAX) {
            s->next = listing->before;
            return 0;
        }
        r = take(s, &items[i]);
        listing->before = items[i].place;
    }
    return r == 0 ? count == listing->max : r;
}

static int read_listing(struct search *s, struct history_feedback_listing *ret)
{
    struct site site;
    int r = 0;

    *ret =
        (struct history_feedback_listing){.max = PAGE, .before = control_text(s->call, "before")};
    if (control_text(s->call, "site").size == 0)
        return 0;
    r = site_of_call(s->service->store, &s->arena, s->call, &site);
    if (r == 0)
        ret->site_id = (uint64_t)site.id;
    return r;
}

static int list_feedback(struct task *t, struct control_call *call)
{
    struct search s = {.task = t,
                       .service = call->context,
                       .call = call,
                       .max = (size_t)control_number(call, "limit", LIST_DEFAULT),
                       .list = json_array()};
    struct history_feedback_listing listing;
    int r = read_listing(&s, &listing);

    json_object_set_new(call->output, "feedback", s.list);
    if (r == 0)
        r = 1;
    while (r == 1)
        r = take_page(&s, &listing);
    if (r == -EINVAL)
        r = control_refuse(call, CONTROL_INVALID, "before", "Copy it from \"next\".",
                           "That is not a place in the list.");
    json_object_set_new(call->output, "next",
                        s.next.size ? control_json_text(s.next) : json_null());
    arena_done(&s.arena);
    arena_done(&s.story_arena);
    return r;
}

static int refuse_unknown(struct control_call *call, const char *what)
{
    return control_refuse(call, CONTROL_NOT_FOUND, "message",
                          "letterhead feedback list shows what came back, with message ids.", "%s",
                          what);
}

static int show_feedback(struct task *t, struct control_call *call)
{
    struct search s = {.task = t, .service = call->context, .call = call, .list = json_array()};
    struct message_id id;
    int r = 0;

    json_object_set_new(call->output, "feedback", s.list);
    if (message_id_parse(control_text(call, "message"), &id) < 0)
        return refuse_unknown(call, "That is not a message id.");
    r = need_story(&s, &id);
    for (size_t i = 0; r == 0 && i < s.story.event_count; i++)
        if (history_feedback_is(s.story.events[i]->type))
            json_array_append_new(s.list, describe(&s, s.story.events[i], SLICE_NONE));
    arena_done(&s.story_arena);
    if (r == -ENOENT)
        return refuse_unknown(call, "Nothing is known of this message.");
    return r;
}

static int reload_rules(struct task *t, struct control_call *call)
{
    struct feedback_service *service = call->context;
    CLEANUP(base_free_pointer) char *problem = NULL;
    struct feedback_rules *rules;
    int r = service->load_rules(service->context, &rules, &problem);

    if (r == -EINVAL)
        return control_refuse(call, CONTROL_INVALID, NULL,
                              "Correct the file and reload again; the rules of before stay in use.",
                              "The rules file was not taken: %s", problem);
    if (r == 0)
        r = outcomes_set_rules(t, service->outcomes, rules);
    if (r == 0)
        json_object_set_new(call->output, "rules", json_string("reloaded"));
    return r;
}

static const char *const kinds[] = {"bounce", "complaint", "auto-reply", "suppressed", NULL};

static const struct control_field list_fields[] = {
    {.name = "site", .type = CONTROL_TEXT, .min = 1, .max = 63, .help = "only this site's"},
    {.name = "kind",
     .type = CONTROL_TEXT,
     .max = 20,
     .choices = kinds,
     .help = "only bounces, complaints, automatic replies, or what was suppressed"},
    {.name = "class",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = 40,
     .help = "only what is of this class: hard-recipient, block-auth, soft-mailbox and so on"},
    {.name = "limit",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = LIST_MAX,
     .help = "how many, 20 by default"},
    {.name = "before",
     .type = CONTROL_TEXT,
     .min = 3,
     .max = 40,
     .help = "only older ones: what \"next\" of the page before says"},
    {NULL},
};
static const struct control_field show_fields[] = {
    {.name = "message",
     .type = CONTROL_TEXT,
     .required = true,
     .positional = true,
     .min = 1,
     .max = 100,
     .help = "the message id"},
    {NULL},
};
static const struct control_field no_fields[] = {{NULL}};

#define FEEDBACK_OUTPUT                                                                            \
    "feedback[] {time, site, kind, event, message_id, address, class, class_then, fault, hard, "   \
    "reason, rule_line, what_to_do, reply_code, status, text, remote, simulated}"

static const struct control_operation operations[] = {
    {"feedback.list", "List what came back, whose fault it is, and what to do", CONTROL_VIEWER,
     false, list_fields, FEEDBACK_OUTPUT ", next", list_feedback},
    {"feedback.show", "Show what came back for a message", CONTROL_VIEWER, false, show_fields,
     FEEDBACK_OUTPUT, show_feedback},
    {"feedback.reload", "Read the rules for bounces anew", CONTROL_OPERATOR, true, no_fields,
     "rules", reload_rules},
};

struct control_set came_back_operations(struct feedback_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
