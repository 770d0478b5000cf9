/* How a site's mail is received, and what follows from it.
 *
 * What came back is counted by the hour out of outcomes (feedback/outcome.h, site/volume.h). Two
 * rates are judged, as Amazon SES does: bounces, the recipient's fault and for good, of all that
 * was delivered or bounced so; and complaints, of what was delivered. Both over a representative
 * volume: the newest hours that hold so many recipients, at most `window_s` of them, so that a
 * site that sends much is judged by its last days, and one that sends little by weeks. Below a
 * minimum nothing is judged. A site is warned, then slowed, then paused; what is paused takes no
 * mail and holds what is queued. Other sites feel nothing. */
#ifndef LETTERHEAD_FEEDBACK_REPUTATION_H
#define LETTERHEAD_FEEDBACK_REPUTATION_H

#include "feedback/outcome.h"
#include "site/volume.h"

/* Counts an outcome, in its transaction. */
MUST_CHECK int reputation_note(struct store *s, const struct outcome *outcome);

enum reputation_state {
    REPUTATION_HEALTHY,
    REPUTATION_WARNED,
    REPUTATION_SLOWED,
    REPUTATION_PAUSED,
};
const char *reputation_state_name(enum reputation_state state);
MUST_CHECK int reputation_state_parse(struct slice name, enum reputation_state *ret);

/* Rates are in millionths: 50000 is 5 %. A single complaint may come of a mistake: below
 * REPUTATION_COMPLAINTS_MIN they warn at most. */
enum { REPUTATION_COMPLAINTS_MIN = 3, REPUTATION_HOURLY_MIN = 60 };

struct reputation_limits {
    uint64_t window_s;
    uint64_t representative_volume, minimum_volume; /* recipients */
    uint64_t bounce_warn, bounce_slow, bounce_pause;
    uint64_t complaint_warn, complaint_slow, complaint_pause;
};

/* What was found over the volume. */
struct reputation_finding {
    int64_t delivered, bounced, complained;
    int64_t hours;                /* in which there was something */
    int64_t from_hour;            /* the oldest of them */
    uint64_t bounces, complaints; /* rates */
    bool judged;                  /* there was enough */
    enum reputation_state state;
    uint32_t messages_per_hour; /* that it is slowed to, if it is: a quarter of what it sent */
};

/* Pure; the volumes are the newest first. */
void reputation_judge(const struct reputation_limits *limits, const struct volume *volumes,
                      size_t count, struct reputation_finding *ret);

#endif
