/* Who a message says it is from, and whether that can be said at all (RFC 5322 §3.6.2, stricter):
 * exactly one From with exactly one mailbox. Whether the sender may use that address is policy and
 * is decided elsewhere, from what is collected here. */
#ifndef LETTERHEAD_WIRE_FROM_H
#define LETTERHEAD_WIRE_FROM_H

#include "wire/header.h"

enum wire_from_verdict {
    WIRE_FROM_OK,
    WIRE_FROM_MISSING,         /* no From */
    WIRE_FROM_REPEATED,        /* more than one From */
    WIRE_FROM_SEVERAL,         /* more than one mailbox in it */
    WIRE_FROM_UNREADABLE,      /* not a mailbox; `error` says why */
    WIRE_FROM_SENDER_REPEATED, /* more than one Sender */
    WIRE_FROM_SENDER_UNREADABLE,
    WIRE_FROM_RESENT_UNREADABLE, /* Resent-From or Resent-Sender */
    WIRE_FROM_TOO_MANY_CLAIMS,   /* Sender and Resent-* name more than WIRE_FROM_CLAIMS_MAX */
};

enum { WIRE_FROM_CLAIMS_MAX = 16 };

/* A further identity that the message claims: policy judges it as it judges From. */
struct wire_claim {
    struct slice field; /* "Sender", "Resent-From", "Resent-Sender" */
    struct mailbox mailbox;
};

struct wire_from {
    enum wire_from_verdict verdict;
    struct mailbox from;            /* when WIRE_FROM_OK */
    struct wire_error error;        /* when *_UNREADABLE: what and where in `field` */
    const struct wire_field *field; /* the field that was refused, or From */
    struct wire_claim claims[WIRE_FROM_CLAIMS_MAX];
    size_t claim_count;
    size_t return_path_count; /* Return-Path fields: to be stripped (RFC 5321 §4.4) */
};

/* Judges; always writes *ret. Slices lie in the arena or in the message. */
void wire_from_judge(struct arena *a, const struct wire_header *h, struct wire_from *ret);

/* What the verdict means and what to do: a sentence for people. */
const char *wire_from_sentence(enum wire_from_verdict verdict);
/* A word for programs, such as "several-mailboxes". */
const char *wire_from_word(enum wire_from_verdict verdict);

#endif
