#include "feedback/report_ses.h"

#include "feedback/report_words.h"

#include <jansson.h>

static struct slice text_of(struct arena *a, const json_t *object, const char *key)
{
    return arena_copy(a, slice_text(json_string_value(json_object_get(object, key))));
}

static void fill(struct arena *a, const struct feedback_rules *rules, const json_t *entry,
                 struct feedback_recipient *ret)
{
    struct feedback_evidence evidence = {0};
    struct smtp_status said;

    ret->address = json_is_string(entry) ? arena_copy(a, slice_text(json_string_value(entry)))
                                         : text_of(a, entry, "emailAddress");
    ret->action = text_of(a, entry, "action");
    ret->text = text_of(a, entry, "diagnosticCode");
    ret->final = true;
    (void)wire_status_parse(text_of(a, entry, "status"), &ret->status);
    feedback_words_reply(ret->text, &ret->reply_code, &said);
    if (said.class != 0)
        ret->status = said;
    evidence.reply = ret->text;
    evidence.status = ret->status;
    evidence.reply_code = ret->reply_code;
    ret->verdict = feedback_rules_judge(rules, &evidence);
}

static void read_list(struct arena *a, const struct feedback_rules *rules, const json_t *list,
                      struct feedback_report *ret)
{
    size_t i;
    json_t *entry;

    json_array_foreach(list, i, entry) if (ret->recipient_count < LIMIT_REPORT_RECIPIENTS)
        fill(a, rules, entry, &ret->recipients[ret->recipient_count++]);
}

static void all_are(struct feedback_report *report, enum feedback_class class, struct slice reason)
{
    for (size_t i = 0; i < report->recipient_count; i++)
        report->recipients[i].verdict = (struct feedback_verdict){.class = class, .reason = reason};
}

static bool read_notification(struct arena *a, const json_t *root,
                              const struct feedback_rules *rules, struct feedback_report *ret)
{
    struct slice type = slice_text(json_string_value(json_object_get(root, "notificationType")));
    const json_t *part;

    if (slice_equal(type, SLICE("Bounce"))) {
        part = json_object_get(root, "bounce");
        ret->kind = FEEDBACK_BOUNCE;
        read_list(a, rules, json_object_get(part, "bouncedRecipients"), ret);
    } else if (slice_equal(type, SLICE("Complaint"))) {
        part = json_object_get(root, "complaint");
        ret->kind = FEEDBACK_COMPLAINT;
        ret->feedback_type = text_of(a, part, "complaintFeedbackType");
        read_list(a, rules, json_object_get(part, "complainedRecipients"), ret);
        all_are(ret, FEEDBACK_CLASS_COMPLAINT, SLICE("feedback"));
    } else if (slice_equal(type, SLICE("Delivery"))) {
        part = json_object_get(root, "delivery");
        ret->kind = FEEDBACK_DELIVERED;
        read_list(a, rules, json_object_get(part, "recipients"), ret);
        all_are(ret, FEEDBACK_CLASS_DELIVERED, SLICE("delivered"));
    } else {
        return false;
    }
    return true;
}

/* Long lines may have been folded on the way: a line end and a space in the middle of a word. */
static json_t *load_joined(struct slice text)
{
    CLEANUP(buffer_done) struct buffer joined = BUFFER_NONE;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\r')
            continue;
        if (text.data[i] != '\n')
            buffer_add_byte(&joined, text.data[i]);
        else if (i + 1 < text.size && text.data[i + 1] == ' ')
            i++;
    }
    return json_loadb(joined.data, joined.size, JSON_DISABLE_EOF_CHECK, NULL);
}

bool feedback_ses_read(struct arena *a, struct slice text, const struct feedback_rules *rules,
                       struct feedback_report *ret)
{
    struct slice trimmed = slice_trim(text);
    json_t *root;
    bool found;

    if (trimmed.size == 0 || trimmed.data[0] != '{')
        return false;
    /* What SNS adds below the object is not JSON. */
    root = json_loadb(trimmed.data, trimmed.size, JSON_DISABLE_EOF_CHECK, NULL);
    if (!root)
        root = load_joined(trimmed);
    found = root && read_notification(a, root, rules, ret);
    json_decref(root);
    return found;
}
