#include "wire/from.h"

static const struct {
    const char *word;
    const char *sentence;
} verdicts[] = {
    [WIRE_FROM_OK] = {"ok", "The message has one From with one mailbox."},
    [WIRE_FROM_MISSING] = {"no-from",
                           "The message has no From field. Add one with the sender's address."},
    [WIRE_FROM_REPEATED] = {"several-from-fields",
                            "The message has more than one From field, so it is not clear who "
                            "sends it. Leave exactly one."},
    [WIRE_FROM_SEVERAL] = {"several-mailboxes", "From names more than one mailbox. Name one only."},
    [WIRE_FROM_UNREADABLE] = {"unreadable-from",
                              "From is not a mailbox that every reader would read alike. Write it "
                              "as \"Name\" <address@domain>."},
    [WIRE_FROM_SENDER_REPEATED] = {"several-sender-fields",
                                   "The message has more than one Sender field. Leave one at "
                                   "most."},
    [WIRE_FROM_SENDER_UNREADABLE] = {"unreadable-sender",
                                     "Sender is not one mailbox. Correct it or leave it out."},
    [WIRE_FROM_RESENT_UNREADABLE] = {"unreadable-resent",
                                     "A Resent-From or Resent-Sender field is not a list of "
                                     "mailboxes. Correct it or leave it out."},
    [WIRE_FROM_TOO_MANY_CLAIMS] = {"too-many-senders",
                                   "Sender and the Resent fields name more than 16 mailboxes. "
                                   "Leave out the Resent fields."},
};

const char *wire_from_sentence(enum wire_from_verdict verdict)
{
    return verdicts[verdict].sentence;
}

const char *wire_from_word(enum wire_from_verdict verdict)
{
    return verdicts[verdict].word;
}

static enum wire_from_verdict judge_from(struct arena *a, const struct wire_header *h,
                                         struct wire_from *ret)
{
    size_t count;
    int r;

    ret->field = wire_header_find(h, SLICE("From"), NULL);
    if (!ret->field)
        return WIRE_FROM_MISSING;
    if (wire_header_find(h, SLICE("From"), ret->field))
        return WIRE_FROM_REPEATED;
    r = wire_mailbox_list_parse(a, ret->field->value, WIRE_ADDRESS_UTF8, 1, &ret->from, &count,
                                &ret->error);
    if (r == -ENOSPC)
        return WIRE_FROM_SEVERAL;
    return r < 0 ? WIRE_FROM_UNREADABLE : WIRE_FROM_OK;
}

/* Adds the mailboxes of one field to the claims; `unreadable` is the verdict if it has none. */
static enum wire_from_verdict add_claims(struct arena *a, const struct wire_field *field,
                                         enum wire_from_verdict unreadable, struct wire_from *ret)
{
    struct mailbox mailboxes[WIRE_FROM_CLAIMS_MAX];
    size_t count = 0, room = WIRE_FROM_CLAIMS_MAX - ret->claim_count;
    int r = wire_mailbox_list_parse(a, field->value, WIRE_ADDRESS_UTF8, room, mailboxes, &count,
                                    &ret->error);

    if (r == 0) {
        for (size_t i = 0; i < count; i++)
            ret->claims[ret->claim_count++] = (struct wire_claim){field->name, mailboxes[i]};
        return WIRE_FROM_OK;
    }
    ret->field = field;
    return r == -ENOSPC ? WIRE_FROM_TOO_MANY_CLAIMS : unreadable;
}

/* RFC 5322 §3.6.2: Sender is one mailbox, and there once at most. */
static enum wire_from_verdict judge_sender(struct arena *a, const struct wire_header *h,
                                           struct wire_from *ret)
{
    const struct wire_field *sender = wire_header_find(h, SLICE("Sender"), NULL);
    enum wire_from_verdict verdict;

    if (!sender)
        return WIRE_FROM_OK;
    verdict = add_claims(a, sender, WIRE_FROM_SENDER_UNREADABLE, ret);
    if (verdict == WIRE_FROM_OK && wire_header_find(h, SLICE("Sender"), sender))
        verdict = WIRE_FROM_SENDER_REPEATED;
    if (verdict == WIRE_FROM_OK && ret->claim_count > 1)
        verdict = WIRE_FROM_SENDER_UNREADABLE;
    if (verdict != WIRE_FROM_OK)
        ret->field = sender;
    return verdict;
}

static enum wire_from_verdict judge_resent(struct arena *a, const struct wire_header *h,
                                           struct slice name, struct wire_from *ret)
{
    const struct wire_field *field = NULL;
    enum wire_from_verdict verdict = WIRE_FROM_OK;

    while (verdict == WIRE_FROM_OK && (field = wire_header_find(h, name, field)))
        verdict = add_claims(a, field, WIRE_FROM_RESENT_UNREADABLE, ret);
    return verdict;
}

void wire_from_judge(struct arena *a, const struct wire_header *h, struct wire_from *ret)
{
    *ret = (struct wire_from){.return_path_count = wire_header_count(h, SLICE("Return-Path"))};

    ret->verdict = judge_from(a, h, ret);
    if (ret->verdict == WIRE_FROM_OK)
        ret->verdict = judge_sender(a, h, ret);
    if (ret->verdict == WIRE_FROM_OK)
        ret->verdict = judge_resent(a, h, SLICE("Resent-From"), ret);
    if (ret->verdict == WIRE_FROM_OK)
        ret->verdict = judge_resent(a, h, SLICE("Resent-Sender"), ret);
}
