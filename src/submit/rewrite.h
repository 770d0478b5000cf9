/* Puts the header of a submitted message right (RFC 6409 §8): our trace stays in front; Date and
 * Message-ID are added where they are missing; fields that are not for recipients, or that only we
 * may write, are taken out (Bcc, Resent-Bcc, Return-Path, X-SES-*, X-Letterhead-Priority,
 * Authentication-Results with our name: RFC 8601 §5). A message without a blank line gets one. The
 * body is not touched. Pure. */
#ifndef LETTERHEAD_SUBMIT_REWRITE_H
#define LETTERHEAD_SUBMIT_REWRITE_H

#include "base/buffer.h"
#include "wire/header.h"
#include "wire/message_id.h"

struct submit_rewrite {
    struct slice host_name;
    struct message_id id;
    int64_t time_s; /* for Date */
    size_t trace_size;
};

/* A field that RFC 5322 §3.6 or RFC 2045 §3 allow once, and that is there more than once: its name.
 * NULL when there is none. Recipients, filters and signatures would each pick another one. */
const char *submit_rewrite_repeated(const struct wire_header *header);

/* Changes `bytes`: trace, then the message that `header` was scanned from. Slices of the header
 * are not good any more afterwards. Returns how many bytes of it are header now, blank line
 * included. */
size_t submit_rewrite_header(const struct submit_rewrite *rewrite, const struct wire_header *header,
                             struct buffer *bytes);

#endif
