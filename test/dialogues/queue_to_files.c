/* See queue_to_files.h. */
#include "queue_to_files.h"

#include "base/log.h"
#include "wire/address.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void write_file(const struct queue *q, const char *kind, struct slice bytes)
{
    char path[1024];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%u.%s", q->folder, q->count, kind);
    file = fopen(path, "wb");
    if (!file || fwrite(bytes.data, 1, bytes.size, file) != bytes.size || fclose(file))
        abort();
}

static json_t *text(struct slice s)
{
    json_t *value = json_stringn(s.data ? s.data : "", s.size);

    return value ? value : json_string("(not UTF-8)");
}

static json_t *recipients_of(const struct queue_submission *submission)
{
    json_t *all = json_array();

    for (size_t i = 0; i < submission->recipient_count; i++) {
        const struct queue_recipient *r = &submission->recipients[i];
        json_array_append_new(all, json_pack("{s:o s:o s:i s:o}", "address", text(r->address),
                                             "domain", text(r->domain), "notify", r->notify,
                                             "orcpt", text(r->orcpt)));
    }
    return all;
}

static json_t *hex_of(const unsigned char *bytes, size_t size)
{
    CLEANUP(buffer_done) struct buffer hex = BUFFER_NONE;

    for (size_t i = 0; i < size; i++)
        buffer_printf(&hex, "%02x", bytes[i]);
    return text(buffer_slice(&hex));
}

static json_t *envelope_of(const struct queue_submission *s)
{
    char id[MESSAGE_ID_LENGTH + 1];

    message_id_format(&s->id, id);
    return json_pack("{s:s s:I s:I s:o s:o s:o s:o s:o s:i s:b s:b s:i s:o s:o}", "id", id, "site",
                     (json_int_t)s->site_id, "credential", (json_int_t)s->credential_id,
                     "from_domain", text(s->from_domain), "header_from", text(s->header_from),
                     "envelope_from", text(s->envelope_from), "subject", text(s->subject), "envid",
                     text(s->envid), "ret", s->ret, "eight_bit", s->eight_bit, "smtputf8",
                     s->smtputf8, "header_size", (int)s->header_size, "body_hash",
                     hex_of(s->body_hash, sizeof(s->body_hash)), "recipients", recipients_of(s));
}

int queue_accept(struct task *t, struct queue *q, struct queue_submission *submission)
{
    json_t *envelope;
    char *encoded;
    int r = 0;

    while (q->slow && r == 0)
        r = condition_wait(t, &q->go_on);
    if (r || q->result)
        return r ? r : q->result;
    q->count++;
    if (q->discards)
        return 0;
    write_file(q, "eml", buffer_slice(&submission->content));
    buffer_done(&submission->content);
    envelope = envelope_of(submission);
    encoded = json_dumps(envelope, JSON_INDENT(1));
    json_decref(envelope);
    write_file(q, "json", slice_text(encoded));
    free(encoded);
    return 0;
}

int queue_room(const struct queue *q)
{
    return q->room;
}
