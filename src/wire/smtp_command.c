#include "wire/smtp_command.h"

#include "base/limits.h"
#include "wire/smtp_envelope.h"

static struct slice skip_spaces(struct slice s)
{
    while (s.size && s.data[0] == ' ')
        s = slice_part(s, 1, s.size);
    return s;
}

static bool no_argument(struct command_parse *p, struct slice rest)
{
    if (rest.size)
        return command_refuse(p, 501, "5.5.4", "This command takes no parameter");
    return true;
}

/* NOOP, HELP, VRFY, EXPN: any text. */
static bool any_text(struct command_parse *p, struct slice rest)
{
    if (!slice_is_utf8(rest))
        return command_refuse(p, 501, "5.5.2", "The parameter is not valid UTF-8");
    p->command->text = rest;
    return true;
}

static bool some_text(struct command_parse *p, struct slice rest)
{
    if (rest.size == 0)
        return command_refuse(p, 501, "5.5.4", "This command needs a parameter");
    return any_text(p, rest);
}

/* "[" anything that an IP address is written with "]": only logged, so not looked at closer. */
static bool is_literal(struct slice s)
{
    if (s.size < 3 || s.data[0] != '[' || s.data[s.size - 1] != ']')
        return false;
    for (size_t i = 1; i < s.size - 1; i++)
        if (!command_is_alphanumeric(s.data[i]) && s.data[i] != '.' && s.data[i] != ':')
            return false;
    return true;
}

static bool is_host_label(struct slice s)
{
    if (s.size == 0 || s.size > LIMIT_LABEL_BYTES)
        return false;
    for (size_t i = 0; i < s.size; i++)
        if (!command_is_alphanumeric(s.data[i]) && s.data[i] != '-' && s.data[i] != '_')
            return false;
    return true;
}

static bool is_host_name(struct slice s)
{
    struct slice label;
    bool more = true, good = s.size <= LIMIT_DOMAIN_BYTES;

    while (more && good) {
        more = slice_cut(&s, '.', &label);
        good = is_host_label(label);
    }
    return good;
}

/* RFC 5321 §4.1.1.1. */
static bool hello(struct command_parse *p, struct slice rest)
{
    if (rest.size == 0)
        return command_refuse(p, 501, "5.5.4", "Say who you are: EHLO host.example");
    if (rest.size > LIMIT_DOMAIN_BYTES || !(is_literal(rest) || is_host_name(rest)))
        return command_refuse(p, 501, "5.5.4",
                              "The name is neither a domain nor an address literal");
    p->command->hello = rest;
    return true;
}

/* RFC 4422 §3.1. */
static bool is_mechanism(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!command_is_alphanumeric(s.data[i]) && s.data[i] != '-' && s.data[i] != '_')
            return false;
    return s.size >= 1 && s.size <= 20;
}

