/* Proof that the resolver validates, without which DANE would be a promise that nobody keeps: a
 * zone that is signed must come back as secure, and one whose signatures are broken must be
 * refused. Asked at the start and every hour; as long as there is no proof, every minute. An answer
 * that does not come proves nothing either way and changes nothing. */
#ifndef LETTERHEAD_DELIVER_DANE_PROOF_H
#define LETTERHEAD_DELIVER_DANE_PROOF_H

#include "base/buffer.h"
#include "runtime/resolver.h"
#include "runtime/task.h"

enum dane_proof_state {
    DANE_OFF = 1,  /* not wanted, or there is no trust anchor */
    DANE_UNPROVED, /* wanted; no proof yet */
    DANE_PROVED,   /* in use */
    DANE_REFUTED,  /* the resolver was seen not to validate; not in use */
};

enum { DANE_WORDS_BYTES = 300 };

struct dane_proof {
    struct slice signed_name, bogus_name; /* borrowed */
    enum dane_proof_state state;
    bool proved;                  /* for struct tls_policy */
    char words[DANE_WORDS_BYTES]; /* a sentence on why it is not in use */
};

/* `off` says why DANE is not wanted; NULL: it is. */
void dane_proof_init(struct dane_proof *proof, struct slice signed_name, struct slice bogus_name,
                     const char *off);
/* Asks for ever; a task's body. The argument is the proof. */
int dane_proof_main(struct task *t, void *proof);
/* What two answers prove. Pure. */
enum dane_proof_state dane_proof_judge(const struct dns_answer *signed_answer,
                                       const struct dns_answer *bogus_answer);

/* Its part of the reply to IPC_GATEWAY_STATUS. -EBADMSG. */
void dane_proof_write(struct buffer *body, const struct dane_proof *proof);
MUST_CHECK int dane_proof_read(struct cursor *c, enum dane_proof_state *ret_state,
                               struct slice *ret_words);
/* "off", "unproved", "proved", "refuted". */
const char *dane_proof_name(enum dane_proof_state state);

#endif
