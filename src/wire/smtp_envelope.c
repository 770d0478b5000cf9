#include "wire/smtp_envelope.h"

#include "base/limits.h"
#include "wire/xtext.h"

/* One parameter of MAIL or RCPT; `handle` gets the text after "=". */
struct parameter {
    const char *keyword;
    bool has_value;
    bool (*handle)(struct command_parse *p, struct slice value);
};

/* RFC 1870 §4: up to 20 digits. */
static bool mail_size(struct command_parse *p, struct slice value)
{
    uint64_t max = p->options->size_max_bytes ? p->options->size_max_bytes : LIMIT_MESSAGE_BYTES;
    int r = value.size > 20 ? -EINVAL : slice_to_u64(value, max, &p->command->mail.size_bytes);

    if (r == -ERANGE)
        return command_refuse(p, 552, "5.3.4", "The message is larger than this server takes");
    if (r < 0)
        return command_refuse(p, 501, "5.5.4", "SIZE needs a number of bytes");
    return true;
}

static bool mail_body(struct command_parse *p, struct slice value)
{
    bool eight = slice_equal_nocase(value, SLICE("8BITMIME"));

    if (!eight && !slice_equal_nocase(value, SLICE("7BIT")))
        return command_refuse(p, 501, "5.5.4", "BODY is 7BIT or 8BITMIME");
    p->command->mail.body = eight ? SMTP_BODY_8BITMIME : SMTP_BODY_7BIT;
    return true;
}

static bool mail_smtputf8(struct command_parse *p, struct slice value)
{
    (void)value;
    p->command->mail.smtputf8 = true;
    return true;
}

static bool mail_requiretls(struct command_parse *p, struct slice value)
{
    (void)value;
    p->command->mail.requiretls = true;
    return true;
}

static bool mail_ret(struct command_parse *p, struct slice value)
{
    bool full = slice_equal_nocase(value, SLICE("FULL"));

    if (!full && !slice_equal_nocase(value, SLICE("HDRS")))
        return command_refuse(p, 501, "5.5.4", "RET is FULL or HDRS");
    p->command->mail.ret = full ? SMTP_RET_FULL : SMTP_RET_HDRS;
    return true;
}

/* xtext that means printable ASCII: what may stand in a header or a reply later. */
static bool printable_xtext(struct command_parse *p, struct slice value, struct slice *ret)
{
    return wire_xtext_decode(p->arena, value, ret) == 0 && slice_is_ascii(*ret) &&
           !command_has_control(*ret);
}

/* RFC 3461 §4.4. */
static bool mail_envid(struct command_parse *p, struct slice value)
{
    struct slice envid;

    if (value.size == 0 || !printable_xtext(p, value, &envid))
        return command_refuse(p, 501, "5.5.4",
                              "ENVID is not xtext of printable characters (RFC 3461)");
    if (envid.size > LIMIT_ENVID_BYTES)
        return command_refuse(p, 501, "5.5.4", "ENVID is longer than 100 characters");
    p->command->mail.has_envid = true;
    p->command->mail.envid = envid;
    return true;
}

/* RFC 4954 §5. */
static bool mail_auth(struct command_parse *p, struct slice value)
{
    struct slice auth;

    if (value.size == 0 || !printable_xtext(p, value, &auth))
        return command_refuse(p, 501, "5.5.4",
                              "AUTH is not xtext of printable characters (RFC 4954)");
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
static bool rcpt_notify(struct command_parse *p, struct slice value)
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
        return command_refuse(p, 501, "5.5.4",
                              "NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY");
    p->command->rcpt.notify = notify;
    return true;
}

static bool is_address_type(struct slice type)
{
    for (size_t i = 0; i < type.size; i++)
        if (!command_is_alphanumeric(type.data[i]) && type.data[i] != '-')
            return false;
    return type.size > 0;
}

/* The address of ORCPT in the coding of its type (RFC 3461 §4.2, RFC 6533 §3). */
static bool decode_orcpt(struct command_parse *p, struct slice type, struct slice value,
                         struct slice *ret)
{
    if (!slice_equal_nocase(type, SLICE("utf-8")))
        return printable_xtext(p, value, ret);
    return wire_xtext_decode_utf8(p->arena, value, ret) == 0 && !command_has_control(*ret);
}

