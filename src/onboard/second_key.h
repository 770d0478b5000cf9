/* A second key for an identity: Ed25519, whose signature goes out beside that of RSA (RFC 8463 §3)
 * while its record is seen to be right (onboard/check.h). It takes no turns, and nothing else rests
 * on it: without it, mail goes out as before. */
#ifndef LETTERHEAD_ONBOARD_SECOND_KEY_H
#define LETTERHEAD_ONBOARD_SECOND_KEY_H

#include "runtime/task.h"
#include "site/service.h"

/* Has the vault make it, and its record looked for soon. -EEXIST: the identity has one; -ENOENT:
 * the identity is gone; others as of identity_key_make. */
MUST_CHECK int second_key_add(struct task *t, const struct site_service *service,
                              int64_t identity_id);

/* Destroys it; the caller pushes the site, after which nothing is signed with it. -ENOENT: there is
 * none. */
MUST_CHECK int second_key_remove(struct task *t, const struct site_service *service,
                                 int64_t identity_id);

#endif
