#include "feedback/report_words.h"

#include "base/limits.h"

#include <ctype.h>

enum {
    GAP_BYTES_MAX = 120,
    SHORT_WORD_BYTES = 5,
    REPLY_LINE_BYTES_MIN = 2, /* less is an empty line, with CR or without */
};

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_address_byte(char c)
{
    return is_word_byte(c) || memchr("!#$%&'*+-/=?^_`{|}~.", c, 20) != NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* --- codes --- */

/* "550", "550-": the digits of a reply at `at`; 0 if there is none. */
static uint16_t code_at(struct slice s, size_t at)
{
    const char *p = s.data + at;

    if (at + 3 > s.size || (at > 0 && (is_word_byte(p[-1]) || p[-1] == '.' || p[-1] == '-')))
        return 0;
    if (p[0] < '2' || p[0] > '5' || p[0] == '3' || p[1] < '0' || p[1] > '7' || !isdigit(p[2]))
        return 0;
    if (at + 3 < s.size && !is_space(p[3]) && p[3] != '-' && p[3] != '\'' && p[3] != ',')
        return 0;
    return (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
}

static size_t digits(struct slice s, size_t at, size_t max, uint16_t *ret)
{
    size_t i = 0;

    *ret = 0;
    for (; i < max && at + i < s.size && isdigit(s.data[at + i]); i++)
        *ret = (uint16_t)(*ret * 10 + (s.data[at + i] - '0'));
    return i;
}

/* "5.1.1" at `at`: its length, or 0. */
static size_t status_at(struct slice s, size_t at, struct smtp_status *ret)
{
    uint16_t class, subject, detail;
    size_t next = at + 1, n;

    if (at > 0 && (is_word_byte(s.data[at - 1]) || s.data[at - 1] == '.'))
        return 0;
    if (digits(s, at, 1, &class) == 0 || (class != 2 && class != 4 && class != 5))
        return 0;
    if (next >= s.size || s.data[next] != '.' || (n = digits(s, next + 1, 3, &subject)) == 0)
        return 0;
    next += 1 + n;
    if (next >= s.size || s.data[next] != '.' || (n = digits(s, next + 1, 3, &detail)) == 0)
        return 0;
    next += 1 + n;
    if (next < s.size && (is_word_byte(s.data[next]) ||
                          (s.data[next] == '.' && next + 1 < s.size && isdigit(s.data[next + 1]))))
        return 0;
    *ret = (struct smtp_status){(uint8_t) class, subject, detail};
    return next - at;
}

void feedback_words_reply(struct slice text, uint16_t *ret_code, struct smtp_status *ret_status)
{
    struct smtp_status found;

    *ret_code = 0;
    *ret_status = (struct smtp_status){0};
    for (size_t i = 0; i < text.size; i++) {
        if (!isdigit(text.data[i]))
            continue;
        if (*ret_code == 0)
            *ret_code = code_at(text, i);
        if (ret_status->class == 0 && status_at(text, i, &found) > 0)
            *ret_status = found;
        if (*ret_code != 0 && ret_status->class != 0)
            return;
        while (i + 1 < text.size && isdigit(text.data[i + 1]))
            i++;
    }
}

struct slice feedback_words_find_reply(struct slice text)
{
    size_t start = 0, end;

    while (start < text.size && (code_at(text, start) < 400))
        start++;
    for (end = start; end < text.size; end++)
        if (text.data[end] == '\n' &&
            slice_trim(slice_part(text, end + 1, REPLY_LINE_BYTES_MIN)).size == 0)
            break;
    return slice_trim(slice_part(text, start, end - start));
}

/* --- the refused command --- */

enum feedback_command feedback_words_command(struct slice text)
{
    static const struct {
        const char *words;
        enum feedback_command command;
    } signs[] = {
        {"in reply to rcpt to", FEEDBACK_COMMAND_RCPT},
        {"after rcpt to", FEEDBACK_COMMAND_RCPT},
        {"after rcpt command", FEEDBACK_COMMAND_RCPT},
        {"following rcpt command", FEEDBACK_COMMAND_RCPT},
        {"rcpt to response", FEEDBACK_COMMAND_RCPT},
        {">>> rcpt to", FEEDBACK_COMMAND_RCPT},
        {"does not like recipient", FEEDBACK_COMMAND_RCPT},
        {"did not like our rcpt to", FEEDBACK_COMMAND_RCPT},
        {"[rcpt_to]", FEEDBACK_COMMAND_RCPT},
        {"in reply to mail from", FEEDBACK_COMMAND_MAIL},
        {"after mail from", FEEDBACK_COMMAND_MAIL},
        {">>> mail from", FEEDBACK_COMMAND_MAIL},
        {"but sender was rejected", FEEDBACK_COMMAND_MAIL},
        {"rejected mail from", FEEDBACK_COMMAND_MAIL},
        {"in reply to data", FEEDBACK_COMMAND_DATA},
        {"in reply to end of data", FEEDBACK_COMMAND_DATA},
        {"after end of data", FEEDBACK_COMMAND_DATA},
        {"after data", FEEDBACK_COMMAND_DATA},
        {"for text command", FEEDBACK_COMMAND_DATA},
        {"failed after i sent the message", FEEDBACK_COMMAND_DATA},
        {"did not like our final data", FEEDBACK_COMMAND_DATA},
        {"command data", FEEDBACK_COMMAND_DATA},
        {">>> data", FEEDBACK_COMMAND_DATA},
        {">>> .", FEEDBACK_COMMAND_DATA},
        {"smtp transmission failure", FEEDBACK_COMMAND_DATA},
        {"after initial connection", FEEDBACK_COMMAND_CONNECT},
        {"performing the helo handshake", FEEDBACK_COMMAND_EHLO},
        {"in reply to ehlo", FEEDBACK_COMMAND_EHLO},
        {"in reply to helo", FEEDBACK_COMMAND_EHLO},
    };
    CLEANUP(buffer_done) struct buffer words = BUFFER_NONE;
    enum feedback_command command = FEEDBACK_COMMAND_UNKNOWN;
    ssize_t last = -1;

    feedback_words_fold(text, &words);
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        ssize_t at = slice_find_slice(buffer_slice(&words), slice_text(signs[i].words));

        if (at > last) {
            last = at;
            command = signs[i].command;
        }
    }
    return command;
}

/* --- folding --- */

struct fold {
    struct slice text;
    size_t at;
    uint16_t code; /* the first reply's: its repetitions are left out */
    struct smtp_status status;
    bool code_seen, status_seen;
    struct buffer *out;
};

/* An address ends at `end` if one starts at `at`; else 0. */
static size_t address_end(struct slice s, size_t at)
{
    size_t i = at, local;

    while (i < s.size && is_address_byte(s.data[i]))
        i++;
    local = i - at;
    if (local == 0 || i >= s.size || s.data[i] != '@')
        return 0;
    for (i++; i < s.size && (is_word_byte(s.data[i]) || s.data[i] == '.' || s.data[i] == '-' ||
                             s.data[i] == '_');)
        i++;
    return i;
}

/* "550-" or "550 5.1.1": what a further line of a reply starts with. */
static bool heads_line(const struct fold *f)
{
    struct smtp_status status;
    size_t after = f->at + 3;

    return after < f->text.size &&
           (f->text.data[after] == '-' || status_at(f->text, after + 1, &status) > 0);
}

/* True if a code at the place is only the head of a further line of the same reply. */
static bool repeated(struct fold *f)
{
    struct smtp_status status;
    size_t size;

    if (f->code != 0 && code_at(f->text, f->at) == f->code) {
        if (!f->code_seen || !heads_line(f)) {
            f->code_seen = true;
            return false;
        }
        size = 4;
    } else if (f->status.class != 0 && (size = status_at(f->text, f->at, &status)) > 0 &&
               status.class == f->status.class && status.subject == f->status.subject &&
               status.detail == f->status.detail) {
        if (!f->status_seen) {
            f->status_seen = true;
            return false;
        }
    } else {
        return false;
    }
    f->at += size;
    return true;
}

static void add_space(struct buffer *out)
{
    if (out->size > 0 && out->data[out->size - 1] != ' ')
        buffer_add_byte(out, ' ');
}

static void fold_one(struct fold *f)
{
    struct slice s = f->text;
    bool word_starts = f->at == 0 || !is_address_byte(s.data[f->at - 1]);
    size_t end = word_starts ? address_end(s, f->at) : 0;

    if (end > 0) {
        buffer_add_byte(f->out, '@');
        f->at = end;
        return;
    }
    if (is_space(s.data[f->at])) {
        add_space(f->out);
        f->at++;
        return;
    }
    if (isdigit(s.data[f->at]) && repeated(f))
        return;
    buffer_add_byte(f->out, (char)tolower((unsigned char)s.data[f->at++]));
}

void feedback_words_fold(struct slice text, struct buffer *ret)
{
    struct fold f = {.text = slice_part(text, 0, LIMIT_REPORT_WORDS_BYTES), .out = ret};

    feedback_words_reply(f.text, &f.code, &f.status);
    while (f.at < f.text.size)
        fold_one(&f);
}

/* --- matching --- */

static bool is_ascii_word_byte(char c)
{
    return isalnum((unsigned char)c) != 0;
}

/* Bytes of the last word of the piece. */
static size_t last_word(struct slice piece)
{
    size_t size = 0;

    while (size < piece.size && is_word_byte(piece.data[piece.size - 1 - size]))
        size++;
    return size;
}

/* A word must start where the rule's does; it may be longer ("blacklist", "blacklisted") unless the
 * rule's is so short that it would mean something else. */
static bool at_edges(struct slice words, size_t at, struct slice piece)
{
    size_t end = at + piece.size, last = last_word(piece);

    if (at > 0 && is_ascii_word_byte(piece.data[0]) && is_word_byte(words.data[at - 1]))
        return false;
    return end >= words.size || last == 0 || last >= SHORT_WORD_BYTES ||
           (unsigned char)piece.data[piece.size - 1] >= 0x80 || !is_word_byte(words.data[end]);
}

/* The place after `piece` in words, from `from`, starting before `limit`; 0: not there. */
static size_t find_piece(struct slice words, size_t from, size_t limit, struct slice piece)
{
    while (from < limit) {
        ssize_t at = slice_find_slice(slice_part(words, from, SIZE_MAX - from), piece);

        if (at < 0 || from + (size_t)at >= limit)
            return 0;
        from += (size_t)at;
        if (at_edges(words, from, piece))
            return from + piece.size;
        from++;
    }
    return 0;
}

/* The pieces after the first must follow within the gap. */
static bool match_rest(struct slice words, size_t at, struct slice pattern)
{
    struct slice piece;

    while (pattern.size > 0) {
        slice_cut(&pattern, '*', &piece);
        piece = slice_trim(piece);
        if (piece.size == 0)
            continue;
        at = find_piece(words, at, at + GAP_BYTES_MAX, piece);
        if (at == 0)
            return false;
    }
    return true;
}

bool feedback_words_match(struct slice words, struct slice pattern)
{
    struct slice first, rest = pattern;
    size_t at = 0;

    slice_cut(&rest, '*', &first);
    first = slice_trim(first);
    assert(first.size > 0);
    while ((at = find_piece(words, at, words.size, first)) != 0)
        if (match_rest(words, at, rest))
            return true;
    return false;
}
