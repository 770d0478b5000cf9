/* May this site send as these addresses? Pure: directory in, verdict out.
 *
 * Everything that a message says about its origin is judged alike: From, Sender, Resent-* and the
 * envelope sender. What the site may not use is listed in the refusal, in the words of Amazon SES,
 * which applications know. A site of method smtp may send as one address alone, the outgoing
 * address of its relay. Whether an address belongs to another site, to nobody, or is not
 * verified yet looks the same. */
#ifndef LETTERHEAD_SUBMIT_POLICY_H
#define LETTERHEAD_SUBMIT_POLICY_H

#include "site/directory.h"
#include "wire/from.h"
#include "wire/smtp_command.h"

/* True when the site may use the address. `shown`: recipients see it as the origin, so it must
 * also be one of the site's outgoing addresses where those are named. Otherwise false, and
 * *ret_why is the sentence of the site's own identity that is not ready, or empty. */
bool submit_policy_allows(const struct directory_site *site, const struct address *address,
                          bool shown, struct slice *ret_why);

/* Judges a message whose From is readable. True with nothing written, or false with the refusal
 * (554 5.7.1; text in the arena). `region` is named in it. */
MUST_CHECK bool submit_policy_judge(struct arena *arena, const struct directory_site *site,
                                    const struct wire_from *from,
                                    const struct address *envelope_from, struct slice region,
                                    struct wire_reply *ret_refusal);

#endif
