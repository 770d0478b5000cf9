/* Frames between Letterhead's own processes: one datagram of a SOCK_SEQPACKET socket each.
 *
 *   u8 version (IPC_VERSION) · u8 kind · u8 type · u8 zero · u32 request id · i32 status (replies)
 * · body
 *
 * All integers big-endian. A frame that does not parse is a bug or an attack from a taken-over
 * process: the receiver logs it and exits (DESIGN §3). Bodies are built with buffer_add_* and read
 * with a cursor. */
#ifndef LETTERHEAD_WIRE_IPC_H
#define LETTERHEAD_WIRE_IPC_H

#include "base/buffer.h"

enum { IPC_VERSION = 1, IPC_HEADER_BYTES = 12 };

enum ipc_kind { IPC_HELLO = 1, IPC_REQUEST, IPC_REPLY, IPC_NOTICE };

/* What is asked, in one space for all pairs of processes. */
enum ipc_type {
    /* to the vault (vault/protocol.h has the bodies) */
    IPC_VAULT_CREATE_KEY = 1,
    IPC_VAULT_SIGN,
    IPC_VAULT_CREATE_CREDENTIAL,
    IPC_VAULT_CHECK_PASSWORD,
    IPC_VAULT_SEAL_RELAY, /* vault/relay_protocol.h */
    IPC_VAULT_ANSWER_RELAY,
    IPC_VAULT_RETURN_KEY,
    IPC_VAULT_IMPORT_KEY,
    /* steward to gateway (site/directory.h, queue/remote.h) */
    IPC_DIRECTORY_BEGIN = 32, /* a whole new directory follows */
    IPC_DIRECTORY_SITE,       /* one site, replacing what was known of it */
    IPC_DIRECTORY_REMOVE,     /* a site is gone */
    IPC_DIRECTORY_END,        /* the directory is whole: submissions may be taken */
    IPC_SUBMIT_BEGIN,
    IPC_SUBMIT_CONTENT,
    IPC_SUBMIT_END,
    IPC_QUEUE_LIST,
    IPC_QUEUE_ACT, /* retry, hold, release, cancel */
    IPC_GATEWAY_STATUS,
    IPC_RETURN_KEYS,  /* site/return_keys.h */
    IPC_SHAPING = 48, /* deliver/shaping.h, deliver/shaping_remote.h */
    IPC_SHAPING_SUSPEND,
    IPC_SHAPING_LIST,
    IPC_SHAPING_SHOW,
    IPC_SHAPING_SENT,
    IPC_DIRECTORY_SUPPRESSED, /* site/suppressed.h */
    /* gateway to steward */
    IPC_EVENTS = 64,
    IPC_GATEWAY_DRAINED, /* nothing is left in a spool that is to be emptied: the gateway ends */
    IPC_STS_ASK,         /* deliver/sts_protocol.h */
    IPC_SOURCES_SENT,    /* deliver/shaping_remote.h */
    IPC_RELAY_USE,       /* deliver/relay_protocol.h */
    IPC_REPORT_BEGIN,    /* submit/report_frame.h */
    IPC_REPORT_CONTENT,
    IPC_REPORT_END,
};

struct ipc_frame {
    enum ipc_kind kind;
    uint8_t type;
    uint32_t id;
    int32_t status; /* 0 or a negative errno; in replies */
    struct slice body;
};

/* Writes the header alone, for whoever has the body elsewhere. */
void ipc_header_write(char out[static IPC_HEADER_BYTES], const struct ipc_frame *frame);
/* Writes header and body; the body must fit LIMIT_FRAME_BYTES - IPC_HEADER_BYTES (assert). */
void ipc_frame_write(struct buffer *b, const struct ipc_frame *frame);
/* -EBADMSG: not a frame of this version. The body points into `datagram`. */
MUST_CHECK int ipc_frame_read(struct slice datagram, struct ipc_frame *ret);

#endif
