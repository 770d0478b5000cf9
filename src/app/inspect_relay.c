/* `letterhead inspect auth-reply`: what a client's SMTP server means by a reply, and what to do. */
#include "app/inspect.h"
#include "app/inspect_report.h"
#include "app/inspect_words.h"
#include "onboard/relay_diagnosis.h"

#include <stdio.h>

static bool stage_named(const char *name, enum relay_stage *ret)
{
    static const char *const names[] = {
        [RELAY_STAGE_AUTH] = "auth",
        [RELAY_STAGE_MAIL] = "mail",
        [RELAY_STAGE_RCPT] = "rcpt",
        [RELAY_STAGE_DATA] = "data",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!name || strcmp(name, names[i]) == 0) {
            *ret = (enum relay_stage)i;
            return true;
        }
    return false;
}

/* What an EHLO reply means for signing in. */
static void describe_offer(const struct smtp_reply *reply, struct report *r)
{
    const unsigned usable = SMTP_MECHANISM_PLAIN | SMTP_MECHANISM_LOGIN | SMTP_MECHANISM_CRAM_MD5;
    struct smtp_capabilities c;

    wire_capabilities_parse(reply, &c);
    if (!c.auth)
        report_init(r, false,
                    "The server offers no sign-in here. Many offer it only under encryption: look "
                    "at its reply to EHLO after STARTTLS.");
    else if (c.mechanisms & usable)
        report_init(r, true, "The server offers a way to sign in that Letterhead can use.");
    else
        report_init(r, false,
                    "The server offers no way to sign in that Letterhead can use: it must offer "
                    "CRAM-MD5, LOGIN or PLAIN.");
    for (unsigned bit = SMTP_MECHANISM_PLAIN; bit < SMTP_MECHANISM_OTHER; bit <<= 1)
        if (c.mechanisms & bit)
            report_row(r, "mechanisms", NULL, slice_text(wire_mechanism_name(bit)), NULL,
                       SLICE_NONE);
    report_flag(r, "starttls", c.starttls);
    report_number(r, "size_bytes", c.size_bytes);
}

static void describe_cause(struct arena *a, const struct inspect_options *options,
                           enum relay_stage stage, const struct smtp_reply *reply, struct report *r)
{
    struct relay_diagnosis d = relay_diagnose(slice_text(options->host), stage, reply);

    report_init(r, d.cause == RELAY_CAUSE_NONE, "%s", d.what);
    report_text(r, "diagnosis", slice_text(relay_cause_name(d.cause)));
    report_flag(r, "transient", d.transient);
    report_text(r, "provider", slice_text(d.provider->name));
    report_text(r, "what", slice_text(d.what));
    report_text(r, "cure", slice_text(d.cure));
    report_text(r, "reply", wire_reply_escape(a, reply, LIMIT_REPLY_LINE_BYTES));
}

static void judge(const struct inspect_options *options, enum relay_stage stage, struct slice bytes,
                  struct report *r)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(reply_parser_done) struct reply_parser parser = REPLY_PARSER_NONE;
    struct wire_error error = {"the reply does not end", 0};
    struct smtp_reply reply;
    size_t used;

    if (reply_parser_feed(&parser, bytes, &used, &reply, &error) != 1) {
        report_init(
            r, false,
            "This is no SMTP reply: %s (line %zu). Give it as the server sent it, each line with its "
            "three digits.",
            error.what, error.offset + 1);
        return;
    }
    if (reply.code == 250 && options->ehlo)
        describe_offer(&reply, r);
    else
        describe_cause(&a, options, stage, &reply, r);
}

int inspect_auth_reply(const struct inspect_options *options)
{
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    CLEANUP(report_done) struct report report = {0};
    enum relay_stage stage;
    int status;

    if (!stage_named(options->stage, &stage)) {
        fputs("letterhead inspect auth-reply: --stage is auth, mail, rcpt or data\n", stderr);
        return INSPECT_USAGE;
    }
    status = inspect_read_input(options, LIMIT_REPLY_BYTES * 2, &bytes);
    if (status)
        return status;
    if (bytes.size && bytes.data[bytes.size - 1] != '\n')
        buffer_add(&bytes, SLICE("\r\n")); /* pasted without its line end */
    judge(options, stage, buffer_slice(&bytes), &report);
    return report_print(&report, options->json ? REPORT_JSON : REPORT_TABLE, stdout);
}
