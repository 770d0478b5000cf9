/* The TXT record at _smtp._tls.<domain>, by which a domain asks for reports on the security of the
 * connections that bring its mail (RFC 8460 §3): v=TLSRPTv1; rua=mailto:…,https://… Pure. */
#ifndef LETTERHEAD_WIRE_TLSRPT_H
#define LETTERHEAD_WIRE_TLSRPT_H

#include "base/limits.h"
#include "base/slice.h"

enum wire_tlsrpt_kind { WIRE_TLSRPT_MAILTO = 1, WIRE_TLSRPT_HTTPS };

struct wire_tlsrpt_destination {
    enum wire_tlsrpt_kind kind;
    struct slice uri; /* as it stands in the record: printable ASCII */
    /* MAILTO: the address, decoded (RFC 6068 §2); printable ASCII, yet to be read as an address. */
    char address[LIMIT_PATH_BYTES + 1];
};

/* Destinations that cannot be used (another scheme, no address in it) are left out, and so is what
 * goes beyond LIMIT_TLSRPT_DESTINATIONS. */
struct wire_tlsrpt_record {
    struct wire_tlsrpt_destination destinations[LIMIT_TLSRPT_DESTINATIONS];
    size_t destination_count;
};

/* Reads one TXT record, its strings joined. 0; -ENOENT: it is about something else; -EBADMSG: it
 * begins as such a record and is not one, or has no destination that can be used. The slices lie
 * in `record`. */
MUST_CHECK int wire_tlsrpt_record_parse(struct slice record, struct wire_tlsrpt_record *ret);

#endif
