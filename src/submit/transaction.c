#include "submit/transaction.h"

#include "wire/xtext.h"

enum { FIRST_ROOM = 4 };

void submit_transaction_reset(struct submit_transaction *x)
{
    arena_done(&x->arena);
    *x = SUBMIT_TRANSACTION_NONE;
}

void submit_transaction_mail(struct submit_transaction *x, const struct smtp_mail *mail)
{
    assert(!x->open);
    x->open = true;
    x->size_hint = mail->size_bytes;
    x->envelope = (struct submit_envelope){.from = mail->from,
                                           .smtputf8 = mail->smtputf8,
                                           .requiretls = mail->requiretls,
                                           .envid = mail->envid,
                                           .ret = mail->ret};
}

static void make_room(struct submit_transaction *x)
{
    size_t count = x->envelope.recipient_count;
    size_t room = x->recipient_room ? x->recipient_room * 2 : FIRST_ROOM;
    struct queue_recipient *larger;

    if (count < x->recipient_room)
        return;
    larger = ARENA_ARRAY(&x->arena, struct queue_recipient, room);
    if (count)
        memcpy(larger, x->recipients, count * sizeof(*larger));
    x->recipients = larger;
    x->recipient_room = room;
    x->envelope.recipients = larger;
}

static bool is_there(const struct submit_transaction *x, struct slice address)
{
    for (size_t i = 0; i < x->envelope.recipient_count; i++) {
        if (slice_equal(x->recipients[i].address, address))
            return true;
    }
    return false;
}

/* The next hop is told in xtext what we were told (RFC 3461 §5.2.1). */
static struct slice write_orcpt(struct arena *arena, const struct smtp_rcpt *rcpt)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    if (!rcpt->orcpt_type.size)
        return SLICE_NONE;
    buffer_add(&text, rcpt->orcpt_type);
    buffer_add_byte(&text, ';');
    wire_xtext_encode(&text, rcpt->orcpt);
    return arena_copy(arena, buffer_slice(&text));
}

static void add(struct submit_transaction *x, const struct smtp_rcpt *rcpt, struct slice address)
{
    make_room(x);
    x->recipients[x->envelope.recipient_count++] =
        (struct queue_recipient){.address = address,
                                 .domain = rcpt->to.domain,
                                 .notify = (uint8_t)rcpt->notify,
                                 .orcpt = write_orcpt(&x->arena, rcpt)};
}

struct wire_reply submit_transaction_rcpt(struct submit_transaction *x,
                                          const struct smtp_rcpt *rcpt, size_t recipients_max)
{
    struct slice address;

    address = wire_address_text(&x->arena, &rcpt->to);
    if (!is_there(x, address)) {
        if (x->envelope.recipient_count >= recipients_max)
            return (struct wire_reply){452, "4.5.3",
                                       "Too many recipients; send them in another message"};
        add(x, rcpt, address);
    }
    return (struct wire_reply){250, "2.1.5", "Ok"};
}
