/* A site as the control database has it. What is read lies in the caller's arena. */
#ifndef LETTERHEAD_SITE_SITE_H
#define LETTERHEAD_SITE_SITE_H

#include "base/arena.h"
#include "site/directory.h"
#include "store/store.h"

struct site {
    int64_t id;
    struct slice name;
    enum site_method method;
    struct slice state; /* "active", "paused", "removed" */
    int64_t state_since_us;
    struct slice state_why;
    int64_t created_us;
    bool verified_tls; /* its mail goes out under verified TLS only */
};

/* "dkim", "smtp", "domain". */
const char *site_method_name(enum site_method method);

/* -ENOENT when there is none (a removed one is none). */
MUST_CHECK int site_find(struct store *s, struct arena *arena, struct slice name, struct site *ret);
/* Finds removed ones too: history speaks of them. -ENOENT. */
MUST_CHECK int site_find_by_id(struct store *s, struct arena *arena, int64_t id, struct site *ret);
/* All but the removed ones, by name. */
MUST_CHECK int site_list(struct store *s, struct arena *arena, struct site **ret,
                         size_t *ret_count);

/* Adds the site; its id is the caller's (store_new_id). -EEXIST: the name is taken. */
MUST_CHECK int site_insert(struct store *s, const struct site *site);
MUST_CHECK int site_set_state(struct store *s, int64_t id, struct slice state, int64_t now_us,
                              struct slice why);
MUST_CHECK int site_set_verified_tls(struct store *s, int64_t id, bool verified_tls);
/* Deletes what belongs to the site but its row, which becomes "removed". Within a transaction. */
MUST_CHECK int site_erase(struct store *s, int64_t id, int64_t now_us);

MUST_CHECK int site_add_outgoing_address(struct store *s, int64_t id, struct slice address);
MUST_CHECK int site_outgoing_addresses(struct store *s, struct arena *arena, int64_t id,
                                       struct slice **ret, size_t *ret_count);

#endif
