/* SMTP replies (RFC 5321 §4.2, RFC 2034, RFC 3463), both ways: read from a stranger's server bit by
 * bit within bounds, and written to clients.
 *
 * Reading: what comes is 3 digits from 2xx to 5xx; codes of one reply must agree. A line may end in
 * LF alone (tolerated here, never sent). Anything else, and anything past LIMIT_REPLY_*, is a
 * protocol error: the connection is of no more use. The basic code decides; an enhanced status of
 * another class is kept and marked. */
#ifndef LETTERHEAD_WIRE_SMTP_REPLY_H
#define LETTERHEAD_WIRE_SMTP_REPLY_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "wire/error.h"
#include "wire/smtp_command.h"

enum smtp_class {
    SMTP_CLASS_NONE,
    SMTP_CLASS_SUCCESS = 2,   /* 2xx */
    SMTP_CLASS_CONTINUE = 3,  /* 3xx */
    SMTP_CLASS_TRANSIENT = 4, /* 4xx: try again later */
    SMTP_CLASS_PERMANENT = 5, /* 5xx */
};

/* RFC 3463: class.subject.detail; class 0 means there is none. */
struct smtp_status {
    uint8_t class;
    uint16_t subject;
    uint16_t detail;
};

struct smtp_reply {
    uint16_t code;
    struct smtp_status status; /* of the first line that has one */
    bool status_mismatch;      /* status.class is not the code's first digit */
    struct slice *lines; /* after code and separator, enhanced status kept, unsafe bytes too */
    size_t line_count;
};

struct reply_parser {
    struct buffer text;    /* the finished lines, one after the other */
    struct buffer partial; /* a line whose end has not come yet */
    size_t line_sizes[LIMIT_REPLY_LINES];
    struct slice lines[LIMIT_REPLY_LINES];
    size_t line_count;
    uint16_t code;
    bool done;
};

#define REPLY_PARSER_NONE ((struct reply_parser){.line_count = 0})

/* Frees; for CLEANUP. */
void reply_parser_done(struct reply_parser *p);

/* Takes bytes up to the end of one reply and says how many (*ret_used, always set): bytes after it
 * are not touched, so the caller sees what a server sent too early. Returns 1 with *ret set when a
 * reply is complete (its slices are good until the next call), 0 when more bytes are needed;
 * -EPROTO for what is no reply, -EMSGSIZE past a limit, with *ret_error. After an error only
 * reply_parser_done may follow. */
MUST_CHECK int reply_parser_feed(struct reply_parser *p, struct slice bytes, size_t *ret_used,
                                 struct smtp_reply *ret, struct wire_error *ret_error);

/* A copy that lives as long as the arena. */
struct smtp_reply wire_reply_copy(struct arena *a, const struct smtp_reply *reply);

enum smtp_class wire_reply_class(uint16_t code);

/* Reads "5.1.1" at the front of a text, followed by a space or the end. False when there is none.
 */
bool wire_status_parse(struct slice text, struct smtp_status *ret);

/* A reply as one line of harmless text: "550 5.1.1 no such user", lines joined by " / ", control
 * characters and bytes that are not UTF-8 as \xNN, cut to `max` bytes. What is stored, shown and
 * put into reports. */
struct slice wire_reply_escape(struct arena *a, const struct smtp_reply *reply, size_t max);

/* What EHLO offered (RFC 5321 §4.1.1.1). Keywords match exactly, without case. */
enum smtp_mechanism {
    SMTP_MECHANISM_PLAIN = 1,
    SMTP_MECHANISM_LOGIN = 2,
    SMTP_MECHANISM_CRAM_MD5 = 4,
    SMTP_MECHANISM_SCRAM_SHA_1 = 8,
    SMTP_MECHANISM_SCRAM_SHA_256 = 16,
    SMTP_MECHANISM_XOAUTH2 = 32,
    SMTP_MECHANISM_OAUTHBEARER = 64,
    SMTP_MECHANISM_DIGEST_MD5 = 128,
    SMTP_MECHANISM_NTLM = 256,
    SMTP_MECHANISM_GSSAPI = 512,
    SMTP_MECHANISM_EXTERNAL = 1024,
    SMTP_MECHANISM_OTHER = 2048, /* something that we have no name for */
};

/* "CRAM-MD5"; NULL for SMTP_MECHANISM_OTHER and what is no single bit. */
const char *wire_mechanism_name(unsigned mechanism);

struct smtp_capabilities {
    bool starttls, pipelining, eightbitmime, smtputf8, dsn, enhanced_status, chunking, requiretls;
    bool auth;           /* an AUTH line was there, whatever it named */
    unsigned mechanisms; /* enum smtp_mechanism, ORed */
    bool size;           /* a SIZE line was there */
    uint64_t size_bytes; /* the smallest limit named; 0: none (RFC 1870 §4) */
};

/* Reads all lines of a 250 reply to EHLO. The first, which should be the server's name, is read
 * like the others: a server could name the same on the second. Of several SIZE lines the smallest
 * limit counts; several AUTH lines add up, as does the old form "AUTH=LOGIN". */
void wire_capabilities_parse(const struct smtp_reply *reply, struct smtp_capabilities *ret);

/* Appends a reply as a server sends it, one line or several, CR LF at the end of each. */
void wire_reply_format(struct buffer *b, const struct wire_reply *reply);

#endif
