/* What DNS data looks like as text: TXT contents cut into strings of at most 255 bytes (RFC 1035
 * §3.3.14), quoted as in a zone file (RFC 1035 §5.1), and back; and which names are names. Names
 * are in ASCII (A-labels); nothing here asks the DNS. */
#ifndef LETTERHEAD_WIRE_DNS_TEXT_H
#define LETTERHEAD_WIRE_DNS_TEXT_H

#include "base/buffer.h"

enum {
    WIRE_DNS_STRING_BYTES_MAX = 255,
    WIRE_DNS_NAME_BYTES_MAX = 253, /* as text, without the dot at the end */
};

/* Adds `text` as quoted strings with a space between: "v=DKIM1; k=rsa; p=MII…" "…IDAQAB". Quotes
 * and backslashes are escaped, bytes that do not print are written as \DDD. Empty text is "". */
void wire_dns_text_quote(struct buffer *out, struct slice text);

/* Reads strings as a zone file has them, quoted or bare, with blanks between, and adds their joined
 * contents. -EINVAL (out as before) for an open quote, a bad escape, a bare `;` `(` `)` or a string
 * of more than 255 bytes. */
MUST_CHECK int wire_dns_text_unquote(struct slice presentation, struct buffer *out);

/* Adds `text` as the RDATA of a TXT record: each string after its length byte. */
void wire_dns_text_encode(struct buffer *out, struct slice text);

/* Adds the joined strings of a TXT record's RDATA. -EBADMSG (out as before) if lengths and size do
 * not agree or there is no string at all. */
MUST_CHECK int wire_dns_text_decode(struct slice rdata, struct buffer *out);

/* True for a domain name of letters, digits, hyphens and underscores: labels of 1 to 63 bytes that
 * neither begin nor end with a hyphen, at most 253 bytes, no dot at the end. Owners of records
 * (`_dmarc.example.org`) and selectors are of this kind. */
bool wire_dns_name_valid(struct slice name);

/* The same without underscores, and the last label is not all digits (RFC 1123 §2.1): a name that
 * may stand for a host or a mail domain and cannot be mistaken for an address. */
bool wire_dns_host_valid(struct slice name);

#endif
