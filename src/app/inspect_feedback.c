/* `letterhead inspect report`: what each file would be taken for, if it came back. */
#include "app/inspect.h"
#include "app/inspect_report.h"
#include "app/inspect_words.h"
#include "feedback/report.h"
#include "feedback/report_builtin.h"

#include <stdio.h>
#include <stdlib.h>

enum { RULES_BYTES_MAX = 1 << 20 };

static int load_rules(const char *path, struct feedback_rules **ret)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    CLEANUP(base_free_pointer) char *problem = NULL;
    int status;

    if (!path) {
        *ret = feedback_rules_builtin();
        return INSPECT_ACCEPTED;
    }
    status = inspect_read_file(path, RULES_BYTES_MAX, &text);
    if (status == INSPECT_ACCEPTED && feedback_rules_new(buffer_slice(&text), ret, &problem) < 0) {
        fprintf(stderr, "letterhead inspect: %s, %s\n", path, problem);
        status = INSPECT_USAGE;
    }
    return status;
}

/* --- as JSON --- */

static void set(json_t *object, const char *key, struct slice value)
{
    if (value.size > 0)
        json_object_set_new(object, key, report_string(value));
}

static struct slice status_text(struct arena *a, struct smtp_status s)
{
    return arena_printf(a, "%u.%u.%u", s.class, s.subject, s.detail);
}

static const char *persistence(const struct feedback_recipient *r)
{
    switch (r->verdict.class) {
    case FEEDBACK_CLASS_COMPLAINT:
    case FEEDBACK_CLASS_AUTO_REPLY:
    case FEEDBACK_CLASS_DELIVERED:
        return "-";
    default:
        return r->verdict.hard ? "hard" : "soft";
    }
}

static json_t *recipient_json(struct arena *a, const struct feedback_recipient *r)
{
    json_t *object = json_object();
    bool reported = r->status.class != 0;
    struct smtp_status status = reported ? r->status : feedback_class_status(&r->verdict);

    set(object, "address", r->address);
    set(object, "action", r->action);
    if (status.class != 0) {
        set(object, "status", status_text(a, status));
        set(object, "status_kind", slice_text(reported ? "reported" : "inferred"));
    }
    if (r->reply_code != 0)
        json_object_set_new(object, "reply", json_integer(r->reply_code));
    set(object, "hard_soft", slice_text(persistence(r)));
    json_object_set_new(object, "final", json_boolean(r->final));
    set(object, "class", slice_text(feedback_class_name(r->verdict.class)));
    set(object, "fault", slice_text(feedback_fault_name(feedback_class_fault(r->verdict.class))));
    set(object, "reason", r->verdict.reason);
    if (r->verdict.line != 0)
        json_object_set_new(object, "rule_line", json_integer(r->verdict.line));
    set(object, "text", slice_part(r->text, 0, 500));
    set(object, "remote", r->remote);
    return object;
}

static void print_json(struct arena *a, const char *path, const struct feedback_report *report)
{
    json_t *object = json_object(), *recipients = json_array();

    if (path)
        set(object, "file", slice_text(path));
    set(object, "kind", slice_text(feedback_kind_name(report->kind)));
    set(object, "feedback_type", report->feedback_type);
    set(object, "message_id", report->message_id);
    for (size_t i = 0; i < report->recipient_count; i++)
        json_array_append_new(recipients, recipient_json(a, &report->recipients[i]));
    json_object_set_new(object, "recipients", recipients);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

/* --- for people --- */

static void print_harmless(const char *label, struct slice value)
{
    const char *text;
    json_t *string;

    if (value.size == 0)
        return;
    string = report_string(slice_part(value, 0, 200));
    text = json_string_value(string);
    printf("    %-10s", label);
    for (; *text; text++)
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    putchar('\n');
    json_decref(string);
}

static void print_recipient(struct arena *a, const struct feedback_recipient *r)
{
    bool reported = r->status.class != 0;
    struct smtp_status status = reported ? r->status : feedback_class_status(&r->verdict);

    print_harmless("recipient", r->address.size ? r->address : SLICE("(not named)"));
    print_harmless("class",
                   arena_printf(a, "%s, %s, fault: %s", feedback_class_name(r->verdict.class),
                                persistence(r),
                                feedback_fault_name(feedback_class_fault(r->verdict.class))));
    print_harmless("reason", r->verdict.reason);
    if (status.class != 0)
        print_harmless("status", arena_printf(a, "%.*s (%s)", SLICE_ARG(status_text(a, status)),
                                              reported ? "reported" : "inferred"));
    print_harmless("words", r->text);
    if (r->verdict.line != 0)
        print_harmless("decided by", arena_printf(a, "line %u of the rules", r->verdict.line));
}

static void print_words(struct arena *a, const char *path, const struct feedback_report *report)
{
    printf("%s: %s%s%.*s\n", path ? path : "standard input", feedback_kind_name(report->kind),
           report->feedback_type.size ? ", " : "", SLICE_ARG(report->feedback_type));
    for (size_t i = 0; i < report->recipient_count; i++)
        print_recipient(a, &report->recipients[i]);
}

static int inspect_one(const struct inspect_options *options, const char *path,
                       const struct feedback_rules *rules)
{
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct feedback_report *report = ARENA_NEW(&arena, struct feedback_report);
    int status = inspect_read_file(path, LIMIT_REPORT_BYTES, &message);

    if (status != INSPECT_ACCEPTED)
        return status;
    feedback_report_read(&arena, buffer_slice(&message), rules, report);
    if (options->json)
        print_json(&arena, path, report);
    else
        print_words(&arena, path, report);
    return INSPECT_ACCEPTED;
}

int inspect_feedback(const struct inspect_options *options)
{
    struct feedback_rules *rules;
    int worst = load_rules(options->rules, &rules);

    if (worst != INSPECT_ACCEPTED)
        return worst;
    feedback_report_init();
    for (int i = 0; i < options->operand_count; i++) {
        int status = inspect_one(options, options->operands[i], rules);

        worst = status > worst ? status : worst;
    }
    if (options->operand_count == 0)
        worst = inspect_one(options, NULL, rules);
    feedback_rules_free(rules);
    return worst;
}
