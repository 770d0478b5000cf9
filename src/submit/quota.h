/* Keeps sites within their quotas: messages a second, with a burst of two seconds' worth (five at
 * least), and recipients in any 24 hours. What is above is refused for now (454 4.7.0), with the
 * reason and when it goes on, and goes on by itself. */
#ifndef LETTERHEAD_SUBMIT_QUOTA_H
#define LETTERHEAD_SUBMIT_QUOTA_H

#include "base/arena.h"
#include "submit/service.h"
#include "wire/smtp_reply.h"

enum { QUOTA_BURST_MIN = 5, QUOTA_BURST_S = 2 };

/* Whether a message could come now: before its content is taken. False: *ret_refusal, in the
 * arena. */
bool submit_quota_allows(struct task *t, struct submit_service *service, struct arena *arena,
                         const struct directory_site *site, struct wire_reply *ret_refusal);
/* Takes what the message needs. False: as above, and nothing was taken. */
bool submit_quota_take(struct task *t, struct submit_service *service, struct arena *arena,
                       const struct directory_site *site, size_t recipients,
                       struct wire_reply *ret_refusal);
/* The message was not accepted after all. */
void submit_quota_return(struct task *t, struct submit_service *service, uint64_t site_id,
                         size_t recipients);

#endif
