#include "wire/mailbox.h"

#include "base/limits.h"

struct reader {
    struct arena *arena;
    struct slice text;
    size_t at;
    unsigned flags;
    struct wire_error *error;
};

static int fail(struct reader *r, int error, const char *what, size_t offset)
{
    *r->error = (struct wire_error){what, offset};
    return error;
}

/* The byte at the front, or 0 at the end (NUL itself was refused before). */
static char front(const struct reader *r)
{
    return r->at < r->text.size ? r->text.data[r->at] : 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* atext of RFC 5322 §3.2.3, the dot that display names have in the wild (obs-phrase), and UTF-8. */
static bool is_name_byte(char c)
{
    return (unsigned char)c >= 0x80 || (c > ' ' && c != 0x7f && !strchr("()<>[]:;@\\,\"", c));
}

/* What may not stand anywhere: controls, and CR LF that does not fold (RFC 5322 §2.2.3). */
static int check_bytes(struct reader *r)
{
    for (size_t i = 0; i < r->text.size; i++) {
        char c = r->text.data[i];

        if (c == '\r' && i + 2 < r->text.size && r->text.data[i + 1] == '\n' &&
            (r->text.data[i + 2] == ' ' || r->text.data[i + 2] == '\t'))
            i += 2;
        else if ((c >= 0 && c < ' ' && c != '\t') || c == 0x7f)
            return fail(r, -EBADMSG, "has a control character", i);
    }
    if (!slice_is_utf8(r->text))
        return fail(r, -EBADMSG, "is not valid UTF-8", 0);
    return 0;
}

/* Skips a comment and those inside it (RFC 5322 §3.2.2). */
static int skip_comment(struct reader *r)
{
    size_t start = r->at;
    int depth = 0;

    do {
        char c = front(r);

        if (r->at >= r->text.size)
            return fail(r, -EBADMSG, "has a comment that is not closed", start);
        depth += c == '(';
        depth -= c == ')';
        if (depth > LIMIT_COMMENT_DEPTH)
            return fail(r, -EBADMSG, "has comments nested more than 16 deep", r->at);
        r->at += c == '\\' ? 2 : 1;
    } while (depth > 0);
    return 0;
}

/* Skips white space and comments. */
static int skip_blank(struct reader *r)
{
    int result = 0;

    while (result == 0 && (is_blank(front(r)) || front(r) == '('))
        if (front(r) == '(')
            result = skip_comment(r);
        else
            r->at++;
    return result;
}

/* Copies "..." at the front to *name without quotes, backslashes and folds. */
static int read_quoted(struct reader *r, char **name)
{
    size_t start = r->at++;

    while (front(r) != '"') {
        if (front(r) == '\\')
            r->at++;
        if (r->at >= r->text.size)
            return fail(r, -EBADMSG, "has a quoted string that is not closed", start);
        if (front(r) != '\r' && front(r) != '\n')
            *(*name)++ = front(r);
        r->at++;
    }
    r->at++;
    return 0;
}

/* Bytes of the encoded word =?charset?coding?text?= at the front, or 0. Its text may hold a colon,
 * which RFC 2047 §5 forbids in a name but senders write; nothing that another reader could take for
 * the start or end of an address. */
static size_t encoded_word(struct slice s)
{
    size_t at = 2;

    if (!slice_starts(s, SLICE("=?")))
        return 0;
    for (int marks = 0; at < s.size; at++) {
        if (s.data[at] == '?' && ++marks == 3)
            return at + 1 < s.size && s.data[at + 1] == '=' ? at + 2 : 0;
        if (!is_name_byte(s.data[at]) && s.data[at] != ':')
            return 0;
    }
    return 0;
}

static void read_atom(struct reader *r, char **name)
{
    size_t whole = encoded_word(slice_part(r->text, r->at, r->text.size));

    for (; whole > 0; whole--)
        *(*name)++ = r->text.data[r->at++];
    while (is_name_byte(front(r)) && r->at < r->text.size)
        *(*name)++ = r->text.data[r->at++];
}

/* The words before < or @: a display name, or the local part of a bare address. */
struct words {
    struct slice text; /* unquoted, one space for the white space between */
    size_t count;
    size_t start, end; /* of the last word, in the field */
};

static int read_words(struct reader *r, struct words *ret)
{
    char *text = arena_allocate(r->arena, r->text.size - r->at + 1), *end = text;
    struct words words = {.start = r->at, .end = r->at};
    int result = 0;

    while (result == 0 && (front(r) == '"' || is_name_byte(front(r)))) {
        if (words.count++ && words.end != r->at)
            *end++ = ' ';
        words.start = r->at;
        if (front(r) == '"')
            result = read_quoted(r, &end);
        else
            read_atom(r, &end);
        words.end = r->at;
        if (result == 0)
            result = skip_blank(r);
    }
    words.text = slice_of(text, (size_t)(end - text));
    *ret = words;
    return result;
}

/* Reads the address in text[start, end) with the one parser. */
static int read_address(struct reader *r, size_t start, size_t end, struct address *ret)
{
    int result = wire_address_parse(r->arena, slice_part(r->text, start, end - start), r->flags,
                                    ret, r->error);

    if (result < 0)
        r->error->offset += start;
    return result;
}

/* Past the quoted string at `at`; `at` when there is none, the end when it is not closed. */
static size_t past_quotes(struct slice text, size_t at)
{
    if (at >= text.size || text.data[at] != '"')
        return at;
    for (at++; at < text.size && text.data[at] != '"'; at++)
        at += text.data[at] == '\\';
    return at < text.size ? at + 1 : text.size;
}

/* "<address>" at the front; white space inside the brackets is allowed, comments are not. */
static int read_angle(struct reader *r, struct address *ret)
{
    size_t open = r->at++, start, end;

    while (is_blank(front(r)))
        r->at++;
    start = r->at;
    r->at = past_quotes(r->text, start);
    while (r->at < r->text.size && front(r) != '>')
        r->at++;
    if (r->at == r->text.size)
        return fail(r, -EBADMSG, "has a < without its >", open);
    end = r->at++;
    while (end > start && is_blank(r->text.data[end - 1]))
        end--;
    return read_address(r, start, end, ret);
}

/* An address without brackets, of which the words were the local part and "@" is at the front. */
static int read_bare(struct reader *r, const struct words *words, struct address *ret)
{
    if (words->count == 0)
        return fail(r, -EBADMSG, "has no local part before the @", r->at);
    if (words->count > 1)
        return fail(r, -EBADMSG, "has an @ in the name, outside quotes", r->at);
    if (words->end != r->at)
        return fail(r, -EBADMSG, "has white space or a comment inside the address", words->end);
    r->at++;
    if (front(r) == '[')
        while (r->at < r->text.size && front(r) != ']')
            r->at++;
    while (r->at < r->text.size && (is_name_byte(front(r)) || front(r) == ']'))
        r->at++;
    return read_address(r, words->start, r->at, ret);
}

static int refuse_mailbox(struct reader *r, const struct words *words)
{
    if (front(r) == ':')
        return fail(r, -EBADMSG, "is a group, which is not accepted here (RFC 6854)", r->at);
    if (r->at < r->text.size && front(r) != ',')
        return fail(r, -EBADMSG, "has a character that may only stand inside quotes", r->at);
    return fail(r, -EBADMSG, words->count ? "has a name without an address" : "names no mailbox",
                r->at);
}

static int read_mailbox(struct reader *r, struct mailbox *ret)
{
    struct words words = {0};
    int result = skip_blank(r);

    if (result == 0)
        result = read_words(r, &words);
    if (result < 0)
        return result;
    *ret = (struct mailbox){0};
    if (front(r) == '@')
        return read_bare(r, &words, &ret->address);
    if (front(r) != '<')
        return refuse_mailbox(r, &words);
    ret->name = words.text;
    return read_angle(r, &ret->address);
}

/* After a mailbox: 1 when a comma promises another, 0 at the end. */
static int read_separator(struct reader *r)
{
    int result = skip_blank(r);

    if (result < 0 || r->at >= r->text.size)
        return result;
    if (front(r) != ',')
        return fail(r, -EBADMSG, "has something after the address", r->at);
    r->at++;
    return 1;
}

int wire_mailbox_list_parse(struct arena *a, struct slice value, unsigned flags, size_t max,
                            struct mailbox *ret, size_t *ret_count, struct wire_error *ret_error)
{
    struct reader r = {a, value, 0, flags, ret_error};
    size_t count = 0;
    int result = check_bytes(&r), more = 1;

    while (result == 0 && more == 1) {
        if (count == max)
            return fail(&r, -ENOSPC, "names more mailboxes than are allowed", r.at);
        result = read_mailbox(&r, &ret[count++]);
        if (result == 0)
            more = read_separator(&r);
    }
    if (result == 0 && more < 0)
        result = more;
    if (result == 0)
        *ret_count = count;
    return result;
}
