/* Command lines: each is typed arguments, or a refusal that is safe to send. The first byte gives
 * the options. */
#include "fuzz.h"

#include "wire/smtp_command.h"
#include "wire/smtp_reply.h"

static void check_refusal(const struct wire_reply *reply)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    fuzz_check(reply->code >= 500 && reply->code <= 555);
    wire_reply_format(&b, reply);
    fuzz_check(slice_is_ascii(buffer_slice(&b)));
    fuzz_check(slice_find(buffer_slice(&b), '\n') == (ssize_t)b.size - 1);
}

static void check_printable(struct slice s)
{
    fuzz_check(slice_is_utf8(s));
    for (size_t i = 0; i < s.size; i++)
        fuzz_check((unsigned char)s.data[i] >= ' ' && s.data[i] != 0x7f);
}

static void check_command(struct arena *a, const struct smtp_command *c)
{
    fuzz_check(wire_command_name(c->verb) != NULL);
    if (c->verb == SMTP_MAIL) {
        check_printable(wire_address_text(a, &c->mail.from));
        check_printable(c->mail.envid);
        check_printable(c->mail.auth);
    }
    if (c->verb == SMTP_RCPT) {
        fuzz_check(!wire_address_is_null(&c->rcpt.to));
        check_printable(wire_address_text(a, &c->rcpt.to));
        check_printable(c->rcpt.orcpt_type);
        check_printable(c->rcpt.orcpt);
    }
    if (c->verb == SMTP_EHLO || c->verb == SMTP_HELO)
        check_printable(c->hello);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct slice line = slice_of(data, size);
    uint8_t choice = fuzz_byte(&line);
    struct smtp_command_options options = {
        .smtputf8 = choice & 1, .postmaster = choice & 2, .size_max_bytes = choice & 4 ? 1000 : 0};
    struct smtp_command command;
    struct wire_reply refusal;

    if (wire_command_parse(&a, line, &options, &command, &refusal))
        check_command(&a, &command);
    else
        check_refusal(&refusal);
    return 0;
}