static bool rcpt_orcpt(struct command_parse *p, struct slice value)
{
    struct slice type, orcpt, encoded = value;

    if (value.size > LIMIT_ORCPT_BYTES)
        return command_refuse(p, 501, "5.5.4", "ORCPT is longer than 500 characters");
    if (!slice_cut(&encoded, ';', &type) || !is_address_type(type) || encoded.size == 0)
        return command_refuse(p, 501, "5.5.4",
                              "ORCPT needs a type and an address: rfc822;a@host.example");
    if (!decode_orcpt(p, type, encoded, &orcpt))
        return command_refuse(p, 501, "5.5.4",
                              "ORCPT is not xtext of printable characters (RFC 3461)");
    p->command->rcpt.orcpt_type = arena_copy_lower(p->arena, type);
    p->command->rcpt.orcpt = orcpt;
    return true;
}

static const struct parameter mail_parameters[] = {
    {"SIZE", true, mail_size},
    {"BODY", true, mail_body},
    {"SMTPUTF8", false, mail_smtputf8},
    {"RET", true, mail_ret},
    {"ENVID", true, mail_envid},
    {"AUTH", true, mail_auth},
    {"REQUIRETLS", false, mail_requiretls},
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

static bool one_parameter(struct command_parse *p, struct parameter_list *list, struct slice word)
{
    struct slice value = word, keyword;
    bool has_value = slice_cut(&value, '=', &keyword);

    for (size_t i = 0; i < list->count; i++) {
        const struct parameter *known = &list->known[i];

        if (!slice_equal_nocase(keyword, slice_text(known->keyword)))
            continue;
        if (list->seen & 1u << i)
            return command_refuse(p, 501, "5.5.4", "A parameter is given twice");
        if (has_value != known->has_value)
            return command_refuse(p, 501, "5.5.4",
                                  has_value ? "A parameter has a value that takes none"
                                            : "A parameter lacks its value");
        list->seen |= 1u << i;
        return known->handle(p, value);
    }
    return command_refuse(p, 555, "5.5.4", "A parameter is not known here; EHLO lists what is");
}

static bool parameters(struct command_parse *p, struct parameter_list list, struct slice rest)
{
    struct slice word;

    while (command_next_word(&rest, &word))
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

static bool path_address(struct command_parse *p, const struct path_role *role, struct slice path,
                         unsigned flags, struct address *ret)
{
    struct wire_error error;
    size_t size;
    int r = wire_path_parse(p->arena, path, flags, ret, &size, &error);

    if (r == 0)
        return true;
    if (r == -EAFNOSUPPORT)
        return command_refuse(p, 553, "5.6.7",
                              "The address is not ASCII; say SMTPUTF8 with MAIL (RFC 6531)");
    return command_refuse(p, 501, role->bad_syntax,
                          arena_printf(p->arena, "The %s address %s", role->name, error.what).data);
}

/* Splits "FROM:<path> parameters"; the path is not looked into yet, because SMTPUTF8 stands after
 * it and decides how it is read. */
static bool split_path(struct command_parse *p, const struct path_role *role, struct slice rest,
                       struct slice prefix, struct slice *ret_path, struct slice *ret_parameters)
{
    size_t size;

    if (!slice_starts_nocase(rest, prefix))
        return command_refuse(p, 501, "5.5.4", role->syntax_text);
    rest = slice_part(rest, prefix.size, rest.size);
    if (rest.size && rest.data[0] == ' ')
        rest = slice_part(rest, 1, rest.size);
    size = wire_path_extent(rest);
    if (size == 0)
        return command_refuse(p, 501, role->bad_syntax, role->syntax_text);
    *ret_path = slice_part(rest, 0, size);
    *ret_parameters = slice_part(rest, size, rest.size);
    if (ret_parameters->size && ret_parameters->data[0] != ' ')
        return command_refuse(p, 501, role->bad_syntax, "Something follows the > of the address");
    return true;
}

bool command_parse_mail(struct command_parse *p, struct slice rest)
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

bool command_parse_rcpt(struct command_parse *p, struct slice rest)
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
