/* The SMTP client (RFC 5321), one connection of it. Delivery and the prober use the same steps; a
 * prober just stops earlier (docs/decisions/0036-the-probe-is-the-client.md).
 *
 *   client_dial      connect, greeting, EHLO, STARTTLS as the plan says, EHLO again
 *   client_reach     the same, and once more in clear where that is allowed and TLS failed
 *   client_auth      signs in (deliver/client_auth.h)
 *   client_ask       asks about an envelope, and takes it back: for probes
 *   client_send      one transaction: MAIL, a bounded group of RCPT, DATA, content
 *   client_quit      says goodbye, without caring about the answer
 *
 * A refusal by the server is an outcome, not an error; an error means that we could not ask, and
 * that the connection is of no more use. What was found is told in words (client_problem) for
 * outcomes and logs. Nothing a server sends can make us send a bare CR or LF, go on in clear after
 * a failed handshake in the same connection, or wait longer than RFC 5321 §4.5.3.2 says. */
#ifndef LETTERHEAD_DELIVER_CLIENT_H
#define LETTERHEAD_DELIVER_CLIENT_H

#include "base/arena.h"
#include "deliver/tls_policy.h"
#include "queue/queue.h"
#include "runtime/stream.h"
#include "wire/smtp_reply.h"

struct redactor; /* wire/redact.h */

enum client_tls {
    CLIENT_TLS_PLANNED, /* by the plan */
    CLIENT_TLS_NONE,    /* never: the second try, where the plan allows one */
    CLIENT_TLS_FIRST,   /* before the greeting (RFC 8314 §3.3), judged by the plan */
};

/* How far a dialogue has come: what was being done when it failed. */
enum client_stage {
    CLIENT_STAGE_CONNECT,
    CLIENT_STAGE_GREETING,
    CLIENT_STAGE_HELLO,
    CLIENT_STAGE_STARTTLS,  /* the command; also: that it is not offered */
    CLIENT_STAGE_HANDSHAKE, /* and the judgement on the certificate */
    CLIENT_STAGE_HELLO_AGAIN,
    CLIENT_STAGE_READY,
};

/* Is told what both sides say, for transcripts: whole lines with their ends, bytes of a stranger as
 * they came. What is secret has been left out already; contents of messages are not told. */
enum client_side { CLIENT_SAYS, CLIENT_HEARS };
struct client_tap {
    void (*note)(void *context, enum client_side side, struct slice line);
    void *context;
};

struct client_options {
    struct slice hostname;           /* for EHLO */
    struct tls_context *tls_context; /* NULL: never TLS; then the plan must not insist */
    enum client_tls tls;
    const struct tls_plan *plan; /* NULL: opportunistic. Not one that forbids the host */
    struct slice host_name;      /* of the server, for words; SNI, unless the plan has another */
    struct endpoint address;
    const struct endpoint *source;  /* NULL: the system chooses */
    const struct client_tap *tap;   /* NULL: nobody listens; outlives the client */
    const struct redactor *secrets; /* to be blotted out from the beginning; copied. NULL: none */
};

struct client {
    struct stream *stream;
    enum client_stage stage;
    bool esmtp; /* EHLO was accepted, not HELO only */
    struct reply_parser parser;
    struct smtp_capabilities capabilities;
    struct smtp_capabilities capabilities_in_clear; /* before STARTTLS */
    struct arena arena;                             /* words about the connection */
    struct slice remote;                            /* "mx.example.org [192.0.2.1]:25" */
    struct slice problem;                           /* why the last step failed, for people */
    uint16_t problem_code;                          /* the reply that caused it; 0: none came */
    struct smtp_status problem_status; /* the reply's; without one, ours for what was missing */
    bool tls_failed; /* the handshake was what failed, and need not have succeeded */
    bool tls_asked;  /* TLS was to be used, and client_report has not told what came of it */
    enum wire_tls_result tls_result; /* what was wrong, also if it did not matter */
    struct slice tls_reason;
    bool verified;           /* somebody vouches for the server */
    struct slice protection; /* "TLSv1.3, verified by DANE"; empty: in clear */
    bool mail_refused;       /* by the last transaction: it came no further than MAIL */
    bool closing;            /* the server said 421, or will close: no further transaction */
    size_t transactions;
    const struct client_tap *tap;
    struct redactor *secrets; /* that were sent, and are blotted out of replies; NULL: none */
};

#define CLIENT_NONE ((struct client){.stream = NULL})

/* -ECONNABORTED: the server refused to talk (problem_code has the reply); -EPROTO and others: no
 * sense could be made of it, or no connection. Only client_close may follow. */
MUST_CHECK int client_dial(struct task *t, const struct client_options *options, struct client *c);
/* Also adds what the TLS session came to (wire/tls_session.h), for mail to `domain`. */
MUST_CHECK int client_reach(struct task *t, struct client_options *options, struct slice domain,
                            struct buffer *sessions, struct client *c);
/* Adds that once, if TLS was tried; client_reach has done it. An empty domain: nobody to tell. */
void client_report(struct client *c, const struct client_options *options, struct slice domain,
                   struct buffer *sessions);

/* What is sent in one transaction. */
struct client_message {
    struct slice envelope_from; /* without brackets; empty: null path */
    bool eight_bit, smtputf8, requiretls;
    struct slice envid;
    uint8_t ret;
    const struct queue_job_recipient *recipients;
    size_t recipient_count;
    struct slice signature; /* fields put in front of the content, each with CR LF */
    struct slice content;
};

/* Offers the message. 0: every outcome is set (memory from `arena`). Otherwise the link failed:
 * outcomes that were settled before are set (result not 0), the others are zero, *ret_data_sent
 * says whether all of the content had gone out, so that its fate is unknown. */
MUST_CHECK int client_send(struct task *t, struct client *c, struct arena *arena,
                           const struct client_message *message, struct queue_outcome *outcomes,
                           bool *ret_data_sent);

/* Asks whether the server would take a message, without sending one: MAIL, RCPT for each recipient,
 * RSET; never DATA. What was answered before the link failed, or the server said 421, is set in any
 * case. */
struct client_question {
    struct slice envelope_from;     /* as in client_message */
    const struct slice *recipients; /* may be none */
    size_t recipient_count;
};
struct client_answer {
    struct smtp_reply mail;  /* in the client's arena; code 0: none came */
    struct smtp_reply *rcpt; /* one a recipient; code 0: was not asked, or did not come */
};
MUST_CHECK int client_ask(struct task *t, struct client *c, const struct client_question *question,
                          struct client_answer *ret);

void client_quit(struct task *t, struct client *c);
/* Closes and frees; for CLEANUP. */
void client_close(struct client *c);

#endif
