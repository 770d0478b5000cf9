/* Whether a domain that envelope senders are in does what it is for: its MX leads reports to this
 * host, its SPF record allows the addresses that mail goes out from. That is the platform's bounce
 * domain, or a MAIL FROM domain of a site. And whether those addresses and the host's name belong
 * together (FCrDNS: the name that the address leads to leads back to it). Asks the DNS. */
#ifndef LETTERHEAD_ONBOARD_MAIL_DOMAIN_H
#define LETTERHEAD_ONBOARD_MAIL_DOMAIN_H

#include "base/arena.h"
#include "onboard/identity_state.h"
#include "runtime/endpoint.h"
#include "runtime/task.h"

enum { MAIL_SOURCES_MAX = 32, MAIL_SEEN_BYTES = 300 };

/* Where mail goes out from, and where reports come in. */
struct mail_source {
    struct endpoint address;
    struct slice text;     /* of it */
    struct slice hostname; /* that it says in EHLO */
};

struct mail_host {
    struct slice hostname;
    struct mail_source sources[MAIL_SOURCES_MAX];
    size_t source_count;
    struct endpoint addresses[MAIL_SOURCES_MAX]; /* of the host name */
    size_t address_count;
    struct slice trouble; /* a sentence: the name could not be looked up; or empty */
};

/* Looks the host's name up; without sources its addresses are those. Slices are from the arena. */
MUST_CHECK int mail_host_find(struct task *t, struct arena *arena, struct mail_host *host);

/* What was found of one record. UNKNOWN: nothing is proven, and `advice` says why. */
struct mail_record {
    enum record_state state;
    struct slice seen;   /* what is published, harmless; may be empty */
    struct slice advice; /* what is wrong and what to do; empty when it is right */
};

struct mail_domain {
    struct mail_record mx, spf;
};

/* `exactly_one`: as Amazon SES demands of a MAIL FROM domain, a second MX host makes it wrong even
 * if it leads here. 0; -ECANCELED, -ETIMEDOUT. */
MUST_CHECK int mail_domain_check(struct task *t, struct arena *arena, struct slice domain,
                                 const struct mail_host *host, bool exactly_one,
                                 struct mail_domain *ret);

/* The source's host name leads to its address. */
MUST_CHECK int mail_source_name_check(struct task *t, struct arena *arena,
                                      const struct mail_source *source, struct mail_record *ret);

/* The name that the source's address leads to is its host name, and leads back to it. */
MUST_CHECK int mail_source_check(struct task *t, struct arena *arena,
                                 const struct mail_source *source, struct mail_record *ret);

/* "1.2.0.192.in-addr.arpa" */
struct slice mail_reverse_name(struct arena *arena, const struct endpoint *address);

/* What the SPF record should say: all sources. */
struct slice mail_host_spf(struct arena *arena, const struct mail_host *host);

#endif
