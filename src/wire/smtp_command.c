#include "wire/smtp_command.h"

#include "base/limits.h"
#include "wire/xtext.h"

/* What every part of one command's parsing needs. */
struct parse {
    struct arena *arena;
    const struct smtp_command_options *options;
    struct smtp_command *command;
    struct wire_reply *refusal;
};

static bool refuse(struct parse *p, uint16_t code, const char *enhanced, const char *text)
{
    *p->refusal = (struct wire_reply){code, enhanced, text};
    return false;
}

static bool is_control(char c)
{
    return (c >= 0 && c < ' ') || c == 0x7f;
}

static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (is_control(s.data[i]))
            return true;
    return false;
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static struct slice skip_spaces(struct slice s)
{
    while (s.size && s.data[0] == ' ')
        s = slice_part(s, 1, s.size);
    return s;
}

/* Takes the next word off the front; false at the end. */
static bool next_word(struct slice *rest, struct slice *ret)
{
    *rest = skip_spaces(*rest);
    slice_cut(rest, ' ', ret);
    return ret->size > 0;
}

/* A copy with ASCII letters in lower (or upper) case. */
static struct slice copy_case(struct arena *a, struct slice s, bool upper)
{
    struct slice copy = arena_copy(a, s);
    char *at = (char *)(uintptr_t)copy.data;

    for (size_t i = 0; i < s.size; i++) {
        if ((at[i] | 32) >= 'a' && (at[i] | 32) <= 'z')
            at[i] = (char)(upper ? at[i] & ~32 : at[i] | 32);
    }
    return copy;
}

static bool no_argument(struct parse *p, struct slice rest)
{
    if (rest.size)
        return refuse(p, 501, "5.5.4", "This command takes no parameter");
    return true;
}

/* NOOP, HELP, VRFY, EXPN: any text. */
static bool any_text(struct parse *p, struct slice rest)
{
    if (!slice_is_utf8(rest))
        return refuse(p, 501, "5.5.2", "The parameter is not valid UTF-8");
    p->command->text = rest;
    return true;
}

static bool some_text(struct parse *p, struct slice rest)
{
    if (rest.size == 0)
        return refuse(p, 501, "5.5.4", "This command needs a parameter");
    return any_text(p, rest);
}

/* "[" anything that an IP address is written with "]": only logged, so not looked at closer. */
static bool is_literal(struct slice s)
{
    if (s.size < 3 || s.data[0] != '[' || s.data[s.size - 1] != ']')
        return false;
    for (size_t i = 1; i < s.size - 1; i++)
        if (!is_alphanumeric(s.data[i]) && s.data[i] != '.' && s.data[i] != ':')
            return false;
    return true;
}

