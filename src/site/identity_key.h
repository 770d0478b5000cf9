/* Making an identity's keys: a selector that nobody guesses, a key pair by the vault. */
#ifndef LETTERHEAD_SITE_IDENTITY_KEY_H
#define LETTERHEAD_SITE_IDENTITY_KEY_H

#include "runtime/task.h"
#include "site/identity.h"

struct site_service;

enum { IDENTITY_SELECTOR_CHARACTERS = 32 };

/* 32 of a-z, 2-7, as tokens of Amazon SES are: nobody guesses it, nor meets it by accident. */
struct slice identity_selector(struct task *t, struct arena *arena);

/* Has the vault make a key of `key->algorithm` for `key->selector`; fills in what is sealed and
 * public. Errors as of vault_create_key. */
MUST_CHECK int identity_key_make(struct task *t, const struct site_service *service,
                                 struct arena *arena, const struct identity *identity,
                                 struct identity_key *key);

/* By CNAME, the platform's zone shall say from now on what the key's record must say; nothing by
 * TXT. In the transaction that makes it so. */
MUST_CHECK int identity_key_publish(struct store *s, const struct identity *identity,
                                    const struct identity_key *key, int64_t now_us);

/* The row goes. */
MUST_CHECK int identity_key_remove(struct store *s, const struct identity_key *key);

/* A row more; `key->id` is from store_new_id. Within a transaction. */
MUST_CHECK int identity_key_insert(struct store *s, int64_t identity_id,
                                   const struct identity_key *key, int64_t now_us);

#endif
