/* What MAIL and RCPT have said so far (RFC 5321 §3.3), in one arena that is dropped with the
 * transaction. Knows the rules that addresses and parameters must keep; not who may say them. */
#ifndef LETTERHEAD_SUBMIT_TRANSACTION_H
#define LETTERHEAD_SUBMIT_TRANSACTION_H

#include "submit/accept.h"

struct submit_transaction {
    struct arena arena; /* commands are parsed into it, too */
    bool open;          /* MAIL was accepted */
    struct submit_envelope envelope;
    struct queue_recipient *recipients; /* the envelope's, with room to grow */
    size_t recipient_room;
    uint64_t size_hint; /* MAIL SIZE=, or 0 */
};

#define SUBMIT_TRANSACTION_NONE ((struct submit_transaction){.arena = ARENA_NONE})

/* Forgets all; for CLEANUP and RSET. */
void submit_transaction_reset(struct submit_transaction *x);

/* Begins. The command was parsed into x->arena. */
void submit_transaction_mail(struct submit_transaction *x, const struct smtp_mail *mail);

/* Adds a recipient, unless it is there already (it gets one copy), and says what to reply. */
struct wire_reply submit_transaction_rcpt(struct submit_transaction *x,
                                          const struct smtp_rcpt *rcpt, size_t recipients_max);

#endif
