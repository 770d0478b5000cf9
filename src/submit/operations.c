#include "submit/operations.h"

#include "control/json.h"
#include "runtime/task.h"
#include "site/identity.h"
#include "site/service.h"
#include "submit/compose.h"
#include "submit/remote.h"

enum { GATEWAY_WAIT_S = 30, RECIPIENTS_MAX = 100 };

/* What is to be sent; in the arena of the call. */
struct letter {
    struct site site;
    struct compose_fields fields;
    struct address to[RECIPIENTS_MAX];
    struct queue_recipient recipients[RECIPIENTS_MAX];
};

static int read_address(struct control_call *call, struct arena *arena, const char *field,
                        struct slice text, struct address *ret)
{
    struct wire_error error;

    if (wire_address_parse(arena, text, 0, ret, &error) == 0)
        return 0;
    return control_refuse(call, CONTROL_INVALID, field,
                          "Give an address such as reader@example.org, without a name.",
                          "\"%.*s\" is not an address: %s.", SLICE_ARG(text), error.what);
}

/* An address that each mail domain has (RFC 5321 §4.5.1). */
static int default_from(const struct submit_operations_service *service, struct arena *arena,
                        int64_t site_id, struct slice *ret)
{
    struct identity *identities;
    size_t count;
    int r = identity_list(service->store, arena, site_id, &identities, &count);

    if (r == 0 && count == 0)
        r = -ENOENT;
    if (r == 0)
        *ret = arena_printf(arena, "postmaster@%.*s", SLICE_ARG(identities[0].domain));
    return r;
}

/* The first outgoing address unless another was named. */
static int read_from(struct control_call *call, struct arena *arena, struct letter *letter)
{
    const struct submit_operations_service *service = call->context;
    struct slice text = control_text(call, "from"), *addresses;
    size_t count = 0;
    int r = 0;

    if (text.size == 0)
        r = site_outgoing_addresses(service->store, arena, letter->site.id, &addresses, &count);
    if (count)
        text = addresses[0];
    if (r == 0 && text.size == 0)
        r = default_from(service, arena, letter->site.id, &text);
    return r < 0 ? r : read_address(call, arena, "from", text, &letter->fields.from);
}

static int read_to(struct control_call *call, struct arena *arena, struct letter *letter)
{
    int r = 0;

    letter->fields.to = letter->to;
    letter->fields.to_count = control_texts_count(call, "to");
    for (size_t i = 0; i < letter->fields.to_count && r == 0; i++) {
        struct slice place = arena_printf(arena, "to[%zu]", i);

        r = read_address(call, arena, place.data, control_texts_at(call, "to", i), &letter->to[i]);
        if (r == 0)
            letter->recipients[i] = (struct queue_recipient){
                .address = wire_address_text(arena, &letter->to[i]),
                .domain = letter->to[i].domain,
            };
    }
    return r;
}

static int read_letter(struct control_call *call, struct arena *arena, struct letter *letter)
{
    const struct submit_operations_service *service = call->context;
    int r = site_of_call(service->store, arena, call, &letter->site);

    if (r == 0)
        r = read_from(call, arena, letter);
    if (r == 0)
        r = read_to(call, arena, letter);
    letter->fields.from_name = control_text(call, "from_name");
    letter->fields.subject = control_text(call, "subject");
    letter->fields.text = control_text(call, "text");
    return r;
}

static int compose(struct control_call *call, const struct letter *letter, struct buffer *message)
{
    const char *field;

    if (compose_message(&letter->fields, message, &field) == 0)
        return 0;
    return control_refuse(call, CONTROL_INVALID, field,
                          "Remove control characters (line ends belong into the text alone).",
                          "\"%s\" has characters that cannot stand there.", field);
}

static int submit(struct task *t, struct control_call *call, struct arena *arena,
                  const struct letter *letter, const struct buffer *message,
                  struct wire_reply *ret_reply)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, GATEWAY_WAIT_S * SECOND_US);
    const struct submit_operations_service *service = call->context;
    const struct submit_request request = {
        .site_id = (uint64_t)letter->site.id,
        .envelope = {.from = letter->fields.from,
                     .recipients = letter->recipients,
                     .recipient_count = letter->fields.to_count},
        .content = buffer_slice(message),
    };
    int r = submit_remote_send(t, service->gateways, arena, &request, ret_reply);

    if (r != -ETIMEDOUT && r != -EAGAIN && r != -ECONNRESET)
        return r;
    return control_refuse(call, CONTROL_UNAVAILABLE, NULL,
                          "Look whether the message is there (letterhead message list), then try "
                          "again.",
                          "The gateway did not answer.");
}

/* "Ok <message id>" */
static int tell(struct control_call *call, const struct wire_reply *reply)
{
    struct slice text = slice_text(reply->text), word;

    if (reply->code != 250)
        return control_refuse(call, reply->code < 500 ? CONTROL_UNAVAILABLE : CONTROL_REFUSED, NULL,
                              "letterhead site show tells how the site and its identity stand.",
                              "The message was not taken: %u %s %s", reply->code,
                              reply->enhanced ? reply->enhanced : "", reply->text);
    slice_cut(&text, ' ', &word);
    json_object_set_new(call->output, "message_id", control_json_text(text));
    return 0;
}

static int send_message(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    struct letter *letter = ARENA_NEW(&arena, struct letter);
    struct wire_reply reply;
    int r = read_letter(call, &arena, letter);

    if (r == 0)
        r = compose(call, letter, &message);
    if (r == 0)
        r = submit(t, call, &arena, letter, &message, &reply);
    return r == 0 ? tell(call, &reply) : r;
}

static const struct control_field fields[] = {
    SITE_FIELD,
    {.name = "to",
     .type = CONTROL_TEXTS,
     .required = true,
     .min = 3,
     .max = 320,
     .count_max = RECIPIENTS_MAX,
     .help = "a recipient's address"},
    {.name = "from",
     .type = CONTROL_TEXT,
     .min = 3,
     .max = 320,
     .help = "the sender's address; by default the site's first one, or its postmaster"},
    {.name = "from_name", .type = CONTROL_TEXT, .max = 200, .help = "the sender's name"},
    {.name = "subject", .type = CONTROL_TEXT, .required = true, .max = 500, .help = "the subject"},
    {.name = "text",
     .type = CONTROL_TEXT,
     .required = true,
     .max = 500000,
     .help = "the text of the message"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"message.send", "Send a plain text message for a site", CONTROL_OPERATOR, true, fields,
     "message_id", send_message},
};

struct control_set submit_operations(struct submit_operations_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
