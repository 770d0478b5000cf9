/* Is what arrived what was sent, and whose signature does it carry? A sentence of what is wrong, or
 * NULL. */
#ifndef LETTERHEAD_SIM_JUDGE_H
#define LETTERHEAD_SIM_JUDGE_H

#include "base/slice.h"

/* The body is the same to the byte, and so are the fields that were sent, but Bcc, in their order.
 * What is new is a Received, a signature, or a Date or Message-ID where none was. */
const char *judge_content(struct slice sent, struct slice received);

/* There is one signature, d= is `domain`, and it is good under the raw Ed25519 key (RFC 8463). */
const char *judge_signature(struct slice content, struct slice domain, struct slice public_key);

#endif