static bool is_base64(struct slice s)
{
    size_t padding = 0;

    while (padding < 2 && padding < s.size && s.data[s.size - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < s.size - padding; i++)
        if (!command_is_alphanumeric(s.data[i]) && s.data[i] != '+' && s.data[i] != '/')
            return false;
    return s.size % 4 == 0;
}

/* RFC 4954 §4: "=" is the empty initial response. */
static bool auth(struct command_parse *p, struct slice rest)
{
    struct slice mechanism, initial = SLICE_NONE, excess;
    bool has_mechanism = command_next_word(&rest, &mechanism);
    bool has_initial = command_next_word(&rest, &initial);

    if (!has_mechanism || !is_mechanism(mechanism) || command_next_word(&rest, &excess))
        return command_refuse(p, 501, "5.5.4",
                              "Say AUTH, a mechanism, and perhaps an initial response");
    if (slice_equal(initial, SLICE("=")))
        initial = SLICE_NONE;
    if (!is_base64(initial))
        return command_refuse(p, 501, "5.5.2", "The initial response is not base64");
    p->command->auth =
        (struct smtp_auth){arena_copy_upper(p->arena, mechanism), has_initial, initial};
    return true;
}

/* RFC 3030 §2. */
static bool bdat(struct command_parse *p, struct slice rest)
{
    struct slice size, last = SLICE_NONE, excess;
    bool has_size = command_next_word(&rest, &size);
    bool has_last = command_next_word(&rest, &last);
    int r = has_size ? slice_to_u64(size, UINT64_MAX, &p->command->bdat.size_bytes) : -EINVAL;

    if (r == -ERANGE) /* announced all the same: what follows must not be taken for commands */
        p->command->bdat.size_bytes = UINT64_MAX;
    else if (r < 0)
        return command_refuse(p, 501, "5.5.4", "BDAT needs a number of bytes");
    if ((has_last && !slice_equal_nocase(last, SLICE("LAST"))) || command_next_word(&rest, &excess))
        return command_refuse(p, 501, "5.5.4", "Only LAST may follow the number of bytes");
    p->command->bdat.last = has_last;
    return true;
}

static const struct {
    const char *name;
    bool (*parse)(struct command_parse *p, struct slice rest);
} verbs[] = {
    [SMTP_EHLO] = {"EHLO", hello},
    [SMTP_HELO] = {"HELO", hello},
    [SMTP_MAIL] = {"MAIL", command_parse_mail},
    [SMTP_RCPT] = {"RCPT", command_parse_rcpt},
    [SMTP_DATA] = {"DATA", no_argument},
    [SMTP_BDAT] = {"BDAT", bdat},
    [SMTP_RSET] = {"RSET", no_argument},
    [SMTP_NOOP] = {"NOOP", any_text},
    [SMTP_QUIT] = {"QUIT", no_argument},
    [SMTP_VRFY] = {"VRFY", some_text},
    [SMTP_EXPN] = {"EXPN", some_text},
    [SMTP_HELP] = {"HELP", any_text},
    [SMTP_AUTH] = {"AUTH", auth},
    [SMTP_STARTTLS] = {"STARTTLS", no_argument},
};

const char *wire_command_name(enum smtp_verb verb)
{
    return verbs[verb].name;
}

static struct slice without_trailing_space(struct slice s)
{
    while (s.size && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
        s.size--;
    return s;
}

static bool find_verb(struct slice word, enum smtp_verb *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (slice_equal_nocase(word, slice_text(verbs[i].name))) {
            *ret = (enum smtp_verb)i;
            return true;
        }
    }
    return false;
}

/* AUTH has a longer limit than the rest (RFC 4954 §4, RFC 5321 §4.5.3.1.4). */
static bool check_length(struct command_parse *p, struct slice line)
{
    size_t size = line.size + 2;

    if (p->command->verb == SMTP_AUTH && size > LIMIT_AUTH_LINE_BYTES)
        return command_refuse(p, 500, "5.5.6", "The line is too long");
    if (p->command->verb != SMTP_AUTH && size > LIMIT_COMMAND_BYTES)
        return command_refuse(p, 500, "5.5.2", "The line is too long");
    return true;
}

bool wire_command_parse(struct arena *a, struct slice line,
                        const struct smtp_command_options *options, struct smtp_command *ret,
                        struct wire_reply *ret_refusal)
{
    struct smtp_command command = {0};
    struct command_parse p = {a, options, &command, ret_refusal};
    struct slice rest = without_trailing_space(line), word;

    slice_cut(&rest, ' ', &word);
    if (!find_verb(word, &command.verb))
        return command_refuse(&p, 500, "5.5.1", "This is not a command that the server knows");
    if (!check_length(&p, line))
        return false;
    if (command_has_control(rest))
        return command_refuse(&p, 501, "5.5.2", "The command has a control character in it");
    if (!verbs[command.verb].parse(&p, skip_spaces(rest)))
        return false;
    *ret = command;
    return true;
}
