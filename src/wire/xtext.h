/* xtext of RFC 3461 §4: printable ASCII in which "+", "=" and everything else is "+XX" (upper-case
 * hexadecimal). Carries ENVID, ORCPT and AUTH= values through SMTP commands. */
#ifndef LETTERHEAD_WIRE_XTEXT_H
#define LETTERHEAD_WIRE_XTEXT_H

#include "base/arena.h"
#include "base/buffer.h"

void wire_xtext_encode(struct buffer *b, struct slice bytes);

/* Decodes into the arena. -EBADMSG for what is not xtext. The result may hold any byte: the caller
 * checks what its field allows. */
MUST_CHECK int wire_xtext_decode(struct arena *a, struct slice text, struct slice *ret);

/* The utf-8 address type of RFC 6533 §3 (utf-8-addr-xtext and -unitext): like text, with \x{HEX}
 * for characters. -EBADMSG also for an escape that is no character. */
MUST_CHECK int wire_xtext_decode_utf8(struct arena *a, struct slice text, struct slice *ret);

#endif
