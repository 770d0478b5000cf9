#include "feedback/operations.h"

#include "control/json.h"
#include "feedback/explain.h"
#include "queue/remote.h"
#include "queue/words.h"
#include "runtime/peer_group.h"
#include "site/service.h"
#include "wire/ipc.h"
#include "wire/tls_session.h"

enum { LIST_DEFAULT = 20, GATEWAY_WAIT_S = 2 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static void add_id(json_t *object, const char *name, const struct message_id *id)
{
    char text[MESSAGE_ID_LENGTH + 1];

    message_id_format(id, text);
    json_object_set_new(object, name, json_string(text));
}

/* A removed site keeps its name here. */
static void add_site(struct feedback_service *service, struct arena *arena, json_t *object,
                     uint64_t site_id)
{
    struct site site;

    if (site_find_by_id(service->store, arena, (int64_t)site_id, &site) == 0)
        add_text(object, "site", site.name);
    else
        json_object_set_new(object, "site", json_null());
}

/* --- message.show --- */

/* What its gateway says of each recipient now; nothing when none of them knows or answers. */
static void ask_gateways(struct task *t, struct feedback_service *service,
                         const struct message_id *id, struct peer_answers *answers,
                         struct queue_list_reply *ret)
{
    const struct queue_list_request request = {.id = *id, .max = QUEUE_LIST_MAX};
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct queue_list_reply reply;
    int r;

    *ret = (struct queue_list_reply){0};
    queue_list_request_write(&body, &request);
    r = peer_group_call(t, service->gateways, IPC_QUEUE_LIST, buffer_slice(&body),
                        GATEWAY_WAIT_S * SECOND_US, answers);
    for (size_t i = 0; i < service->gateways->count && r == 0; i++)
        if (answers->of[i].result == 0 &&
            queue_list_reply_read(buffer_slice(&answers->of[i].reply), &reply) == 0 && reply.count)
            *ret = reply;
}

static struct explain_now now_of(const struct queue_list_reply *live, uint32_t recipient)
{
    struct slice entries = live->entries;
    struct queue_list_entry entry;

