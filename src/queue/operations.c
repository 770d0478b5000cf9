#include "queue/operations.h"

#include "control/json.h"
#include "queue/remote.h"
#include "queue/words.h"
#include "runtime/peer.h"
#include "site/service.h"
#include "wire/ipc.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000, GATEWAY_WAIT_S = 10 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

/* Asks the gateway; that it does not answer is told to the caller. */
static int ask(struct task *t, struct control_call *call, uint8_t type, const struct buffer *body,
               struct buffer *reply)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, GATEWAY_WAIT_S * SECOND_US);
    struct queue_service *service = call->context;
    int r = peer_call(t, service->gateway, type, buffer_slice(body), reply);

    if (r != -ETIMEDOUT && r != -EAGAIN)
        return r;
    return control_refuse(call, CONTROL_UNAVAILABLE, NULL,
                          "It is started again by itself; look into the service's log if it does "
                          "not come back.",
                          "The gateway does not answer.");
}

static int read_message(struct control_call *call, struct message_id *ret)
{
    struct slice text = control_text(call, "message");

    *ret = (struct message_id){0};
    if (text.size == 0 || message_id_parse(text, ret) == 0)
        return 0;
    return control_refuse(call, CONTROL_INVALID, "message",
                          "Copy it from letterhead queue list or letterhead message list.",
                          "That is not a message id, which has %d characters.", MESSAGE_ID_LENGTH);
}

/* 0 when no site is named. */
static int read_site(struct control_call *call, uint64_t *ret)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct queue_service *service = call->context;
    struct site site;
    int r;

    *ret = 0;
    if (control_text(call, "site").size == 0)
        return 0;
    r = site_of_call(service->store, &arena, call, &site);
    if (r == 0)
        *ret = (uint64_t)site.id;
    return r;
}

/* --- queue.list --- */

static json_t *describe_entry(struct queue_service *service, const struct queue_list_entry *entry)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    json_t *object = json_object();
    char id[MESSAGE_ID_LENGTH + 1];
    struct site site;

    message_id_format(&entry->id, id);
    json_object_set_new(object, "message_id", json_string(id));
    if (site_find_by_id(service->store, &arena, (int64_t)entry->site_id, &site) == 0)
        add_text(object, "site", site.name);
    add_text(object, "recipient", entry->address);
    add_text(object, "destination", entry->destination);
    json_object_set_new(object, "class", json_string(queue_class_word(entry->bulk)));
    json_object_set_new(object, "state", json_string(queue_state_word(entry->state)));
    add_text(object, "waits",
             queue_wait_words(&arena, entry->state, entry->due_us, entry->holding));
    json_object_set_new(object, "attempts", json_integer(entry->attempts));
    json_object_set_new(object, "reply_code",
                        entry->reply_code ? json_integer(entry->reply_code) : json_null());
    json_object_set_new(object, "accepted", control_json_time(entry->accepted_us));
    json_object_set_new(object, "due", control_json_time(entry->due_us));
    json_object_set_new(object, "expires", control_json_time(entry->expires_us));
    json_object_set_new(object, "size", json_integer(entry->size));
    return object;
}

/* One page; *more when the gateway has others. */
static int list_page(struct task *t, struct control_call *call, struct queue_list_request *request,
                     json_t *list, bool *ret_more)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    struct queue_list_reply page;
    struct queue_list_entry entry;
    int r;

    queue_list_request_write(&body, request);
    r = ask(t, call, IPC_QUEUE_LIST, &body, &reply);
    if (r == 0)
        r = queue_list_reply_read(buffer_slice(&reply), &page);
    if (r < 0)
        return r;
    while (queue_list_entry_read(&page.entries, &entry))
        json_array_append_new(list, describe_entry(call->context, &entry));
    request->after = page.next;
    *ret_more = page.more;
    return 0;
}

static int list_queue(struct task *t, struct control_call *call)
{
    struct queue_list_request request = {.destination = control_text(call, "domain")};
    size_t wanted = (size_t)control_number(call, "limit", LIST_DEFAULT);
    json_t *list = json_array();
    bool more = true;
    int r = read_message(call, &request.id);

    json_object_set_new(call->output, "entries", list);
    if (r == 0)
        r = read_site(call, &request.site_id);
    while (r == 0 && more && json_array_size(list) < wanted) {
        size_t left = wanted - json_array_size(list);

        request.max = left < QUEUE_LIST_MAX ? (uint32_t)left : QUEUE_LIST_MAX;
        r = list_page(t, call, &request, list, &more);
    }
    json_object_set_new(call->output, "more", json_boolean(more));
    return r;
}

/* --- queue.retry, hold, release, cancel --- */

