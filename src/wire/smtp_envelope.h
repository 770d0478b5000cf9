/* Within wire/ only: what the parts of one command's parsing share, and MAIL and RCPT, which are a
 * file of their own (smtp_envelope.c) for their parameters (RFC 1870, 3461, 4954, 6152, 6531). */
#ifndef LETTERHEAD_WIRE_SMTP_ENVELOPE_H
#define LETTERHEAD_WIRE_SMTP_ENVELOPE_H

#include "wire/smtp_command.h"

struct command_parse {
    struct arena *arena;
    const struct smtp_command_options *options;
    struct smtp_command *command;
    struct wire_reply *refusal;
};

/* Sets the refusal; always false, to be returned. */
static inline bool command_refuse(struct command_parse *p, uint16_t code, const char *enhanced,
                                  const char *text)
{
    *p->refusal = (struct wire_reply){code, enhanced, text};
    return false;
}

static inline bool command_has_control(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if ((s.data[i] >= 0 && s.data[i] < ' ') || s.data[i] == 0x7f)
            return true;
    return false;
}

static inline bool command_is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Takes the next word off the front; words stand between spaces. False at the end. */
static inline bool command_next_word(struct slice *rest, struct slice *ret)
{
    while (rest->size && rest->data[0] == ' ')
        *rest = slice_part(*rest, 1, rest->size);
    slice_cut(rest, ' ', ret);
    return ret->size > 0;
}

/* Parse what stands after "MAIL " and "RCPT ". */
MUST_CHECK bool command_parse_mail(struct command_parse *p, struct slice rest);
MUST_CHECK bool command_parse_rcpt(struct command_parse *p, struct slice rest);

#endif
