#include "feedback/report.h"

#include "feedback/report_fields.h"
#include "feedback/report_parts.h"
#include "feedback/report_ses.h"
#include "feedback/report_text.h"
#include "feedback/report_words.h"

#include <gmime/gmime.h>

void feedback_report_init(void)
{
    g_mime_init();
}

const char *feedback_kind_name(enum feedback_kind kind)
{
    static const char *const names[] = {
        [FEEDBACK_NONE] = "none",           [FEEDBACK_BOUNCE] = "bounce",
        [FEEDBACK_COMPLAINT] = "complaint", [FEEDBACK_AUTO_REPLY] = "auto-reply",
        [FEEDBACK_DELIVERED] = "delivered",
    };

    return names[kind];
}

struct reading {
    struct arena *arena;
    const struct feedback_rules *rules;
    struct feedback_parts parts;
    struct slice text; /* the report's part of parts.text */
    struct feedback_report *report;
};

static bool has_any(struct slice text, const char *const *words, size_t count)
{
    CLEANUP(buffer_done) struct buffer folded = BUFFER_NONE;

    feedback_words_fold(text, &folded);
    for (size_t i = 0; i < count; i++)
        if (slice_find_slice(buffer_slice(&folded), slice_text(words[i])) >= 0)
            return true;
    return false;
}

static bool has(struct slice text, const char *words)
{
    return has_any(text, &words, 1);
}

/* --- one recipient --- */

static struct feedback_recipient *new_recipient(struct reading *r)
{
    struct feedback_report *report = r->report;

    if (report->recipient_count == LIMIT_REPORT_RECIPIENTS)
        return NULL;
    return &report->recipients[report->recipient_count++];
}

static bool status_known(struct smtp_status s)
{
    return s.class != 0 && (s.subject != 0 || s.detail != 0);
}

/* What the refusing server said counts more than what the reporting one made of it. */
static void settle_codes(struct feedback_recipient *recipient, struct slice words)
{
    struct smtp_status said;
    uint16_t code;

    feedback_words_reply(recipient->text, &code, &said);
    if (code == 0 && said.class == 0)
        feedback_words_reply(words, &code, &said);
    recipient->reply_code = code;
    if (status_known(said) || recipient->status.class == 0)
        recipient->status = said;
}

static void judge(struct reading *r, struct feedback_recipient *recipient, struct slice words)
{
    struct feedback_evidence evidence = {.words = words};

    settle_codes(recipient, words);
    evidence.reply = recipient->text.size > 0 ? recipient->text : feedback_words_find_reply(words);
    evidence.status = recipient->status;
    evidence.reply_code = recipient->reply_code;
    evidence.command = feedback_words_command(recipient->text);
    if (evidence.command == FEEDBACK_COMMAND_UNKNOWN)
        evidence.command = feedback_words_command(words);
    recipient->verdict = feedback_rules_judge(r->rules, &evidence);
    if (recipient->text.size == 0)
        recipient->text = evidence.reply.size > 0 ? evidence.reply : slice_trim(words);
}

/* To whom the report was sent, whom its text may name too: the sender of the message. */
static struct slice sender_of(struct reading *r)
{
    struct slice sender = feedback_field_address(
        feedback_field_find(r->arena, r->parts.returned, SLICE("Return-Path")));

    return sender.size > 0 ? sender : feedback_field_address(r->parts.to);
}

/* The words of the text that speak of this recipient; all where that cannot be told. */
static struct slice words_about(struct reading *r, struct slice address)
{
    struct feedback_block *blocks =
        ARENA_ARRAY(r->arena, struct feedback_block, LIMIT_REPORT_RECIPIENTS);
    size_t count = feedback_text_blocks(r->text, sender_of(r), blocks);

    for (size_t i = 0; count > 1 && i < count; i++)
        if (slice_equal_nocase(blocks[i].address, address))
            return blocks[i].words;
    return r->text;
}

/* --- RFC 3464 --- */

static bool is(struct feedback_field field, const char *name)
{
    return slice_equal_nocase(field.name, slice_text(name));
}

struct status_group {
    struct slice final, original, action, status, diagnostic, remote;
};

