/* What the spool keeps of a message beside its content: the body of a MESSAGE record. Pure codec.
 *
 * The envelope is written once, when the message is accepted. When the message is moved to another
 * segment its envelope goes with it unchanged, followed by the progress of each recipient. */
#ifndef LETTERHEAD_QUEUE_ENVELOPE_H
#define LETTERHEAD_QUEUE_ENVELOPE_H

#include "queue/event.h"

enum {
    QUEUE_ADDRESS_BYTES_MAX =
        1024, /* an address as formatted: quoting and A-labels make it longer */
    QUEUE_ENVELOPE_TEXT_BYTES_MAX = 6000, /* domain, addresses, subject and envid together */
};

struct queue_envelope {
    struct message_id id;
    uint64_t site_id;
    uint64_t credential_id;
    int64_t accepted_us, expires_us; /* Unix time */
    struct slice from_domain, header_from, envelope_from, subject, envid;
    uint8_t ret;
    bool eight_bit, smtputf8, bulk, tls_required, tls_relaxed;
    unsigned char body_hash[32];
    uint32_t header_size;
    uint32_t content_size;
    uint32_t recipient_count;
    struct slice recipients; /* read with queue_envelope_recipient */
    struct slice fixed;      /* when read: all of the above as bytes, for a copy */
};

struct queue_envelope_recipient {
    struct slice address, domain, orcpt;
    uint8_t notify;
    bool suppressed; /* ended as it was accepted */
};

enum queue_progress_state {
    QUEUE_PROGRESS_OPEN = 0,
    QUEUE_PROGRESS_HELD,
    QUEUE_PROGRESS_FINISHED,
};

/* How far a recipient has come. All zero: never tried. */
struct queue_progress {
    enum queue_progress_state state;
    bool ambiguous;
    bool under_way; /* in a job */
    uint16_t reply_code;
    uint32_t attempts;
    int64_t due_us; /* Unix time */
};

void queue_envelope_recipient_write(struct buffer *recipients,
                                    const struct queue_envelope_recipient *recipient);
/* Takes the first one off; false: no more. */
bool queue_envelope_recipient(struct slice *recipients, struct queue_envelope_recipient *ret);

/* A fresh message: envelope only. */
void queue_envelope_write(struct buffer *b, const struct queue_envelope *envelope);
/* A copy: `fixed` of the envelope that was read, how often the gateway crashed over it, and
 * recipient_count progresses, each added with queue_progress_write. */
void queue_envelope_write_copy(struct buffer *b, struct slice fixed, uint8_t crashes);
void queue_progress_write(struct buffer *b, const struct queue_progress *progress);

/* Reads either: for a fresh message *ret_crashes is 0 and *ret_progress is empty. Everything is
 * checked (counts, sizes), so that the readers of recipients and progress cannot fail. -EBADMSG. */
MUST_CHECK int queue_envelope_read(struct slice body, bool copy, struct queue_envelope *ret,
                                   uint8_t *ret_crashes, struct slice *ret_progress);
/* Takes the first one off. */
bool queue_progress_read(struct slice *progresses, struct queue_progress *ret);

/* The message's ACCEPTED events, numbered from `sequence`: at least one, more when the recipients
 * do not fit one event; then a SUPPRESSED one for each recipient that is. Returns how many; with
 * `b` NULL only counts. */
uint16_t queue_envelope_events(const struct queue_envelope *envelope, uint64_t sequence,
                               struct buffer *b);

#endif
