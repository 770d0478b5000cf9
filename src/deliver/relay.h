/* Relays in delivery: mail of a site of method smtp goes through its client's own SMTP account, and
 * nowhere else.
 *
 * Such a site has one destination for all of its mail, "relay:SITE", and that belongs to a pool of
 * its own, "relay:SITE:VERSION". So no two sites share a connection or a limit, though their
 * accounts be at one host; and when the account changes, the mail moves to a pool that has no
 * connection of the old one. While the account may not be used the destination lies in the pool
 * that nobody takes from, and says why.
 *
 * Trouble with the account is not the recipients': one job is deferred, the pool rests for a moment
 * and tries again, and when the account works again all that was deferred meanwhile is due. */
#ifndef LETTERHEAD_DELIVER_RELAY_H
#define LETTERHEAD_DELIVER_RELAY_H

#include "base/slice.h"
#include "runtime/task.h"

struct deliver;
struct peer;

/* What a reply of a relay means for its site. */
enum relay_reply {
    RELAY_REPLY_AS_IT_IS = 1, /* about this recipient, or this message */
    RELAY_REPLY_SLOWER,       /* we send too fast */
    RELAY_REPLY_DAY_FULL,     /* the account has sent what it may for now */
    RELAY_REPLY_ACCOUNT,      /* the account, or what it may: nothing else would fare better */
};

enum relay_reply_to { RELAY_REPLY_TO_MAIL, RELAY_REPLY_TO_RCPT, RELAY_REPLY_TO_DATA };

/* Decides by the host's provider and the reply as wire_reply_escape writes it. Handed in by app,
 * since what providers say is known further up (onboard/relay_diagnosis.h). */
typedef enum relay_reply relay_reply_judge(struct slice host, enum relay_reply_to to, uint16_t code,
                                           struct slice text);

/* What the gateway knows of a site has changed: it was told of it, or it is gone. */
void deliver_site_changed(struct deliver *d, uint64_t site_id);
/* It was told of all. */
void deliver_sites_changed(struct deliver *d);

/* Tells the steward by and by what was sent through relays, and at once of trouble; makes mail due
 * that waited for an account to work again. Ends when it is cancelled. */
MUST_CHECK int deliver_tell_relays(struct task *t, struct deliver *d, struct peer *steward);
/* The rest, after the end of delivery; waits a moment at most. -ECANCELED. */
MUST_CHECK int deliver_tell_relays_last(struct task *t, struct deliver *d, struct peer *steward);

#endif
