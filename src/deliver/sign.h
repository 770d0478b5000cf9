/* Signs a message for its site: one DKIM-Signature field for each active key of the identity that
 * its From belongs to, `d=` that identity's domain, made by the vault. The last change before
 * sending. */
#ifndef LETTERHEAD_DELIVER_SIGN_H
#define LETTERHEAD_DELIVER_SIGN_H

#include "base/arena.h"
#include "queue/queue.h"
#include "runtime/peer.h"
#include "site/directory.h"

struct sign_options {
    const struct directory *directory;
    struct peer *vault;
};

struct signature {
    struct slice fields;    /* header fields with CR LF, to be put in front of the content */
    struct slice signed_by; /* "selector._domainkey.domain" of the first */
};

/* False: the site sends through its client's account, which answers for it, and has no verified
 * identity that covers the From; the message goes unsigned by us. */
bool sign_is_wanted(const struct sign_options *options, const struct queue_job *job);

/* 0 with *ret (memory from the arena); a signature that the job carries already is used again if
 * the very keys that sign now have made it. -EKEYREVOKED: its identity is not verified at present.
 * -EACCES: the site may not sign as this domain. *ret_why says so. Other errors: the vault could
 * not be asked, or refused. */
MUST_CHECK int sign_message(struct task *t, struct arena *arena, const struct sign_options *options,
                            const struct queue_job *job, struct signature *ret,
                            const char **ret_why);

/* Whether sign_message would sign it now, for a moment later; false: -EKEYREVOKED. */
bool sign_is_allowed(const struct sign_options *options, const struct queue_job *job);

#endif
