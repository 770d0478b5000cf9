/* From collected content to an accepted message: the one gate through which mail enters, by SMTP
 * and by the steward alike. Judges who the message says it is from (DESIGN §9), puts its header
 * right, hands it to the queue, and says what the submitter is to be told. What is accepted here is
 * on stable storage when the reply is 250. */
#ifndef LETTERHEAD_SUBMIT_ACCEPT_H
#define LETTERHEAD_SUBMIT_ACCEPT_H

#include "submit/service.h"
#include "wire/smtp_command.h"

/* Who submits. Looked up in the directory again when it counts: a site may be paused and a
 * credential revoked while a message comes in. */
struct submit_sender {
    uint64_t site_id;
    struct slice access_key_id; /* empty: the steward, on the operator's word */
    struct slice hello;         /* what the client called itself; empty: not SMTP */
    struct endpoint address;    /* of the client; family 0: not SMTP */
    const char *protocol;       /* for Received: "ESMTPSA", … (RFC 3848, RFC 6531 §4.3) */
};

/* What MAIL and RCPT said; addresses in canonical form. */
struct submit_envelope {
    struct address from; /* null for <> */
    bool smtputf8;       /* asked for: the header may have UTF-8 */
    bool requiretls;     /* asked for: verified TLS on all its way (RFC 8689) */
    struct slice envid;
    uint8_t ret; /* enum smtp_ret */
    const struct queue_recipient *recipients;
    size_t recipient_count;
};

/* A message in reception. `bytes` begins with our Received field (trace_size bytes of it), then
 * what the client sent. */
struct submit_content {
    struct message_id id;
    struct buffer bytes;
    size_t trace_size;
    struct submit_draw draw;
};

/* Makes the id and writes the trace field, so that nothing need be moved when the content is there;
 * `size_hint` is what the client declared, or 0. -ENOBUFS when the budget is used up. */
MUST_CHECK int submit_content_begin(struct task *t, struct submit_service *service,
                                    const struct submit_sender *sender, uint64_t size_hint,
                                    struct submit_content *ret);
/* The same with an id that the submitter made. */
MUST_CHECK int submit_content_begin_as(struct task *t, struct submit_service *service,
                                       const struct submit_sender *sender,
                                       const struct message_id *id, uint64_t size_hint,
                                       struct submit_content *ret);
/* Frees what was not handed over; for CLEANUP. */
void submit_content_done(struct submit_content *content);

/* Judges and accepts. Always gives a reply (in *ret_reply; its text lies in the arena or is
 * static): 250 "Ok <message id>", or why not. An error only when the task must end. */
MUST_CHECK int submit_accept(struct task *t, struct submit_service *service, struct arena *arena,
                             const struct submit_sender *sender,
                             const struct submit_envelope *envelope, struct submit_content *content,
                             struct wire_reply *ret_reply);

/* What MAIL is told before anything else: NULL when this sender may submit now. */
const struct wire_reply *submit_sender_check(const struct submit_service *service,
                                             const struct submit_sender *sender);
/* Whether the sender's quota has room for a message now; false: *ret_refusal, in the arena. */
bool submit_quota_check(struct task *t, struct submit_service *service, struct arena *arena,
                        const struct submit_sender *sender, struct wire_reply *ret_refusal);

#endif
