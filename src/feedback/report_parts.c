#include "feedback/report_parts.h"

#include "base/buffer.h"
#include "base/limits.h"

#include <gmime/gmime.h>

struct walk {
    struct arena *arena;
    struct feedback_parts *parts;
    struct buffer text, html, status, feedback, returned;
    size_t count;
};

static void add_part(struct buffer *to, struct slice s)
{
    size_t room = LIMIT_REPORT_TEXT_BYTES -
                  (to->size < LIMIT_REPORT_TEXT_BYTES ? to->size : (size_t)LIMIT_REPORT_TEXT_BYTES);

    if (to->size > 0)
        buffer_add(to, SLICE("\n\n"));
    buffer_add(to, slice_part(s, 0, room));
}

/* A part's content without its transfer encoding. */
static void add_content(struct buffer *to, GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *stream;
    GByteArray *bytes;

    if (!content)
        return;
    stream = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(content, stream);
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    add_part(to, slice_of(bytes->data, bytes->len));
    g_object_unref(stream);
}

/* Some attach the returned header as plain text. */
static bool looks_like_header(struct slice text)
{
    struct slice line, rest = text;
    ssize_t colon;

    slice_cut(&rest, '\n', &line);
    colon = slice_find(line, ':');
    return colon > 0 && slice_find(slice_part(line, 0, (size_t)colon), ' ') < 0 &&
           slice_find_slice(rest, SLICE("\nReceived: ")) >= 0;
}

static void add_text(struct walk *w, struct buffer *to, GMimeTextPart *part)
{
    char *text = g_mime_text_part_get_text(part);

    if (text)
        add_part(to->size > 0 && looks_like_header(slice_text(text)) ? &w->returned : to,
                 slice_text(text));
    g_free(text);
}

/* The header of a message that was sent back, whole or in part. */
static void add_header_of(struct walk *w, GMimeObject *object)
{
    char *header = g_mime_object_get_headers(object, NULL);

    if (header)
        add_part(&w->returned, slice_text(header));
    g_free(header);
}

static void walk(struct walk *w, GMimeObject *object, int depth);

/* The message that is reported on; or, where a gateway wrapped a report, the report itself. */
static void take_message(struct walk *w, GMimeMessagePart *part, int depth)
{
    GMimeMessage *message = g_mime_message_part_get_message(part);
    GMimeObject *content = message ? g_mime_message_get_mime_part(message) : NULL;

    if (!message)
        return;
    if (content &&
        g_mime_content_type_is_type(g_mime_object_get_content_type(content), "multipart",
                                    "report") &&
        w->status.size == 0)
        walk(w, content, depth + 1);
    else
        add_header_of(w, GMIME_OBJECT(message));
}

static void take_part(struct walk *w, GMimeObject *object)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);

    if (!GMIME_IS_PART(object))
        return;
    if (g_mime_content_type_is_type(type, "message", "delivery-status") ||
        g_mime_content_type_is_type(type, "message", "global-delivery-status"))
        add_content(&w->status, GMIME_PART(object));
    else if (g_mime_content_type_is_type(type, "message", "feedback-report"))
        add_content(&w->feedback, GMIME_PART(object));
    else if (g_mime_content_type_is_type(type, "text", "rfc822-headers") ||
             g_mime_content_type_is_type(type, "message", "*"))
        add_content(&w->returned, GMIME_PART(object));
    else if (GMIME_IS_TEXT_PART(object) && w->returned.size == 0)
        add_text(w, g_mime_content_type_is_type(type, "text", "html") ? &w->html : &w->text,
                 GMIME_TEXT_PART(object));
}

static void walk(struct walk *w, GMimeObject *object, int depth)
{
    if (!object || depth > LIMIT_REPORT_DEPTH || w->count++ >= LIMIT_REPORT_PARTS)
        return;
    if (GMIME_IS_MESSAGE_PART(object))
        take_message(w, GMIME_MESSAGE_PART(object), depth);
    else if (GMIME_IS_MULTIPART(object))
        for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); i++)
            walk(w, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), depth + 1);
    else
        take_part(w, object);
}

