/* The mailboxes of an address field (From, Sender, Reply-To: RFC 5322 §3.4), read strictly where a
 * loose reading hides who is meant: groups, routes, obsolete syntax, comments inside an address and
 * encoded words outside a display name are refused (RFC 2047 §5, RFC 6854). Comments around a
 * mailbox are skipped, nested at most LIMIT_COMMENT_DEPTH deep. Addresses come from
 * wire_address_parse and have its normal form. */
#ifndef LETTERHEAD_WIRE_MAILBOX_H
#define LETTERHEAD_WIRE_MAILBOX_H

#include "wire/address.h"

struct mailbox {
    struct slice name; /* display name: unfolded, without quotes, encoded words left encoded */
    struct address address;
};

/* Parses the whole value of a field (folded or not, without its last CR LF). Writes at most `max`
 * mailboxes to ret[]. Returns 0; -EBADMSG for wrong syntax, -ENOSPC for more than `max` mailboxes,
 * -E2BIG for an address past its limits, -EAFNOSUPPORT for UTF-8 in an address where `flags` (see
 * wire_address_flags) does not allow it. */
MUST_CHECK int wire_mailbox_list_parse(struct arena *a, struct slice value, unsigned flags,
                                       size_t max, struct mailbox *ret, size_t *ret_count,
                                       struct wire_error *ret_error);

#endif
