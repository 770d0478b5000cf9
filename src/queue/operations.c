#include "queue/operations.h"

#include "control/json.h"
#include "queue/remote.h"
#include "queue/words.h"
#include "runtime/peer_group.h"
#include "site/service.h"
#include "wire/ipc.h"

#include <stdlib.h>

enum { LIST_DEFAULT = 50, LIST_MAX = 1000, GATEWAY_WAIT_S = 10 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static bool is_silence(int r)
{
    return r == -ETIMEDOUT || r == -EAGAIN;
}

static int refuse_silence(struct control_call *call, unsigned gateway)
{
    return control_refuse(call, CONTROL_UNAVAILABLE, NULL,
                          "It is started again by itself; look into the service's log if it does "
                          "not come back, and say this again then.",
                          "Gateway %u does not answer.", gateway);
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

/* One page of one gateway; *ret_more when it has others. */
static int list_page(struct task *t, struct control_call *call, const struct peer_member *gateway,
                     struct queue_list_request *request, json_t *list, bool *ret_more)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, GATEWAY_WAIT_S * SECOND_US);
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    struct queue_list_reply page;
    struct queue_list_entry entry;
    int r;

    queue_list_request_write(&body, request);
    r = peer_call(t, gateway->peer, IPC_QUEUE_LIST, buffer_slice(&body), &reply);
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

/* As many of one gateway's as are wanted of all: any of them may be among the oldest. */
static int list_gateway(struct task *t, struct control_call *call,
                        const struct peer_member *gateway, struct queue_list_request request,
                        size_t wanted, json_t *list, bool *more)
{
    size_t end = json_array_size(list) + wanted;
    bool more_here = true;
    int r = 0;

    while (r == 0 && more_here && json_array_size(list) < end) {
        size_t left = end - json_array_size(list);

        request.max = left < QUEUE_LIST_MAX ? (uint32_t)left : QUEUE_LIST_MAX;
        r = list_page(t, call, gateway, &request, list, &more_here);
    }
    *more |= more_here;
    return r;
}

/* RFC 3339 in UTC sorts as text. */
static int compare_accepted(const void *a, const void *b)
{
    json_t *const *left = a, *const *right = b;

    return strcmp(json_string_value(json_object_get(*left, "accepted")),
                  json_string_value(json_object_get(*right, "accepted")));
}

/* The oldest first, and no more than were asked for. */
static json_t *merge(json_t *list, size_t wanted)
{
    size_t count = json_array_size(list);
    json_t **entries = base_allocate((count + 1) * sizeof *entries), *merged = json_array();

    for (size_t i = 0; i < count; i++)
        entries[i] = json_array_get(list, i);
    qsort(entries, count, sizeof *entries, compare_accepted);
    for (size_t i = 0; i < count && i < wanted; i++)
        json_array_append(merged, entries[i]);
    free(entries);
    json_decref(list);
    return merged;
}

/* What the gateways have; those that are silent are named. Refused when none answers. */
static int list_all(struct task *t, struct control_call *call,
                    const struct queue_list_request *request, size_t wanted)
{
    const struct peer_group *gateways = ((struct queue_service *)call->context)->gateways;
    json_t *list = json_array(), *silent = json_array();
    bool more = false, any = false;
    int r = 0;

    for (size_t i = 0; i < gateways->count && r == 0; i++) {
        const struct peer_member *gateway = &gateways->members[i];

        if (gateway->gone)
            continue;
        r = list_gateway(t, call, gateway, *request, wanted, list, &more);
        any |= r == 0;
        if (is_silence(r) && task_check(t) == 0) {
            json_array_append_new(silent, json_integer(gateway->number));
            r = 0;
        }
    }
    if (r == 0 && !any)
        r = refuse_silence(call, (unsigned)json_integer_value(json_array_get(silent, 0)));
    more |= json_array_size(list) > wanted;
    json_object_set_new(call->output, "entries", merge(list, wanted));
    json_object_set_new(call->output, "more", json_boolean(more));
    json_object_set_new(call->output, "silent_gateways", silent);
    return r;
}

static int list_queue(struct task *t, struct control_call *call)
{
    struct queue_list_request request = {.destination = control_text(call, "domain")};
    int r = read_message(call, &request.id);

    if (r == 0)
        r = read_site(call, &request.site_id);
    if (r < 0)
        return r;
    return list_all(t, call, &request, (size_t)control_number(call, "limit", LIST_DEFAULT));
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

/* Each gateway does it to what it has. Done twice does no harm, so after a silence it can be said
 * again. */
static int act_everywhere(struct task *t, const struct queue_service *service,
                          const struct queue_act_request *request, uint64_t *ret_count,
                          unsigned *ret_silent)
{
    CLEANUP(peer_answers_done) struct peer_answers answers;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    uint64_t count;
    int r;

    *ret_count = *ret_silent = 0;
    queue_act_request_write(&body, request);
    r = peer_group_call(t, service->gateways, IPC_QUEUE_ACT, buffer_slice(&body),
                        GATEWAY_WAIT_S * SECOND_US, &answers);
    for (size_t i = 0; i < service->gateways->count && r == 0; i++) {
        const struct peer_answer *answer = &answers.of[i];

        if (is_silence(answer->result))
            *ret_silent = service->gateways->members[i].number;
        if (is_silence(answer->result) || answer->result == -ESRCH)
            continue;
        r = answer->result;
        if (r == 0)
            r = queue_act_reply_read(buffer_slice(&answer->reply), &count);
        if (r == 0)
            *ret_count += count;
    }
    return r;
}

static int act(struct task *t, struct control_call *call, enum queue_act what)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct queue_act_request request = {.act = what, .recipient = QUEUE_EVENT_ALL_RECIPIENTS};
    unsigned silent;
    uint64_t count;
    int r = read_choice(call, &request);

    if (r < 0)
        return r;
    request.text = describe_reason(&arena, call);
    r = act_everywhere(t, call->context, &request, &count, &silent);
    if (r == 0 && silent && (count == 0 || request.id.ms == 0))
        return refuse_silence(call, silent);
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
    const struct queue_act_request request = {
        .act = QUEUE_ACT_CANCEL,
        .site_id = site_id,
        .recipient = QUEUE_EVENT_ALL_RECIPIENTS,
        .text = SLICE("the site was removed"),
    };
    unsigned silent;
    uint64_t count;

    return act_everywhere(t, service, &request, &count, &silent);
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
     "due, expires, size}, more, silent_gateways[]",
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