static void finish_group(struct reading *r, struct status_group *g)
{
    struct feedback_recipient *recipient;
    struct slice action;

    if (g->final.size + g->original.size + g->action.size + g->status.size == 0)
        return;
    recipient = new_recipient(r);
    if (!recipient)
        return;
    slice_cut(&g->action, ' ', &action);
    recipient->address =
        feedback_field_address(feedback_field_untyped(g->final.size > 0 ? g->final : g->original));
    recipient->action = arena_copy_lower(r->arena, action);
    recipient->final = !slice_equal(recipient->action, SLICE("delayed"));
    recipient->text = feedback_field_untyped(g->diagnostic);
    recipient->remote = feedback_field_untyped(g->remote);
    (void)wire_status_parse(slice_trim(g->status), &recipient->status);
    judge(r, recipient, words_about(r, recipient->address));
    *g = (struct status_group){0};
}

static void take_field(struct reading *r, struct status_group *g, struct feedback_field field)
{
    if (is(field, "Final-Recipient")) {
        if (g->final.size > 0)
            finish_group(r, g);
        g->final = field.value;
    } else if (is(field, "Original-Recipient")) {
        if (g->original.size > 0)
            finish_group(r, g);
        g->original = field.value;
    } else if (is(field, "Action")) {
        g->action = field.value;
    } else if (is(field, "Status")) {
        g->status = field.value;
    } else if (is(field, "Diagnostic-Code") && g->diagnostic.size == 0) {
        g->diagnostic = field.value;
    } else if (is(field, "Remote-MTA")) {
        g->remote = field.value;
    }
}

static void read_status(struct reading *r, struct slice fields)
{
    struct status_group group = {0};
    struct feedback_field field;

    while (feedback_field_next(r->arena, &fields, &field)) {
        if (field.name.size == 0)
            finish_group(r, &group);
        else
            take_field(r, &group, field);
    }
    finish_group(r, &group);
}

/* Successes are no bounces, whatever else the report holds; a report of successes alone is one of
 * delivery (RFC 3464 §2.3.3). */
static void settle_kind(struct feedback_report *report)
{
    size_t delivered = 0;

    for (size_t i = 0; i < report->recipient_count; i++) {
        struct feedback_recipient *recipient = &report->recipients[i];

        if (recipient->status.class != 2 && !slice_equal(recipient->action, SLICE("delivered")) &&
            !slice_equal(recipient->action, SLICE("relayed")) &&
            !slice_equal(recipient->action, SLICE("expanded")))
            continue;
        recipient->verdict = (struct feedback_verdict){.class = FEEDBACK_CLASS_DELIVERED,
                                                       .reason = SLICE("delivered")};
        delivered++;
    }
    report->kind = FEEDBACK_BOUNCE;
    if (delivered > 0 && delivered == report->recipient_count)
        report->kind = FEEDBACK_DELIVERED;
}

/* --- complaints --- */

static bool is_complaint(struct reading *r)
{
    static const char *const subjects[] = {"complaint about message from", "feedback report",
                                           "abuse report", "email feedback",
                                           "client tos notification"};

    if (r->parts.feedback.size > 0)
        return true;
    return r->parts.status.size == 0 && has_any(r->parts.subject, subjects, ARRAY_LEN(subjects)) &&
           r->parts.returned.size > 0;
}

static void add_complainer(struct reading *r, struct slice who)
{
    struct feedback_recipient *recipient = new_recipient(r);

    if (!recipient)
        return;
    recipient->address = feedback_field_address(feedback_field_untyped(who));
    recipient->final = true;
    recipient->verdict =
        (struct feedback_verdict){.class = FEEDBACK_CLASS_COMPLAINT, .reason = SLICE("feedback")};
}

static void read_complaint(struct reading *r)
{
    struct slice fields = r->parts.feedback;
    struct feedback_field field;

    r->report->kind = FEEDBACK_COMPLAINT;
    r->report->feedback_type = arena_copy_lower(
        r->arena, feedback_field_find(r->arena, r->parts.feedback, SLICE("Feedback-Type")));
    if (r->report->feedback_type.size == 0)
        r->report->feedback_type = SLICE("abuse");
    while (feedback_field_next(r->arena, &fields, &field))
        if (is(field, "Original-Rcpt-To"))
            add_complainer(r, field.value);
    if (r->report->recipient_count == 0)
        add_complainer(r, feedback_field_find(r->arena, r->parts.returned, SLICE("To")));
}

/* --- words alone --- */

