/* A credential as the control database has it: the name (access key id, which is the SMTP user
 * name) and the sealed verifier that only the vault can open. What is read lies in the caller's
 * arena. */
#ifndef LETTERHEAD_SITE_CREDENTIAL_H
#define LETTERHEAD_SITE_CREDENTIAL_H

#include "base/arena.h"
#include "store/store.h"

enum {
    CREDENTIALS_ACTIVE_MAX = 2, /* the old one and its successor */
    CREDENTIALS_LISTED_MAX = 100,
};

struct credential {
    int64_t id;
    struct slice access_key_id;
    struct slice sealed;
    int64_t created_us;
    int64_t used_us, revoked_us; /* 0: never */
};

/* All that are active, and the newest of those that are revoked; the newest last. */
MUST_CHECK int credential_list(struct store *s, struct arena *arena, int64_t site_id,
                               struct credential **ret, size_t *ret_count);
size_t credential_count_active(const struct credential *credentials, size_t count);

MUST_CHECK int credential_insert(struct store *s, int64_t site_id,
                                 const struct credential *credential);
/* -ENOENT: this site has no such credential that is not revoked yet. */
MUST_CHECK int credential_revoke(struct store *s, int64_t site_id, struct slice access_key_id,
                                 int64_t now_us);
/* Notes that mail was accepted with it. */
MUST_CHECK int credential_note_use(struct store *s, int64_t id, int64_t used_us);

#endif
