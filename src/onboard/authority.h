/* The authoritative word: what each name server of a domain says for itself, without a resolver
 * between. Asked before an identity is revoked, and for diagnosis (servers that disagree, or do not
 * serve the domain at all).
 *
 * Which servers these are the resolver says (NS and addresses); then every server is asked
 * directly, without recursion, over TCP alone: an answer that somebody only guessed to be expected
 * cannot get in. A server that does not speak TCP (RFC 7766 §5 demands it) counts as silent.
 * Whoever runs a zone says where its servers are, so the address policy holds for them; a zone that
 * the operator gave addresses for (resolver.stubs) is asked there instead.
 *
 * What servers say is a value. What it means for the identity, onboard/identity_state.h decides. */
#ifndef LETTERHEAD_ONBOARD_AUTHORITY_H
#define LETTERHEAD_ONBOARD_AUTHORITY_H

#include "base/limits.h"
#include "deliver/address_policy.h"
#include "onboard/record.h"
#include "wire/dns_message.h"

enum {
    AUTHORITY_SERVER_S = 6, /* for one server, its addresses included */
    AUTHORITY_QUESTIONS_MAX = 5,
};

/* A zone whose servers the operator has named. */
struct authority_stub {
    struct slice zone;
    struct endpoint address;
};

struct authority_options {
    struct address_policy policy;
    const struct authority_stub *stubs; /* borrowed; a zone may have several */
    size_t stub_count;
    uint16_t port; /* of all other servers; 0: 53 */
};

enum authority_word {
    AUTHORITY_SILENT, /* nothing came in time */
    AUTHORITY_FAULT,  /* SERVFAIL, REFUSED, nonsense */
    AUTHORITY_LAME,   /* it answers, but not as a server of the zone */
    AUTHORITY_ABSENT, /* no such name, or no such record */
    AUTHORITY_FOUND,  /* records, or an alias */
};

struct authority_question {
    struct slice name;
    enum dns_type type; /* TXT, CNAME */
};

struct authority_answer {
    enum authority_word word;
    struct slice alias;  /* the name is a CNAME to this; or empty */
    struct slice *texts; /* TXT records at the name, or behind its alias if the server has that */
    size_t count;
    const char *why; /* SILENT, FAULT, LAME: what is wrong, "refuses the question"; else NULL */
};

struct authority_server {
    struct slice name;       /* "ns1.example.org", or the address where only that is known */
    struct endpoint literal; /* where the operator has it; family 0: its name says */
    struct slice address;    /* of these, asked last; empty: it has none that may be asked */
    struct authority_answer answers[AUTHORITY_QUESTIONS_MAX];
};

struct authority_look {
    struct slice zone;    /* that the names are in; empty: not known */
    struct slice servers; /* the names of all its servers, sorted, with blanks between */
    struct slice primary; /* as its SOA names it */
    /* Of the domain's name nothing exists, up to a public suffix: its registration has ended. */
    bool domain_missing;
    struct authority_server *list; /* at most LIMIT_DNS_SERVERS of them */
    size_t count;
    struct slice trouble; /* why nobody could be asked, a sentence; else empty */
};

/* Finds the zone that _domainkey.<domain> is in, and its servers. 0, with `trouble` set when it is
 * not known; -ECANCELED, -ETIMEDOUT (a deadline of the task's). Memory is from the arena. */
MUST_CHECK int authority_find(struct task *t, const struct authority_options *options,
                              struct arena *arena, struct slice domain, struct authority_look *ret);
/* Asks all servers that were found, at the same time. Errors as above. */
MUST_CHECK int authority_ask(struct task *t, const struct authority_options *options,
                             struct arena *arena, const struct authority_question *questions,
                             size_t count, struct authority_look *look);

/* True when the answer has what the record should be. */
bool authority_has(const struct authority_answer *answer, const struct record_expected *expected);

/* What the servers together say of the records, expected[i] belonging to the i-th question: GONE
 * when at least half of them, and all that say anything with authority, have none of them; THERE
 * when one has one. */
enum identity_authority authority_conclude(const struct authority_look *look,
                                           const struct record_expected *expected, size_t count);

#endif
