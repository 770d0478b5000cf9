#include "wire/smtp_reply.h"

#include "base/log.h"

void reply_parser_done(struct reply_parser *p)
{
    buffer_done(&p->text);
    buffer_done(&p->partial);
    *p = REPLY_PARSER_NONE;
}

/* Makes ready for the next reply; the memory stays. */
static void restart(struct reply_parser *p)
{
    p->text.size = 0;
    p->partial.size = 0;
    p->line_count = 0;
    p->code = 0;
    p->done = false;
}

static int fail(struct wire_error *ret_error, int error, const char *what, size_t line)
{
    *ret_error = (struct wire_error){what, line};
    return error;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The code of "250", "250-..." or "250 ..."; 0 if the line is not of that form. */
static uint16_t line_code(struct slice line)
{
    if (line.size < 3 || !is_digit(line.data[1]) || !is_digit(line.data[2]))
        return 0;
    if (line.data[0] < '2' || line.data[0] > '5')
        return 0;
    if (line.size > 3 && line.data[3] != ' ' && line.data[3] != '-')
        return 0;
    return (uint16_t)((line.data[0] - '0') * 100 + (line.data[1] - '0') * 10 + line.data[2] - '0');
}

/* One whole line without its end: 1 when it is the reply's last, 0 when more follow. */
static int add_line(struct reply_parser *p, struct slice line, struct wire_error *ret_error)
{
    uint16_t code = line_code(line);
    struct slice text = slice_part(line, 4, line.size);

    if (code == 0)
        return fail(ret_error, -EPROTO, "the server sent a line that is no SMTP reply",
                    p->line_count);
    if (p->line_count && code != p->code)
        return fail(ret_error, -EPROTO, "the lines of one reply have different codes",
                    p->line_count);
    if (p->line_count == LIMIT_REPLY_LINES)
        return fail(ret_error, -EMSGSIZE, "the reply has too many lines", p->line_count);
    if (p->text.size + text.size > LIMIT_REPLY_BYTES)
        return fail(ret_error, -EMSGSIZE, "the reply is too long", p->line_count);
    p->code = code;
    p->line_sizes[p->line_count++] = text.size;
    buffer_add(&p->text, text);
    return line.size > 3 && line.data[3] == '-' ? 0 : 1;
}

/* Gathers bytes up to LF: 1 when the line is whole, 0 when not. */
static int gather_line(struct reply_parser *p, struct slice bytes, size_t *ret_used,
                       struct wire_error *ret_error)
{
    ssize_t lf = slice_find(bytes, '\n');
    size_t size = lf < 0 ? bytes.size : (size_t)lf + 1;

    if (p->partial.size + size > LIMIT_REPLY_LINE_BYTES)
        return fail(ret_error, -EMSGSIZE, "the reply has a line that is too long", p->line_count);
    buffer_add(&p->partial, slice_part(bytes, 0, size));
    *ret_used = size;
    return lf >= 0;
}

static struct slice without_line_end(struct slice line)
{
    line.size--;
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static void find_status(struct smtp_reply *reply)
{
    for (size_t i = 0; i < reply->line_count; i++) {
        if (wire_status_parse(reply->lines[i], &reply->status)) {
            reply->status_mismatch = reply->status.class != reply->code / 100;
            return;
        }
    }
}

static struct smtp_reply finish(struct reply_parser *p)
{
    struct smtp_reply reply = {.code = p->code, .lines = p->lines, .line_count = p->line_count};
    size_t at = 0;

    for (size_t i = 0; i < p->line_count; i++) {
        p->lines[i] = slice_part(buffer_slice(&p->text), at, p->line_sizes[i]);
        at += p->line_sizes[i];
    }
    find_status(&reply);
    p->done = true;
    return reply;
}

int reply_parser_feed(struct reply_parser *p, struct slice bytes, size_t *ret_used,
                      struct smtp_reply *ret, struct wire_error *ret_error)
{
    int r = 0;

    *ret_used = 0;
    if (p->done)
        restart(p);
    while (*ret_used < bytes.size && r == 0) {
        size_t taken = 0;

        r = gather_line(p, slice_part(bytes, *ret_used, bytes.size), &taken, ret_error);
        *ret_used += taken;
        if (r <= 0)
            return r;
        r = add_line(p, without_line_end(buffer_slice(&p->partial)), ret_error);
        p->partial.size = 0;
    }
    if (r > 0)
        *ret = finish(p);
    return r;
}

struct smtp_reply wire_reply_copy(struct arena *a, const struct smtp_reply *reply)
{
    struct smtp_reply copy = *reply;

    copy.lines = ARENA_ARRAY(a, struct slice, reply->line_count);
    for (size_t i = 0; i < reply->line_count; i++)
        copy.lines[i] = arena_copy(a, reply->lines[i]);
    return copy;
}

enum smtp_class wire_reply_class(uint16_t code)
{
    return code >= 200 && code < 600 ? (enum smtp_class)(code / 100) : SMTP_CLASS_NONE;
}

/* One to three digits at *at (RFC 3463 §2), which is moved past them; -1 if there are none. */
static int status_number(struct slice text, size_t *at)
{
    int value = -1;

    for (size_t digits = 0; *at < text.size && is_digit(text.data[*at]); digits++, (*at)++) {
        if (digits == 3)
            return -1;
        value = (value < 0 ? 0 : value) * 10 + text.data[*at] - '0';
    }
    return value;
}

bool wire_status_parse(struct slice text, struct smtp_status *ret)
{
    size_t at = 2;
    int subject, detail;

    if (text.size < 5 || !strchr("245", text.data[0]) || text.data[0] == 0 || text.data[1] != '.')
        return false;
    subject = status_number(text, &at);
    if (subject < 0 || at == text.size || text.data[at++] != '.')
        return false;
    detail = status_number(text, &at);
    if (detail < 0 || (at < text.size && text.data[at] != ' '))
        return false;
    *ret = (struct smtp_status){(uint8_t)(text.data[0] - '0'), (uint16_t)subject, (uint16_t)detail};
    return true;
}

struct slice wire_reply_escape(struct arena *a, const struct smtp_reply *reply, size_t max)
{
    CLEANUP(buffer_done) struct buffer raw = BUFFER_NONE;
    char *out = arena_allocate(a, max + 1);

    buffer_printf(&raw, "%u", reply->code);
    for (size_t i = 0; i < reply->line_count && raw.size <= max; i++) {
        buffer_add(&raw, i ? SLICE(" / ") : SLICE(" "));
        buffer_add(&raw, reply->lines[i]);
    }
    log_escape(slice_trim(buffer_slice(&raw)), out, max + 1);
    return slice_text(out);
}

static const struct {
    const char *name;
    enum smtp_mechanism mechanism;
} mechanisms[] = {
    {"PLAIN", SMTP_MECHANISM_PLAIN},
    {"LOGIN", SMTP_MECHANISM_LOGIN},
    {"CRAM-MD5", SMTP_MECHANISM_CRAM_MD5},
    {"SCRAM-SHA-1", SMTP_MECHANISM_SCRAM_SHA_1},
    {"SCRAM-SHA-256", SMTP_MECHANISM_SCRAM_SHA_256},
    {"XOAUTH2", SMTP_MECHANISM_XOAUTH2},
    {"OAUTHBEARER", SMTP_MECHANISM_OAUTHBEARER},
    {"DIGEST-MD5", SMTP_MECHANISM_DIGEST_MD5},
    {"NTLM", SMTP_MECHANISM_NTLM},
    {"GSSAPI", SMTP_MECHANISM_GSSAPI},
    {"EXTERNAL", SMTP_MECHANISM_EXTERNAL},
};

static enum smtp_mechanism mechanism_of(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
        if (slice_equal_nocase(name, slice_text(mechanisms[i].name)))
            return mechanisms[i].mechanism;
    return SMTP_MECHANISM_OTHER;
}

const char *wire_mechanism_name(unsigned mechanism)
{
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
        if (mechanisms[i].mechanism == mechanism)
            return mechanisms[i].name;
    return NULL;
}

/* Takes the next word off the front; words stand between spaces or tabs. */
static bool next_word(struct slice *rest, struct slice *ret)
{
    size_t size = 0;

    *rest = slice_trim(*rest);
    while (size < rest->size && rest->data[size] != ' ' && rest->data[size] != '\t')
        size++;
    *ret = slice_part(*rest, 0, size);
    *rest = slice_part(*rest, size, rest->size);
    return size > 0;
}

static void add_mechanisms(struct smtp_capabilities *c, struct slice rest)
{
    struct slice name;

    c->auth = true;
    while (next_word(&rest, &name))
        c->mechanisms |= mechanism_of(name);
}

static void add_size(struct smtp_capabilities *c, struct slice rest)
{
    struct slice number;
    uint64_t size = 0;

    c->size = true;
    if (!next_word(&rest, &number) || slice_to_u64(number, UINT64_MAX, &size) < 0 || size == 0)
        return;
    if (c->size_bytes == 0 || size < c->size_bytes)
        c->size_bytes = size;
}

static bool *plain_capability(struct smtp_capabilities *c, struct slice keyword)
{
    const struct {
        const char *keyword;
        bool *flag;
    } table[] = {
        {"STARTTLS", &c->starttls},
        {"PIPELINING", &c->pipelining},
        {"8BITMIME", &c->eightbitmime},
        {"SMTPUTF8", &c->smtputf8},
        {"DSN", &c->dsn},
        {"ENHANCEDSTATUSCODES", &c->enhanced_status},
        {"CHUNKING", &c->chunking},
        {"REQUIRETLS", &c->requiretls},
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (slice_equal_nocase(keyword, slice_text(table[i].keyword)))
            return table[i].flag;
    return NULL;
}

static void add_capability(struct smtp_capabilities *c, struct slice line)
{
    struct slice rest = line, keyword;
    bool *flag;

    if (!next_word(&rest, &keyword))
        return;
    flag = plain_capability(c, keyword);
    if (flag)
        *flag = true;
    if (slice_equal_nocase(keyword, SLICE("SIZE")))
        add_size(c, rest);
    if (slice_equal_nocase(keyword, SLICE("AUTH")))
        add_mechanisms(c, rest);
    if (slice_starts_nocase(keyword, SLICE("AUTH=")))
        add_mechanisms(c, slice_part(slice_trim(line), 5, line.size));
}

void wire_capabilities_parse(const struct smtp_reply *reply, struct smtp_capabilities *ret)
{
    *ret = (struct smtp_capabilities){0};
    for (size_t i = 0; i < reply->line_count; i++)
        add_capability(ret, reply->lines[i]);
}

void wire_reply_format(struct buffer *b, const struct wire_reply *reply)
{
    struct slice rest = slice_text(reply->text), line;
    bool more;

    do {
        more = slice_cut(&rest, '\n', &line);
        buffer_add_decimal(b, reply->code);
        buffer_add_byte(b, more ? '-' : ' ');
        if (reply->enhanced) {
            buffer_add(b, slice_text(reply->enhanced));
            buffer_add_byte(b, ' ');
        }
        buffer_add(b, line);
        buffer_add(b, SLICE("\r\n"));
    } while (more);
}