static bool is_host_label(struct slice s)
{
    if (s.size == 0 || s.size > LIMIT_LABEL_BYTES)
        return false;
    for (size_t i = 0; i < s.size; i++)
        if (!is_alphanumeric(s.data[i]) && s.data[i] != '-' && s.data[i] != '_')
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
static bool hello(struct parse *p, struct slice rest)
{
    if (rest.size == 0)
        return refuse(p, 501, "5.5.4", "Say who you are: EHLO host.example");
    if (rest.size > LIMIT_DOMAIN_BYTES || !(is_literal(rest) || is_host_name(rest)))
        return refuse(p, 501, "5.5.4", "The name is neither a domain nor an address literal");
    p->command->hello = rest;
    return true;
}

/* One parameter of MAIL or RCPT; `handle` gets the text after "=". */
struct parameter {
    const char *keyword;
    bool has_value;
    bool (*handle)(struct parse *p, struct slice value);
};

/* RFC 1870 §4: up to 20 digits. */
static bool mail_size(struct parse *p, struct slice value)
{
    uint64_t max = p->options->size_max_bytes ? p->options->size_max_bytes : LIMIT_MESSAGE_BYTES;
    int r = value.size > 20 ? -EINVAL : slice_to_u64(value, max, &p->command->mail.size_bytes);

    if (r == -ERANGE)
        return refuse(p, 552, "5.3.4", "The message is larger than this server takes");
    if (r < 0)
        return refuse(p, 501, "5.5.4", "SIZE needs a number of bytes");
    return true;
}

static bool mail_body(struct parse *p, struct slice value)
{
    bool eight = slice_equal_nocase(value, SLICE("8BITMIME"));

    if (!eight && !slice_equal_nocase(value, SLICE("7BIT")))
        return refuse(p, 501, "5.5.4", "BODY is 7BIT or 8BITMIME");
    p->command->mail.body = eight ? SMTP_BODY_8BITMIME : SMTP_BODY_7BIT;
    return true;
}

static bool mail_smtputf8(struct parse *p, struct slice value)
{
    (void)value;
    p->command->mail.smtputf8 = true;
    return true;
}

static bool mail_ret(struct parse *p, struct slice value)
{
    bool full = slice_equal_nocase(value, SLICE("FULL"));

    if (!full && !slice_equal_nocase(value, SLICE("HDRS")))
        return refuse(p, 501, "5.5.4", "RET is FULL or HDRS");
    p->command->mail.ret = full ? SMTP_RET_FULL : SMTP_RET_HDRS;
    return true;
}

/* xtext that means printable ASCII: what may stand in a header or a reply later. */
static bool printable_xtext(struct parse *p, struct slice value, struct slice *ret)
{
    return wire_xtext_decode(p->arena, value, ret) == 0 && slice_is_ascii(*ret) &&
           !has_control(*ret);
}

/* RFC 3461 §4.4. */
static bool mail_envid(struct parse *p, struct slice value)
{
    struct slice envid;

    if (value.size == 0 || !printable_xtext(p, value, &envid))
        return refuse(p, 501, "5.5.4", "ENVID is not xtext of printable characters (RFC 3461)");
    if (envid.size > LIMIT_ENVID_BYTES)
        return refuse(p, 501, "5.5.4", "ENVID is longer than 100 characters");
    p->command->mail.has_envid = true;
    p->command->mail.envid = envid;
    return true;
}

/* RFC 4954 §5. */
static bool mail_auth(struct parse *p, struct slice value)
{
    struct slice auth;

    if (value.size == 0 || !printable_xtext(p, value, &auth))
        return refuse(p, 501, "5.5.4", "AUTH is not xtext of printable characters (RFC 4954)");
    p->command->mail.has_auth = true;
    p->command->mail.auth = slice_equal(auth, SLICE("<>")) ? SLICE_NONE : auth;
    return true;
}

static unsigned notify_word(struct slice word)
{
    static const struct {
        const char *word;
        enum smtp_notify notify;
    } words[] = {
        {"NEVER", SMTP_NOTIFY_NEVER},
        {"SUCCESS", SMTP_NOTIFY_SUCCESS},
        {"FAILURE", SMTP_NOTIFY_FAILURE},
        {"DELAY", SMTP_NOTIFY_DELAY},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (slice_equal_nocase(word, slice_text(words[i].word)))
            return words[i].notify;
    return SMTP_NOTIFY_UNSAID;
}

/* RFC 3461 §4.1: NEVER stands alone. */
static bool rcpt_notify(struct parse *p, struct slice value)
{
    unsigned notify = 0;
    struct slice word;
    bool more = true, good = true;

    while (more && good) {
        more = slice_cut(&value, ',', &word);
        good = notify_word(word) != SMTP_NOTIFY_UNSAID;
        notify |= notify_word(word);
    }
    if (!good || ((notify & SMTP_NOTIFY_NEVER) && notify != SMTP_NOTIFY_NEVER))
        return refuse(p, 501, "5.5.4", "NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY");
    p->command->rcpt.notify = notify;
    return true;
}

static bool is_address_type(struct slice type)
{
    for (size_t i = 0; i < type.size; i++)
        if (!is_alphanumeric(type.data[i]) && type.data[i] != '-')
            return false;
    return type.size > 0;
}

/* The address of ORCPT in the coding of its type (RFC 3461 §4.2, RFC 6533 §3). */
static bool decode_orcpt(struct parse *p, struct slice type, struct slice value, struct slice *ret)
{
    if (!slice_equal_nocase(type, SLICE("utf-8")))
        return printable_xtext(p, value, ret);
    return wire_xtext_decode_utf8(p->arena, value, ret) == 0 && !has_control(*ret);
}

static bool rcpt_orcpt(struct parse *p, struct slice value)
{
    struct slice type, orcpt, encoded = value;

    if (value.size > LIMIT_ORCPT_BYTES)
        return refuse(p, 501, "5.5.4", "ORCPT is longer than 500 characters");
    if (!slice_cut(&encoded, ';', &type) || !is_address_type(type) || encoded.size == 0)
        return refuse(p, 501, "5.5.4", "ORCPT needs a type and an address: rfc822;a@host.example");
    if (!decode_orcpt(p, type, encoded, &orcpt))
        return refuse(p, 501, "5.5.4", "ORCPT is not xtext of printable characters (RFC 3461)");
    p->command->rcpt.orcpt_type = copy_case(p->arena, type, false);
    p->command->rcpt.orcpt = orcpt;
    return true;
}

static const struct parameter mail_parameters[] = {
    {"SIZE", true, mail_size}, {"BODY", true, mail_body},   {"SMTPUTF8", false, mail_smtputf8},
    {"RET", true, mail_ret},   {"ENVID", true, mail_envid}, {"AUTH", true, mail_auth},
};

static const struct parameter rcpt_parameters[] = {
    {"NOTIFY", true, rcpt_notify},
    {"ORCPT", true, rcpt_orcpt},
};

struct parameter_list {
    const struct parameter *known;
    size_t count;
    unsigned seen; /* one bit each, by index */
};

static bool one_parameter(struct parse *p, struct parameter_list *list, struct slice word)
{
    struct slice value = word, keyword;
    bool has_value = slice_cut(&value, '=', &keyword);

    for (size_t i = 0; i < list->count; i++) {
        const struct parameter *known = &list->known[i];

        if (!slice_equal_nocase(keyword, slice_text(known->keyword)))
            continue;
        if (list->seen & 1u << i)
            return refuse(p, 501, "5.5.4", "A parameter is given twice");
        if (has_value != known->has_value)
            return refuse(p, 501, "5.5.4",
                          has_value ? "A parameter has a value that takes none"
                                    : "A parameter lacks its value");
        list->seen |= 1u << i;
        return known->handle(p, value);
    }
    return refuse(p, 555, "5.5.4", "A parameter is not known here; EHLO lists what is");
}

static bool parameters(struct parse *p, struct parameter_list list, struct slice rest)
{
    struct slice word;

    while (next_word(&rest, &word))
        if (!one_parameter(p, &list, word))
            return false;
    return true;
}

/* Whose address it is, and the codes of RFC 3463 that go with it. */
struct path_role {
    const char *name;
    const char *bad_syntax;
    const char *syntax_text;
};

static const struct path_role sender_role = {
    "sender", "5.1.7", "Write the sender between < and >: MAIL FROM:<a@host.example>"};
static const struct path_role recipient_role = {
    "recipient", "5.1.3", "Write the recipient between < and >: RCPT TO:<a@host.example>"};

static bool path_address(struct parse *p, const struct path_role *role, struct slice path,
                         unsigned flags, struct address *ret)
{
    struct wire_error error;
    size_t size;
    int r = wire_path_parse(p->arena, path, flags, ret, &size, &error);

    if (r == 0)
        return true;
    if (r == -EAFNOSUPPORT)
        return refuse(p, 553, "5.6.7",
                      "The address is not ASCII; say SMTPUTF8 with MAIL (RFC 6531)");
    return refuse(p, 501, role->bad_syntax,
                  arena_printf(p->arena, "The %s address %s", role->name, error.what).data);
}

/* Splits "FROM:<path> parameters"; the path is not looked into yet, because SMTPUTF8 stands after it
 * and decides how it is read. */
static bool split_path(struct parse *p, const struct path_role *role, struct slice rest,
                       struct slice prefix, struct slice *ret_path, struct slice *ret_parameters)
{
    size_t size;

    if (!slice_starts_nocase(rest, prefix))
        return refuse(p, 501, "5.5.4", role->syntax_text);
    rest = slice_part(rest, prefix.size, rest.size);
    if (rest.size && rest.data[0] == ' ')
        rest = slice_part(rest, 1, rest.size);
    size = wire_path_extent(rest);
    if (size == 0)
        return refuse(p, 501, role->bad_syntax, role->syntax_text);
    *ret_path = slice_part(rest, 0, size);
    *ret_parameters = slice_part(rest, size, rest.size);
    if (ret_parameters->size && ret_parameters->data[0] != ' ')
        return refuse(p, 501, role->bad_syntax, "Something follows the > of the address");
    return true;
}

static bool mail(struct parse *p, struct slice rest)
{
    struct parameter_list list = {mail_parameters, ARRAY_LEN(mail_parameters), 0};
    struct smtp_mail *m = &p->command->mail;
    struct slice path, more;

    *m = (struct smtp_mail){0};
    if (!split_path(p, &sender_role, rest, SLICE("FROM:"), &path, &more))
        return false;
    if (!parameters(p, list, more))
        return false;
    return path_address(p, &sender_role, path,
                        WIRE_PATH_NULL | (m->smtputf8 ? WIRE_ADDRESS_UTF8 : 0), &m->from);
}

static bool rcpt(struct parse *p, struct slice rest)
{
    struct parameter_list list = {rcpt_parameters, ARRAY_LEN(rcpt_parameters), 0};
    unsigned flags = (p->options->smtputf8 ? WIRE_ADDRESS_UTF8 : 0) |
                     (p->options->postmaster ? WIRE_PATH_POSTMASTER : 0);
    struct slice path, more;

    p->command->rcpt = (struct smtp_rcpt){0};
    if (!split_path(p, &recipient_role, rest, SLICE("TO:"), &path, &more))
        return false;
    if (!parameters(p, list, more))
        return false;
    return path_address(p, &recipient_role, path, flags, &p->command->rcpt.to);
}

/* RFC 4422 §3.1. */
static bool is_mechanism(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!is_alphanumeric(s.data[i]) && s.data[i] != '-' && s.data[i] != '_')
            return false;
    return s.size >= 1 && s.size <= 20;
}

static bool is_base64(struct slice s)
{
    size_t padding = 0;

    while (padding < 2 && padding < s.size && s.data[s.size - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < s.size - padding; i++)
        if (!is_alphanumeric(s.data[i]) && s.data[i] != '+' && s.data[i] != '/')
            return false;
    return s.size % 4 == 0;
}

/* RFC 4954 §4: "=" is the empty initial response. */
static bool auth(struct parse *p, struct slice rest)
{
    struct slice mechanism, initial = SLICE_NONE, excess;
    bool has_mechanism = next_word(&rest, &mechanism);
    bool has_initial = next_word(&rest, &initial);

    if (!has_mechanism || !is_mechanism(mechanism) || next_word(&rest, &excess))
        return refuse(p, 501, "5.5.4", "Say AUTH, a mechanism, and perhaps an initial response");
    if (slice_equal(initial, SLICE("=")))
        initial = SLICE_NONE;
    if (!is_base64(initial))
        return refuse(p, 501, "5.5.2", "The initial response is not base64");
    p->command->auth =
        (struct smtp_auth){copy_case(p->arena, mechanism, true), has_initial, initial};
    return true;
}

/* RFC 3030 §2. */
static bool bdat(struct parse *p, struct slice rest)
{
    struct slice size, last = SLICE_NONE, excess;
    bool has_size = next_word(&rest, &size);
    bool has_last = next_word(&rest, &last);

    if (!has_size || slice_to_u64(size, UINT64_MAX, &p->command->bdat.size_bytes) < 0)
        return refuse(p, 501, "5.5.4", "BDAT needs a number of bytes");
    if ((has_last && !slice_equal_nocase(last, SLICE("LAST"))) || next_word(&rest, &excess))
        return refuse(p, 501, "5.5.4", "Only LAST may follow the number of bytes");
    p->command->bdat.last = has_last;
    return true;
}

static const struct {
    const char *name;
    bool (*parse)(struct parse *p, struct slice rest);
} verbs[] = {
    [SMTP_EHLO] = {"EHLO", hello},       [SMTP_HELO] = {"HELO", hello},
    [SMTP_MAIL] = {"MAIL", mail},        [SMTP_RCPT] = {"RCPT", rcpt},
    [SMTP_DATA] = {"DATA", no_argument}, [SMTP_BDAT] = {"BDAT", bdat},
    [SMTP_RSET] = {"RSET", no_argument}, [SMTP_NOOP] = {"NOOP", any_text},
    [SMTP_QUIT] = {"QUIT", no_argument}, [SMTP_VRFY] = {"VRFY", some_text},
    [SMTP_EXPN] = {"EXPN", some_text},   [SMTP_HELP] = {"HELP", any_text},
    [SMTP_AUTH] = {"AUTH", auth},        [SMTP_STARTTLS] = {"STARTTLS", no_argument},
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
static bool check_length(struct parse *p, struct slice line)
{
    size_t size = line.size + 2;

    if (p->command->verb == SMTP_AUTH && size > LIMIT_AUTH_LINE_BYTES)
        return refuse(p, 500, "5.5.6", "The line is too long");
    if (p->command->verb != SMTP_AUTH && size > LIMIT_COMMAND_BYTES)
        return refuse(p, 500, "5.5.2", "The line is too long");
    return true;
}

bool wire_command_parse(struct arena *a, struct slice line,
                        const struct smtp_command_options *options, struct smtp_command *ret,
                        struct wire_reply *ret_refusal)
{
    struct smtp_command command = {0};
    struct parse p = {a, options, &command, ret_refusal};
    struct slice rest = without_trailing_space(line), word;

    slice_cut(&rest, ' ', &word);
    if (!find_verb(word, &command.verb))
        return refuse(&p, 500, "5.5.1", "This is not a command that the server knows");
    if (!check_length(&p, line))
        return false;
    if (has_control(rest))
        return refuse(&p, 501, "5.5.2", "The command has a control character in it");
    if (!verbs[command.verb].parse(&p, skip_spaces(rest)))
        return false;
    *ret = command;
    return true;
}