/* Which messages: one, a site's, or all; exactly one of these must be said. */
static int read_choice(struct control_call *call, struct queue_act_request *request)
{
    int r = read_message(call, &request->id);

    if (r == 0)
        r = read_site(call, &request->site_id);
    if (r < 0)
        return r;
    if (control_text(call, "message").size || request->site_id) {
        if (!control_flag(call, "all"))
            return 0;
        return control_refuse(call, CONTROL_INVALID, "all",
                              "Name a message, or a site, or say --all; not two of these.",
                              "It is not clear which messages are meant.");
    }
    if (control_flag(call, "all"))
        return 0;
    return control_refuse(call, CONTROL_INVALID, "message",
                          "Name them: --message ID, or --site NAME, or --all.",
                          "It was not said which messages are meant.");
}

static struct slice describe_reason(struct arena *arena, const struct control_call *call)
{
    struct slice why = control_text(call, "why");

    return arena_printf(arena, "by an operator, %s%s%.*s", call->caller->name, why.size ? ": " : "",
                        SLICE_ARG(why));
}

static int act(struct task *t, struct control_call *call, enum queue_act what)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    struct queue_act_request request = {.act = what, .recipient = QUEUE_EVENT_ALL_RECIPIENTS};
    uint64_t count;
    int r = read_choice(call, &request);

    if (r < 0)
        return r;
    request.text = describe_reason(&arena, call);
    queue_act_request_write(&body, &request);
    r = ask(t, call, IPC_QUEUE_ACT, &body, &reply);
    if (r == 0)
        r = queue_act_reply_read(buffer_slice(&reply), &count);
    if (r < 0)
        return r;
    if (count == 0 && control_text(call, "message").size)
        return control_refuse(call, CONTROL_NOT_FOUND, "message",
                              "Look how it stands: letterhead message show ID.",
                              "No recipient of this message is in the queue and in a state that "
                              "could be changed so.");
    json_object_set_new(call->output, "recipients", json_integer((json_int_t)count));
    return 0;
}

static int retry_messages(struct task *t, struct control_call *call)
{
    return act(t, call, QUEUE_ACT_RETRY);
}

static int hold_messages(struct task *t, struct control_call *call)
{
    return act(t, call, QUEUE_ACT_HOLD);
}

static int release_messages(struct task *t, struct control_call *call)
{
    return act(t, call, QUEUE_ACT_RELEASE);
}

static int cancel_messages(struct task *t, struct control_call *call)
{
    return act(t, call, QUEUE_ACT_CANCEL);
}

int queue_cancel_site(struct task *t, struct queue_service *service, uint64_t site_id)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, GATEWAY_WAIT_S * SECOND_US);
    const struct queue_act_request request = {
        .act = QUEUE_ACT_CANCEL,
        .site_id = site_id,
        .recipient = QUEUE_EVENT_ALL_RECIPIENTS,
        .text = SLICE("the site was removed"),
    };
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    int r;

    queue_act_request_write(&body, &request);
    r = peer_call(t, service->gateway, IPC_QUEUE_ACT, buffer_slice(&body), &reply);
    return r == -ETIMEDOUT || r == -EAGAIN ? 0 : r;
}

#define MESSAGE_FIELD                                                                              \
    {                                                                                              \
        .name = "message", .type = CONTROL_TEXT, .min = 1, .max = 100,                             \
        .help = "only this message: its id"                                                        \
    }
#define SITE_CHOICE_FIELD                                                                          \
    {                                                                                              \
        .name = "site", .type = CONTROL_TEXT, .min = 1, .max = 63, .help = "only this site's"      \
    }

static const struct control_field list_fields[] = {
    SITE_CHOICE_FIELD,
    MESSAGE_FIELD,
    {.name = "domain",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = 255,
     .help = "only to this destination"},
    {.name = "limit",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = LIST_MAX,
     .help = "how many recipients, 50 by default"},
    {NULL},
};

static const struct control_field act_fields[] = {
    MESSAGE_FIELD,
    SITE_CHOICE_FIELD,
    {.name = "all", .type = CONTROL_FLAG, .help = "all messages of all sites"},
    {.name = "why",
     .type = CONTROL_TEXT,
     .max = 200,
     .help = "the reason, for the message's story"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"queue.list", "List the recipients whose mail is still on its way", CONTROL_VIEWER, false,
     list_fields,
     "entries[] {message_id, site, recipient, destination, class, state, waits, attempts, "
     "reply_code, accepted, "
     "due, expires, size}, more",
     list_queue},
    {"queue.retry", "Try mail again now instead of later", CONTROL_OPERATOR, true, act_fields,
     "recipients", retry_messages},
    {"queue.hold", "Hold mail back until it is released; of a whole site, also what comes later",
     CONTROL_OPERATOR, true, act_fields, "recipients", hold_messages},
    {"queue.release", "Release what was held", CONTROL_OPERATOR, true, act_fields, "recipients",
     release_messages},
    {"queue.cancel", "Cancel mail: it is never tried again", CONTROL_OPERATOR, true, act_fields,
     "recipients", cancel_messages},
};

struct control_set queue_operations(struct queue_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
