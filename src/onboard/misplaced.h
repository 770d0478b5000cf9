/* Where a DNS record lies that is not where it should be: the usual slips of the forms in which
 * people enter records, each with a question that shows it and a sentence that mends it.
 *
 * Asked only about a record that is missing or wrong, and only as far as the first slip found. */
#ifndef LETTERHEAD_ONBOARD_MISPLACED_H
#define LETTERHEAD_ONBOARD_MISPLACED_H

#include "onboard/record.h"

enum misplaced_slip {
    MISPLACED_CNAME,        /* the name is an alias of another, and should not be */
    MISPLACED_PROXIED,      /* addresses stand at the name */
    MISPLACED_DOUBLED,      /* the form added the domain to a name that had it */
    MISPLACED_NO_SELECTOR,  /* entered at _domainkey.<domain> */
    MISPLACED_NO_DOMAINKEY, /* entered at <selector>.<domain> */
    MISPLACED_APEX,         /* entered at the domain itself */
    MISPLACED_WILDCARD,     /* every name is answered with the same text */
    MISPLACED_NO_DOMAIN,    /* the domain does not exist */
    MISPLACED_SLIPS,
};

/* What is asked to find a slip; an empty name: nothing, the record's own answer tells. */
struct misplaced_question {
    struct slice name;
    enum dns_type type;
};

/* `expected->name` is <selector>._domainkey.<domain>. */
struct misplaced_question misplaced_question(struct arena *arena, enum misplaced_slip slip,
                                             const struct record_expected *expected,
                                             struct slice domain);

/* Whether the answer shows the slip; `own` is the answer for the record's own name. Then
 * *ret_advice says what to do. */
bool misplaced_judge(struct arena *arena, enum misplaced_slip slip,
                     const struct record_expected *expected, struct slice domain,
                     const struct dns_answer *own, const struct dns_answer *answer,
                     struct slice *ret_advice);

/* Asks until a slip is found or all have been asked about. 0, with CAUSE_NONE if none was found;
 * -ECANCELED, -ETIMEDOUT. */
MUST_CHECK int misplaced_find(struct task *t, struct arena *arena,
                              const struct record_expected *expected, struct slice domain,
                              const struct dns_answer *own, enum record_cause *ret_cause,
                              struct slice *ret_advice);

#endif