/* Tags become line ends; entities stay: only words are looked for. */
static void strip_html(struct slice html, struct buffer *ret)
{
    bool inside = false;

    for (size_t i = 0; i < html.size; i++) {
        if (html.data[i] == '<') {
            inside = true;
            buffer_add_byte(ret, '\n');
        } else if (html.data[i] == '>') {
            inside = false;
        } else if (!inside) {
            buffer_add_byte(ret, html.data[i]);
        }
    }
}

static struct slice header(struct walk *w, GMimeMessage *message, const char *name)
{
    const char *value = g_mime_object_get_header(GMIME_OBJECT(message), name);

    return arena_copy(w->arena, slice_part(slice_text(value), 0, LIMIT_REPORT_FIELD_BYTES));
}

static void take_header(struct walk *w, GMimeMessage *message)
{
    struct feedback_parts *p = w->parts;
    char *decoded = g_mime_utils_header_decode_text(
        NULL, g_mime_object_get_header(GMIME_OBJECT(message), "Subject") ?: "");

    p->subject = arena_copy(w->arena, slice_part(slice_text(decoded), 0, LIMIT_REPORT_FIELD_BYTES));
    g_free(decoded);
    p->from = header(w, message, "From");
    p->auto_submitted = header(w, message, "Auto-Submitted");
    p->precedence = header(w, message, "Precedence");
    p->autoreply = header(w, message, "X-Autoreply");
    p->in_reply_to = header(w, message, "In-Reply-To");
    p->to = header(w, message, "To");
}

/* People forward reports with "> " before each line. */
static struct slice unquoted(struct arena *a, struct slice text)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    struct slice line;

    while (text.size > 0) {
        slice_cut(&text, '\n', &line);
        if (slice_starts(line, SLICE("> ")))
            line = slice_part(line, 2, line.size);
        else if (slice_equal(line, SLICE(">")))
            line = SLICE_NONE;
        buffer_add(&out, line);
        buffer_add_byte(&out, '\n');
    }
    return arena_copy(a, buffer_slice(&out));
}

static void keep(struct walk *w)
{
    struct feedback_parts *p = w->parts;

    if (slice_trim(buffer_slice(&w->text)).size == 0)
        strip_html(buffer_slice(&w->html), &w->text);
    p->text = unquoted(w->arena, buffer_slice(&w->text));
    p->status = arena_copy(w->arena, buffer_slice(&w->status));
    p->feedback = arena_copy(w->arena, buffer_slice(&w->feedback));
    p->returned = arena_copy(w->arena, buffer_slice(&w->returned));
    buffer_done(&w->text);
    buffer_done(&w->html);
    buffer_done(&w->status);
    buffer_done(&w->feedback);
    buffer_done(&w->returned);
}

/* Where MIME leads to nothing (a boundary that is not there), all of the body is text. */
static void take_raw_body(struct walk *w, struct slice message)
{
    ssize_t end = slice_find_slice(message, SLICE("\n\n"));

    if (end < 0)
        end = slice_find_slice(message, SLICE("\n\r\n"));
    if (end >= 0 && w->text.size + w->html.size + w->status.size + w->feedback.size == 0)
        add_part(&w->text, slice_part(message, (size_t)end, message.size));
}

/* Mailboxes of old put a line of their own before the header. */
static struct slice without_mbox_line(struct slice message)
{
    struct slice line, rest = message;

    if (!slice_starts(message, SLICE("From ")))
        return message;
    slice_cut(&rest, '\n', &line);
    return rest;
}

void feedback_parts_read(struct arena *a, struct slice message, struct feedback_parts *ret)
{
    struct walk w = {.arena = a, .parts = ret};
    GMimeStream *stream;
    GMimeParser *parser;
    GMimeMessage *parsed;

    *ret = (struct feedback_parts){0};
    message = slice_part(without_mbox_line(message), 0, LIMIT_REPORT_BYTES);
    if (message.size == 0)
        return;
    stream = g_mime_stream_mem_new_with_buffer(message.data, message.size);
    parser = g_mime_parser_new_with_stream(stream);
    parsed = g_mime_parser_construct_message(parser, NULL);
    if (parsed) {
        take_header(&w, parsed);
        walk(&w, g_mime_message_get_mime_part(parsed), 0);
        g_object_unref(parsed);
    }
    take_raw_body(&w, message);
    keep(&w);
    g_object_unref(parser);
    g_object_unref(stream);
}
