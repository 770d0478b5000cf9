/* Mail addresses as SMTP has them (RFC 5321 §4.1.2, RFC 6531 §3.3). There is one parser and one
 * normal form, used alike by policy, suppression, routing and the wire, so that no two of them can
 * read an address differently: the local part is the bytes that are meant (no quotes, no
 * backslashes, case kept), the domain is in A-labels, lower case, without a final dot.
 *
 * Stricter than the RFC: no source routes, no local part that looks like an encoded word, IPv4
 * octets without leading zeros, no literals but IPv4 and IPv6. U-labels are mapped once (UTS 46,
 * non-transitional), so a fullwidth or upper-case spelling is the same domain afterwards. The
 * slices of a parsed address lie in the arena. */
#ifndef LETTERHEAD_WIRE_ADDRESS_H
#define LETTERHEAD_WIRE_ADDRESS_H

#include "base/arena.h"
#include "base/buffer.h"
#include "wire/error.h"

enum wire_address_flags {
    WIRE_ADDRESS_UTF8 = 1,    /* UTF-8 in the local part and U-labels are allowed */
    WIRE_ADDRESS_LITERAL = 2, /* [192.0.2.1] and [IPv6:...] are allowed as domain */
    WIRE_PATH_NULL = 4,       /* <> is allowed (wire_path_parse) */
    WIRE_PATH_POSTMASTER = 8, /* <Postmaster> is allowed (RFC 5321 §4.1.1.3) */
};

struct address {
    struct slice local;
    struct slice domain; /* a literal keeps its brackets; empty for the null path and Postmaster */
    bool local_quoted;   /* the local part must be quoted when written */
    bool literal;
    bool needs_smtputf8; /* the local part is not ASCII: no next hop without RFC 6531 takes it */
};

/* Parses all of `text` as local@domain. Returns 0; -EBADMSG for wrong syntax, -E2BIG past a limit
 * (RFC 5321 §4.5.3.1), -EAFNOSUPPORT for UTF-8 without WIRE_ADDRESS_UTF8; *ret_error then says
 * why and where. */
MUST_CHECK int wire_address_parse(struct arena *a, struct slice text, unsigned flags,
                                  struct address *ret, struct wire_error *ret_error);

/* Parses a path, "<...>", at the front of `text`, and how many bytes of it that took. Errors as
 * above. The null path gives an address that wire_address_is_null() knows. */
MUST_CHECK int wire_path_parse(struct arena *a, struct slice text, unsigned flags,
                               struct address *ret, size_t *ret_size, struct wire_error *ret_error);

/* How many bytes at the front of `text` are a path, going by brackets and quotes alone; 0 when it
 * does not start with "<" or is never closed. */
size_t wire_path_extent(struct slice text);

/* Parses and normalises a domain name alone, no literal. Errors as above. */
MUST_CHECK int wire_domain_parse(struct arena *a, struct slice text, unsigned flags,
                                 struct slice *ret, struct wire_error *ret_error);

/* True for the reverse-path "<>" (RFC 5321 §4.5.5). */
static inline bool wire_address_is_null(const struct address *address)
{
    return address->local.size == 0 && address->domain.size == 0;
}

/* Writes the canonical form, which parses back to the same address; the null path writes nothing.
 */
void wire_address_format(struct buffer *b, const struct address *address);
struct slice wire_address_text(struct arena *a, const struct address *address);

/* Same mailbox: domains without case (they are lower case already), local parts bytewise. */
bool wire_address_equal(const struct address *left, const struct address *right);

#endif
