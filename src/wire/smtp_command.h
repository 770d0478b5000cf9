/* One SMTP command line, from text to typed arguments or to the reply that refuses it (RFC 5321,
 * 1870, 3461, 4954, 6152, 6531). Knows syntax only: whether a command fits the session's state, and
 * whether an address may be used, is the session's to decide.
 *
 * Strict by default: a path needs its angle brackets. Tolerated because they are common and have
 * one meaning only: a space after "FROM:" or "TO:", several spaces between words, spaces at the end
 * of the line (RFC 5321 §4.1.1), an underscore in the EHLO name. */
#ifndef LETTERHEAD_WIRE_SMTP_COMMAND_H
#define LETTERHEAD_WIRE_SMTP_COMMAND_H

#include "wire/address.h"

/* A reply that is ready to send (wire_reply_format). Texts are static or lie in the arena; nothing
 * that a client sent is echoed. */
struct wire_reply {
    uint16_t code;
    const char *enhanced; /* "5.5.2", or NULL where the RFC has none (EHLO, 354) */
    const char *text;     /* lines are separated by '\n' */
};

enum smtp_verb {
    SMTP_EHLO,
    SMTP_HELO,
    SMTP_MAIL,
    SMTP_RCPT,
    SMTP_DATA,
    SMTP_BDAT,
    SMTP_RSET,
    SMTP_NOOP,
    SMTP_QUIT,
    SMTP_VRFY,
    SMTP_EXPN,
    SMTP_HELP,
    SMTP_AUTH,
    SMTP_STARTTLS,
};

enum smtp_body { SMTP_BODY_UNSAID, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };
enum smtp_ret { SMTP_RET_UNSAID, SMTP_RET_FULL, SMTP_RET_HDRS };

enum smtp_notify {
    SMTP_NOTIFY_UNSAID = 0,
    SMTP_NOTIFY_NEVER = 1,
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8,
};

struct smtp_mail {
    struct address from; /* wire_address_is_null() for <> */
    uint64_t size_bytes; /* 0: not said */
    enum smtp_body body;
    bool smtputf8;
    bool requiretls; /* RFC 8689 */
    enum smtp_ret ret;
    bool has_envid, has_auth;
    struct slice envid; /* decoded, printable ASCII */
    struct slice auth;  /* decoded; empty for AUTH=<> */
};

struct smtp_rcpt {
    struct address to;       /* domain empty for <Postmaster> */
    unsigned notify;         /* enum smtp_notify, ORed */
    struct slice orcpt_type; /* lower case, such as "rfc822"; empty: no ORCPT */
    struct slice orcpt;      /* decoded, no control characters */
};

struct smtp_auth {
    struct slice mechanism; /* upper case */
    bool has_initial;
    struct slice initial; /* base64, well formed, still encoded: it is a secret; "=" gives empty */
};

struct smtp_command {
    enum smtp_verb verb;
    union {
        struct slice hello; /* EHLO, HELO: a name or a literal, as written */
        struct smtp_mail mail;
        struct smtp_rcpt rcpt;
        struct smtp_auth auth;
        struct {
            uint64_t size_bytes;
            bool last;
        } bdat;
        struct slice text; /* VRFY, EXPN, HELP, NOOP */
    };
};

struct smtp_command_options {
    uint64_t size_max_bytes; /* MAIL SIZE= above it is refused; 0: LIMIT_MESSAGE_BYTES */
    bool smtputf8;           /* RCPT: the transaction's MAIL had SMTPUTF8 */
    bool postmaster;         /* RCPT TO:<Postmaster> is understood */
};

/* Parses one line without its CR LF. True with *ret set, or false with *ret_refusal set. Slices of
 * *ret lie in the arena or in `line`. */
MUST_CHECK bool wire_command_parse(struct arena *a, struct slice line,
                                   const struct smtp_command_options *options,
                                   struct smtp_command *ret, struct wire_reply *ret_refusal);

/* "MAIL", for logs. */
const char *wire_command_name(enum smtp_verb verb);

#endif