    while (queue_list_entry_read(&entries, &entry))
        if (entry.recipient == recipient)
            return (struct explain_now){entry.state == QUEUE_ENTRY_READY,
                                        entry.state == QUEUE_ENTRY_BUSY,
                                        entry.state == QUEUE_ENTRY_PAUSED, entry.holding};
    return (struct explain_now){0};
}

static json_t *describe_recipient(const struct timeline *l, size_t i,
                                  const struct queue_list_reply *live)
{
    const struct timeline_recipient *recipient = &l->recipients[i];
    struct explain_now now = now_of(live, (uint32_t)i);
    struct explanation explanation = explain_recipient(l, recipient, &now);
    json_t *object = json_object();

    add_text(object, "address", recipient->address);
    json_object_set_new(object, "state", json_string(timeline_state_name(recipient->state)));
    json_object_set_new(object, "since", control_json_time(recipient->since_us));
    json_object_set_new(object, "attempts", json_integer(recipient->attempts));
    json_object_set_new(object, "due", control_json_time(recipient->due_us));
    add_text(object, "why", explanation.why);
    add_text(object, "next_step", explanation.next_step);
    return object;
}

/* What was found out about the hosts' TLS on the way, good or bad. */
static json_t *describe_sessions(struct slice sessions)
{
    struct wire_tls_session session;
    json_t *list = json_array();

    while (wire_tls_session_read(&sessions, &session)) {
        json_t *object = json_object();

        json_object_set_new(object, "policy", json_string(wire_tls_policy_name(session.policy)));
        json_object_set_new(
            object, "result",
            json_string(session.result ? wire_tls_result_name(session.result) : "success"));
        add_text(object, "host", session.mx_host);
        add_text(object, "reason", session.reason);
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *describe_event(const struct timeline *l, const struct queue_event *event)
{
    json_t *object = json_object();

    json_object_set_new(object, "time", control_json_time(event->time_us));
    json_object_set_new(object, "event", json_string(queue_event_name(event->type)));
    if (event->type == QUEUE_EVENT_ACCEPTED)
        return object;
    if (event->recipient < l->recipient_count)
        add_text(object, "recipient", l->recipients[event->recipient].address);
    if (event->attempts && event->remote.size + event->reply_code > 0)
        json_object_set_new(object, "attempt", json_integer(event->attempts));
    if (event->remote.size)
        add_text(object, "remote", event->remote);
    if (event->tls.size)
        add_text(object, "tls", event->tls);
    if (event->tls_sessions.size)
        json_object_set_new(object, "tls_sessions", describe_sessions(event->tls_sessions));
    if (event->signed_by.size)
        add_text(object, "signed_by", event->signed_by);
    if (event->reply_code)
        json_object_set_new(object, "reply_code", json_integer(event->reply_code));
    if (event->enhanced[0])
        json_object_set_new(
            object, "enhanced",
            json_sprintf("%u.%u.%u", event->enhanced[0], event->enhanced[1], event->enhanced[2]));
    add_text(object, "text", event->text);
    if (event->due_us)
        json_object_set_new(object, "due", control_json_time(event->due_us));
    if (event->ambiguous)
        json_object_set_new(object, "ambiguous", json_true());
    return object;
}

static json_t *count_states(const struct timeline *l)
{
    size_t counts[TIMELINE_STATES];
    json_t *object = json_object();

    timeline_count(l, counts);
    for (int state = 0; state < TIMELINE_STATES; state++)
        if (counts[state])
            json_object_set_new(object, timeline_state_name((enum timeline_state)state),
                                json_integer((json_int_t)counts[state]));
    return object;
}

/* What list and show both tell. */
static void describe_head(struct feedback_service *service, const struct timeline *l,
                          json_t *object)
{
    add_id(object, "message_id", &l->id);
    add_site(service, l->arena, object, l->site_id);
    json_object_set_new(object, "accepted", control_json_time(l->accepted_us));
    add_text(object, "from", l->header_from);
    add_text(object, "subject", l->subject);
    json_object_set_new(object, "class", json_string(queue_class_word(l->bulk)));
    json_object_set_new(object, "states", count_states(l));
    json_object_set_new(object, "settled", json_boolean(timeline_is_settled(l)));
}

static void describe_whole(struct feedback_service *service, const struct timeline *l,
                           const struct queue_list_reply *live, json_t *object)
{
    json_t *recipients = json_array(), *events = json_array();

    describe_head(service, l, object);
    json_object_set_new(object, "expires", control_json_time(l->expires_us));
    add_text(object, "envelope_from", l->envelope_from);
    json_object_set_new(object, "size", json_integer(l->size));
    json_object_set_new(object, "recipients", recipients);
    for (size_t i = 0; i < l->recipient_count; i++)
        json_array_append_new(recipients, describe_recipient(l, i, live));
    json_object_set_new(object, "events", events);
    for (size_t i = 0; i < l->event_count; i++)
        json_array_append_new(events, describe_event(l, l->events[i]));
    json_object_set_new(object, "events_left_out", json_integer((json_int_t)l->events_left_out));
}

static int read_id(struct control_call *call, const char *field, struct message_id *ret)
{
    if (message_id_parse(control_text(call, field), ret) == 0)
        return 0;
    return control_refuse(call, CONTROL_INVALID, field,
                          "Copy it from the reply to the submission (250 Ok …) or from "
                          "letterhead message list.",
                          "That is not a message id, which has %d characters.", MESSAGE_ID_LENGTH);
}

static int show_message(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(peer_answers_done) struct peer_answers answers = {0};
    struct feedback_service *service = call->context;
    struct queue_list_reply live;
    struct message_id id;
    struct timeline l;
    int r = read_id(call, "message", &id);

    if (r == 0)
        r = history_message(t, service->history, &arena, &id, &l);
    if (r == -ENOENT)
        return control_refuse(call, CONTROL_NOT_FOUND, "message",
                              "If it was accepted just now, look again in a second; if long ago, "
                              "its history has been dropped.",
                              "Nothing is known of this message.");
    if (r < 0)
        return r;
    ask_gateways(t, service, &id, &answers, &live);
    describe_whole(service, &l, &live, call->output);
    return 0;
}

/* --- message.list --- */

static int read_listing(struct control_call *call, struct feedback_service *service,
                        struct arena *arena, struct history_listing *ret)
{
    struct site site;
    int r = 0;

    *ret = (struct history_listing){.max = (size_t)control_number(call, "limit", LIST_DEFAULT)};
    if (control_text(call, "site").size) {
        r = site_of_call(service->store, arena, call, &site);
        if (r == 0)
            ret->site_id = (uint64_t)site.id;
    }
    if (r == 0 && control_text(call, "before").size)
        r = read_id(call, "before", &ret->before);
    return r;
}

static int add_message(struct task *t, struct feedback_service *service,
                       const struct message_id *id, json_t *list)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct timeline l;
    json_t *object;
    int r = history_message(t, service->history, &arena, id, &l);

    if (r < 0)
        return r == -ENOENT ? 0 : r; /* its day was dropped meanwhile */
    object = json_object();
    describe_head(service, &l, object);
    add_text(object, "to", l.recipient_count ? l.recipients[0].address : SLICE_NONE);
    json_object_set_new(object, "recipients", json_integer((json_int_t)l.recipient_count));
    json_array_append_new(list, object);
    return 0;
}

static int list_messages(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct feedback_service *service = call->context;
    struct history_listing listing;
    json_t *list = json_array();
    struct message_id *ids;
    size_t count = 0;
    int r = read_listing(call, service, &arena, &listing);

    json_object_set_new(call->output, "messages", list);
    if (r == 0)
        r = history_list(t, service->history, &arena, &listing, &ids, &count);
    for (size_t i = 0; i < count && r == 0; i++)
        r = add_message(t, service, &ids[i], list);
    return r;
}

static const struct control_field list_fields[] = {
    {.name = "site", .type = CONTROL_TEXT, .min = 1, .max = 63, .help = "only this site's"},
    {.name = "limit",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = HISTORY_LIST_MAX,
     .help = "how many, 20 by default"},
    {.name = "before",
     .type = CONTROL_TEXT,
     .min = MESSAGE_ID_LENGTH,
     .max = MESSAGE_ID_LENGTH,
     .help = "only those accepted before this message: the last one of the page before"},
    {NULL},
};

static const struct control_field show_fields[] = {
    {.name = "message",
     .type = CONTROL_TEXT,
     .required = true,
     .positional = true,
     .min = 1,
     .max = 100,
     .help = "the message id, as the reply to the submission named it"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"message.list", "List the newest messages and how they stand", CONTROL_VIEWER, false,
     list_fields,
     "messages[] {message_id, site, accepted, from, to, subject, class, recipients, states, settled}",
     list_messages},
    {"message.show", "Tell a message's story: how it stands, why, and what comes next",
     CONTROL_VIEWER, false, show_fields,
     "message_id, site, accepted, expires, from, envelope_from, subject, class, size, states, "
     "settled, "
     "recipients[] {address, state, since, why, next_step, attempts, due}, events[]",
     show_message},
};

struct control_set feedback_operations(struct feedback_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