/* Bounces come from nobody, or from a server's own addresses (RFC 3464 §2, RFC 5321 §4.5.5). */
static bool from_a_server(struct reading *r)
{
    static const char *const senders[] = {"mailer-daemon", "mailer daemon", "postmaster",
                                          "mail delivery", "mail-daemon",   "<>"};
    struct slice from = arena_copy_lower(r->arena, slice_trim(r->parts.from));

    for (size_t i = 0; i < ARRAY_LEN(senders); i++)
        if (slice_find_slice(from, slice_text(senders[i])) >= 0)
            return true;
    return false;
}

static bool titled_as_failure(struct reading *r)
{
    static const char *const subjects[] = {"undeliver",
                                           "delivery failure",
                                           "delivery status",
                                           "failure notice",
                                           "returned mail",
                                           "delivery failed",
                                           "mail system error",
                                           "non-delivery",
                                           "delivery has failed",
                                           "could not be delivered",
                                           "not delivered",
                                           "mail delivery",
                                           "returned to sender",
                                           "delivery error",
                                           "bounce",
                                           "loop alert",
                                           "are not member",
                                           "delivery problem",
                                           "delivery notification"};

    return has_any(r->parts.subject, subjects, ARRAY_LEN(subjects));
}

/* Some say it in the text alone; then it must say to whom, and come with the message. */
static bool reads_as_failure(struct reading *r)
{
    static const char *const words[] = {"could not be delivered to", "unable to deliver",
                                        "was not delivered", "delivery failed"};

    return r->parts.returned.size > 0 && has_any(r->text, words, ARRAY_LEN(words));
}

static bool is_auto_reply(struct reading *r)
{
    static const char *const subjects[] = {"automatic reply", "auto reply",    "autoreply",
                                           "auto-reply",      "out of office", "out of the office",
                                           "auto response",   "autoresponse",  "vacation"};

    if (has(r->parts.auto_submitted, "auto-replied") ||
        has(r->parts.auto_submitted, "auto-generated"))
        return true;
    return r->parts.autoreply.size > 0 || has(r->parts.precedence, "auto_reply") ||
           has_any(r->parts.subject, subjects, ARRAY_LEN(subjects));
}

static void read_words(struct reading *r)
{
    struct feedback_block *blocks =
        ARENA_ARRAY(r->arena, struct feedback_block, LIMIT_REPORT_RECIPIENTS);
    size_t count = feedback_text_blocks(r->text, sender_of(r), blocks);
    struct feedback_recipient *recipient;

    for (size_t i = 0; i < count && (recipient = new_recipient(r)); i++) {
        recipient->address = blocks[i].address;
        recipient->final = !has(r->parts.subject, "delay") && !has(r->text, "warning message only");
        judge(r, recipient, count > 1 ? blocks[i].words : r->text);
    }
    if (count == 0 && (recipient = new_recipient(r))) {
        recipient->final = true;
        judge(r, recipient, r->text);
    }
    r->report->kind = FEEDBACK_BOUNCE;
}

static void find_message_id(struct reading *r)
{
    struct slice id = feedback_field_find(r->arena, r->parts.returned, SLICE("Message-ID"));

    if (id.size == 0)
        id = r->parts.in_reply_to;
    r->report->message_id = feedback_field_address(id);
}

void feedback_report_read(struct arena *a, struct slice message, const struct feedback_rules *rules,
                          struct feedback_report *ret)
{
    struct reading r = {.arena = a, .rules = rules, .report = ret};
    struct slice returned;

    memset(ret, 0, sizeof(*ret)); /* too large for a compound literal on a stack */
    feedback_parts_read(a, message, &r.parts);
    r.text = feedback_text_report(r.parts.text, &returned);
    if (r.parts.returned.size == 0)
        r.parts.returned = returned;
    ret->fields = arena_printf(a, "%.*s\n%.*s\n%.*s", SLICE_ARG(r.parts.feedback),
                               SLICE_ARG(r.parts.status), SLICE_ARG(r.parts.returned));
    find_message_id(&r);
    if (feedback_ses_read(a, r.parts.text, rules, ret))
        return;
    if (is_complaint(&r)) {
        read_complaint(&r);
        return;
    }
    read_status(&r, r.parts.status);
    if (ret->recipient_count == 0 && has(r.parts.text, "final-recipient"))
        read_status(&r, r.parts.text);
    if (ret->recipient_count > 0)
        settle_kind(ret);
    else if (from_a_server(&r) || titled_as_failure(&r) || reads_as_failure(&r))
        read_words(&r);
    else if (is_auto_reply(&r))
        ret->kind = FEEDBACK_AUTO_REPLY;
}
