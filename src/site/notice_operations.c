/* The operations on notices: list, show. */
#include "control/json.h"
#include "site/notice.h"
#include "site/own_mail.h"
#include "site/service.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000, MAILS_SHOWN_MAX = 100 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static void add_site(struct site_service *service, struct arena *arena, json_t *object, int64_t id)
{
    struct site site;

    if (id && site_find_by_id(service->store, arena, id, &site) == 0)
        add_text(object, "site", site.name);
    else
        json_object_set_new(object, "site", json_null());
}

static json_t *describe(struct site_service *service, struct arena *arena,
                        const struct notice_row *row)
{
    json_t *object = json_object();

    json_object_set_new(object, "notice", json_integer(row->id));
    add_site(service, arena, object, row->site_id);
    add_text(object, "topic", row->topic);
    json_object_set_new(object, "state", json_string(row->mended_us ? "mended" : "stands"));
    json_object_set_new(object, "since", control_json_time(row->since_us));
    json_object_set_new(object, "told", control_json_time(row->told_us));
    json_object_set_new(object, "mended", control_json_time(row->mended_us));
    add_text(object, "subject", row->mended_us ? row->mended_subject : row->subject);
    return object;
}

static int list_notices(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct notice_listing listing = {.mended = control_flag(call, "all"),
                                     .max = (size_t)control_number(call, "limit", LIST_DEFAULT)};
    json_t *list = json_array();
    struct notice_row *rows;
    struct site site;
    size_t count = 0;
    int r = 0;

    (void)t;
    json_object_set_new(call->output, "notices", list);
    if (control_text(call, "site").size) {
        r = site_of_call(service->store, &arena, call, &site);
        listing.site_id = r < 0 ? 0 : site.id;
    }
    if (r == 0)
        r = notice_list(service->store, &arena, &listing, &rows, &count);
    for (size_t i = 0; i < count && r == 0; i++)
        json_array_append_new(list, describe(service, &arena, &rows[i]));
    return r;
}

static json_t *describe_mail(const struct own_mail *mail)
{
    json_t *object = json_object();

    add_text(object, "subject", mail->subject);
    add_text(object, "recipients", mail->recipients);
    add_text(object, "state", mail->state);
    json_object_set_new(object, "created", control_json_time(mail->created_us));
    json_object_set_new(object, "attempts", json_integer(mail->attempts));
    if (mail->message_id.size)
        add_text(object, "message_id", mail->message_id);
    if (mail->why.size)
        add_text(object, "why", mail->why);
    return object;
}

static int add_mails(struct store *s, struct arena *arena, int64_t id, json_t *output)
{
    json_t *list = json_array();
    struct own_mail *mails;
    size_t count = 0;
    int r = own_mail_of_notice(s, arena, id, MAILS_SHOWN_MAX, &mails, &count);

    json_object_set_new(output, "mails", list);
    for (size_t i = 0; i < count && r == 0; i++)
        json_array_append_new(list, describe_mail(&mails[i]));
    return r;
}

static int show_notice(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    int64_t id = control_number(call, "notice", 0);
    struct notice_row row;
    json_t *head;
    int r = notice_find(service->store, &arena, id, &row);

    (void)t;
    if (r == -ENOENT)
        return control_refuse(call, CONTROL_NOT_FOUND, "notice",
                              "letterhead notice list --all shows their numbers.",
                              "There is no notice %lld.", (long long)id);
    if (r < 0)
        return r;
    head = describe(service, &arena, &row);
    json_object_update(call->output, head);
    json_decref(head);
    add_text(call->output, "subject", row.subject);
    add_text(call->output, "text", row.text);
    if (row.mended_us) {
        add_text(call->output, "mended_subject", row.mended_subject);
        add_text(call->output, "mended_text", row.mended_text);
    }
    return add_mails(service->store, &arena, row.id, call->output);
}

static const struct control_field list_fields[] = {
    {.name = "site", .type = CONTROL_TEXT, .min = 1, .max = 63, .help = "only those of this site"},
    {.name = "all", .type = CONTROL_FLAG, .help = "what was mended, too"},
    {.name = "limit",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = LIST_MAX,
     .help = "how many, 50 by default"},
    {NULL},
};
static const struct control_field show_fields[] = {
    {.name = "notice",
     .type = CONTROL_NUMBER,
     .required = true,
     .positional = true,
     .min = 1,
     .max = INT64_MAX,
     .help = "its number, as letterhead notice list shows it"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"notice.list", "List what is wrong, as operators and sites' contacts are told", CONTROL_VIEWER,
     false, list_fields, "notices[] {notice, site, topic, state, since, told, mended, subject}",
     list_notices},
    {"notice.show", "Show a notice, and the mail that was sent of it", CONTROL_VIEWER, false,
     show_fields,
     "notice, site, topic, state, since, told, mended, subject, text, mended_subject, "
     "mended_text, mails[] {subject, recipients, state, created, attempts, message_id, why}",
     show_notice},
};

struct control_set notice_operations(struct site_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
