/* TSIG (RFC 8945): a DNS message is signed with a key that both sides share, and the answer to it
 * is judged. The clock is the caller's.
 *
 * Truncated MACs (RFC 8945 §5.2.2.1) are not made and not accepted. */
#ifndef LETTERHEAD_WIRE_TSIG_H
#define LETTERHEAD_WIRE_TSIG_H

#include "wire/dns_packet.h"

enum {
    WIRE_TSIG_FUDGE_S = 300, /* RFC 8945 §10 */
    WIRE_TSIG_MAC_BYTES_MAX = 64,
    WIRE_TSIG_SECRET_BYTES_MAX = 512,
};

/* Those that are not advised against (RFC 8945 §6). */
enum wire_tsig_algorithm { WIRE_TSIG_SHA224, WIRE_TSIG_SHA256, WIRE_TSIG_SHA384, WIRE_TSIG_SHA512 };

/* "hmac-sha256", with or without the dot at the end, any case; -EINVAL. */
MUST_CHECK int wire_tsig_algorithm_of(struct slice name, enum wire_tsig_algorithm *ret);

struct wire_tsig_key {
    struct wire_packet_name name;
    enum wire_tsig_algorithm algorithm;
    struct slice secret; /* borrowed */
};

struct wire_tsig_mac {
    uint8_t bytes[WIRE_TSIG_MAC_BYTES_MAX];
    size_t size;
};

/* Signs the whole message in the buffer: the TSIG record is added, the count of additional records
 * grows. The MAC is what the answer will be bound to. */
void wire_tsig_sign(struct buffer *message, const struct wire_tsig_key *key, int64_t time_s,
                    struct wire_tsig_mac *ret_mac);

enum wire_tsig_verdict {
    WIRE_TSIG_GOOD,
    WIRE_TSIG_UNSIGNED,     /* no TSIG at the end of the message: it proves nothing */
    WIRE_TSIG_FORGED,       /* another key, or a MAC that is not right */
    WIRE_TSIG_OUTSIDE_TIME, /* rightly signed, but too long ago, or in the future */
    /* What the server says of our own signature (RFC 8945 §5.2). The first three come unsigned, so
     * anybody may have said them. */
    WIRE_TSIG_BAD_KEY,   /* it does not know the key's name or algorithm */
    WIRE_TSIG_BAD_MAC,   /* its secret is another */
    WIRE_TSIG_BAD_TRUNC, /* it wants a longer MAC */
    WIRE_TSIG_BAD_TIME,  /* signed: its clock and ours differ by more than the fudge */
};

struct wire_tsig_judgement {
    enum wire_tsig_verdict verdict;
    int64_t server_time_s; /* of BAD_TIME: what its clock said; otherwise 0 */
};

/* Judges the answer to a request that was signed with `request_mac`. -EBADMSG: it is no DNS
 * message, or something follows the TSIG record. */
MUST_CHECK int wire_tsig_judge(struct slice message, const struct wire_tsig_key *key,
                               const struct wire_tsig_mac *request_mac, int64_t now_s,
                               struct wire_tsig_judgement *ret);

/* Reads a key file: what `tsig-keygen` prints for BIND, the YAML of `keymgr -t` for Knot DNS, or
 * "algorithm:name:secret" as knsupdate -y takes it. The secret's bytes go to `secret`, which has
 * room for WIRE_TSIG_SECRET_BYTES_MAX, and the key borrows them. *ret_problem says what is wrong,
 * without a word of the file. -EINVAL. */
MUST_CHECK int wire_tsig_key_read(struct slice text, char *secret, struct wire_tsig_key *ret,
                                  const char **ret_problem);

#endif
