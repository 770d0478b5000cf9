#include "submit/rewrite.h"

#include "wire/date.h"

enum rule {
    KEEP,
    DROP,
    ONCE,
    DATE,       /* once, and there must be one */
    MESSAGE_ID, /* the same */
    RESULTS,
};

struct named_rule {
    struct slice name;
    enum rule rule;
};

/* Sorted by nothing; names differ in length mostly, so a look-up compares few bytes. */
static const struct named_rule RULES[] = {
    {{"Subject", 7}, ONCE},
    {{"Date", 4}, DATE},
    {{"Message-ID", 10}, MESSAGE_ID},
    {{"MIME-Version", 12}, ONCE},
    {{"Content-Type", 12}, ONCE},
    {{"Content-Transfer-Encoding", 25}, ONCE},
    {{"Reply-To", 8}, ONCE},
    {{"In-Reply-To", 11}, ONCE},
    {{"References", 10}, ONCE},
    {{"Bcc", 3}, DROP},
    {{"Resent-Bcc", 10}, DROP},
    {{"Return-Path", 11}, DROP},
    {{"X-Letterhead-Priority", 21}, DROP},
    {{"Authentication-Results", 22}, RESULTS},
};

static const struct named_rule *rule_of(struct slice name)
{
    static const struct named_rule ses = {{"X-SES-", 6}, DROP};
    static const struct named_rule other = {{NULL, 0}, KEEP};

    for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
        if (slice_equal_nocase(RULES[i].name, name))
            return &RULES[i];
    }
    return slice_starts_nocase(name, ses.name) ? &ses : &other;
}

const char *submit_rewrite_repeated(const struct wire_header *header)
{
    bool seen[ARRAY_LEN(RULES)] = {false};

    for (size_t i = 0; i < header->count; i++) {
        const struct named_rule *rule = rule_of(header->fields[i].name);
        if (rule->rule != ONCE && rule->rule != DATE && rule->rule != MESSAGE_ID)
            continue;
        if (seen[rule - RULES])
            return rule->name.data;
        seen[rule - RULES] = true;
    }
    return NULL;
}

/* Past white space, folds and comments; a comment that never ends takes all. */
static struct slice skip_comments(struct slice s)
{
    unsigned depth = 0;
    size_t i = 0;

    for (; i < s.size; i++) {
        if (s.data[i] == '\\' && depth)
            i++;
        else if (s.data[i] == '(')
            depth++;
        else if (s.data[i] == ')' && depth)
            depth--;
        else if (!depth && !strchr(" \t\r\n", s.data[i]))
            break;
    }
    return slice_part(s, i, s.size);
}

/* RFC 8601 §2.2: the first word of the value is the name of the server that claims to have
 * checked. */
static bool claims_to_be_ours(struct slice value, struct slice host_name)
{
    struct slice rest = skip_comments(value);

    if (slice_starts(rest, SLICE("\"")))
        rest = slice_part(rest, 1, rest.size);
    if (!slice_starts_nocase(rest, host_name))
        return false;
    if (rest.size == host_name.size)
        return true;
    return strchr(" \t\r\n;\"(/", rest.data[host_name.size]) != NULL;
}

struct judged {
    bool dropped;
    bool date;
    bool message_id;
};

static bool is_dropped(const struct wire_field *field, enum rule rule, struct slice host_name)
{
    return rule == DROP || (rule == RESULTS && claims_to_be_ours(field->value, host_name));
}

/* Adds the fields that stay; tells whether one was left out and which of ours were seen. */
static struct judged copy_fields(const struct wire_header *header, struct slice host_name,
                                 struct buffer *out)
{
    struct judged judged = {false, false, false};

    for (size_t i = 0; i < header->count; i++) {
        const struct wire_field *field = &header->fields[i];
        enum rule rule = rule_of(field->name)->rule;

        if (is_dropped(field, rule, host_name)) {
            judged.dropped = true;
            continue;
        }
        judged.date |= rule == DATE;
        judged.message_id |= rule == MESSAGE_ID;
        buffer_add(out, field->whole);
        if (!slice_ends_nocase(field->whole, SLICE("\r\n")))
            buffer_add(out, SLICE("\r\n"));
    }
    return judged;
}

static void add_missing(const struct submit_rewrite *rewrite, const struct judged *judged,
                        struct buffer *out)
{
    char date[WIRE_DATE_MAIL_BYTES];
    char id[MESSAGE_ID_LENGTH + 1];

    if (!judged->date) {
        struct slice text = wire_date_mail(rewrite->time_s, date);
        buffer_printf(out, "Date: %.*s\r\n", SLICE_ARG(text));
    }
    if (!judged->message_id) {
        message_id_format(&rewrite->id, id);
        buffer_printf(out, "Message-ID: <%s@%.*s>\r\n", id, SLICE_ARG(rewrite->host_name));
    }
}

/* Puts `header` in place of the `old_size` bytes after the trace. */
static void splice(struct buffer *bytes, size_t trace_size, size_t old_size, struct slice header)
{
    size_t body_size = bytes->size - trace_size - old_size;

    if (header.size > old_size)
        buffer_reserve(bytes, header.size - old_size);
    char *start = bytes->data + trace_size;
    memmove(start + header.size, start + old_size, body_size);
    memcpy(start, header.data, header.size);
    bytes->size = trace_size + header.size + body_size;
}

size_t submit_rewrite_header(const struct submit_rewrite *rewrite, const struct wire_header *header,
                             struct buffer *bytes)
{
    CLEANUP(buffer_done) struct buffer fixed = BUFFER_NONE;
    size_t old_size = bytes->size - rewrite->trace_size - header->body.size;

    buffer_reserve(&fixed, header->text.size + 256);
    struct judged judged = copy_fields(header, rewrite->host_name, &fixed);
    add_missing(rewrite, &judged, &fixed);
    buffer_add(&fixed, SLICE("\r\n"));
    if (judged.dropped || fixed.size != old_size)
        splice(bytes, rewrite->trace_size, old_size, buffer_slice(&fixed));
    return rewrite->trace_size + fixed.size;
}
