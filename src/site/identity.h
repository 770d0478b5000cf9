/* An identity, its three keys and perhaps a second one as the control database has them. What is
 * read lies in the caller's arena.
 *
 * States are words here; onboard/identity_state.h knows what they mean and when they change. */
#ifndef LETTERHEAD_SITE_IDENTITY_H
#define LETTERHEAD_SITE_IDENTITY_H

#include "base/arena.h"
#include "site/alignment.h"
#include "site/directory.h"
#include "store/store.h"

enum { IDENTITY_KEYS = 3 };

struct identity_key {
    int64_t id;
    struct slice slot; /* "active", "next", "retiring", "second" */
    int64_t slot_since_us;
    struct slice origin; /* "made" or "imported" */
    int64_t created_us;
    int64_t seen_us;      /* since when it is known to be in the DNS; 0: not yet, do not sign */
    int64_t withdrawn_us; /* compromised: nothing is signed with it any more; 0: not */
    struct slice selector;
    enum key_algorithm algorithm;
    struct slice sealed;
    struct slice public_key;   /* as p= carries it (vault/protocol.h) */
    struct slice record_state; /* "unknown", "right", "absent", "wrong": what was last proven */
    int64_t record_since_us;
    int64_t record_checked_us;   /* 0: never */
    struct slice record_seen;    /* what was found, for people */
    struct slice record_advice;  /* what to do about it */
    struct slice record_trouble; /* why the last look proved nothing; else empty */
    struct slice record_cause;   /* "truncated", "lame-delegation" (onboard/cause.h); or empty */
    struct slice record_server;  /* which name server of the domain said so; or empty */
};

struct identity {
    int64_t id;
    int64_t site_id;
    struct slice domain;
    bool covers_subdomains;
    struct slice state;
    int64_t since_us;
    struct slice why;
    struct slice next_step;
    int64_t created_us;
    int64_t checked_us, succeeded_us, next_check_us; /* 0: never */
    int64_t gone_since_us; /* the first look of a revocation (onboard/identity_state.h); 0: none */
    bool must_ask;         /* the domain may have another owner: it does not come back by itself */
    struct slice zone_servers, zone_primary; /* whom it was verified by last */
    struct slice dkim_zone; /* where the client's CNAME records lead to; empty: TXT records */
    int64_t rotated_us;     /* 0: never */
    int64_t rotate_us;      /* when the next rotation is due; 0: not by the clock */
    struct identity_key keys[IDENTITY_KEYS]; /* in the order of the slots */
    size_t key_count;
    /* Ed25519, signs beside one of the three (RFC 8463 §3); without a selector: there is none. */
    struct identity_key second;
    struct alignment *alignments; /* of its From domains, its own first; none: never looked at */
    size_t alignment_count;
};

/* The slots in their order. */
extern const char *const identity_slots[IDENTITY_KEYS];

MUST_CHECK int identity_list(struct store *s, struct arena *arena, int64_t site_id,
                             struct identity **ret, size_t *ret_count);
/* -ENOENT */
MUST_CHECK int identity_find(struct store *s, struct arena *arena, int64_t id,
                             struct identity *ret);
/* With its keys; ids are the caller's (store_new_id). Within a transaction. */
MUST_CHECK int identity_insert(struct store *s, const struct identity *identity);

/* True when mail may go out as it. */
bool identity_is_sending(const struct identity *identity);
/* The name of a key's record: <selector>._domainkey.<domain>. */
struct slice identity_record_name(struct arena *arena, const struct identity *identity,
                                  const struct identity_key *key);
/* What the record must say, "v=DKIM1; k=rsa; p=…"; of a withdrawn key "v=DKIM1; p=" (RFC 6376
 * §3.6.1). -EINVAL for a damaged public key. */
MUST_CHECK int identity_record_text(struct arena *arena, const struct identity_key *key,
                                    struct slice *ret);
/* The client's records are CNAMEs, and the keys' own records are published by the platform. */
bool identity_is_cname(const struct identity *identity);
/* Where a key's CNAME leads to, <selector>.<dkim zone>; for identities of that kind. */
struct slice identity_target_name(struct arena *arena, const struct identity *identity,
                                  const struct identity_key *key);
/* The key to sign with now: in the order of the slots, but one whose record is known to be right
 * comes first, so that a client who breaks one record does not break the mail. Never one that was
 * withdrawn. NULL: there is none. */
const struct identity_key *identity_signing_key(const struct identity *identity);

bool identity_has_second(const struct identity *identity);
/* The second key while its record is known to be right; NULL: it does not sign. */
const struct identity_key *identity_second_signing_key(const struct identity *identity);

#endif
