/* Looks at the records of MAIL FROM domains, and decides (site/mail_from.h). States as Amazon
 * SES has them:
 *
 *   PENDING            the records are not right yet; for `patience_s`, then FAILED
 *   SUCCESS            exactly one MX that leads here, and SPF allows our addresses: it is used
 *   TEMPORARY_FAILURE  was SUCCESS; for `grace_s`, then FAILED
 *   FAILED             looked at every hour, and SUCCESS again by itself when the records are right
 *
 * In all but SUCCESS the site's behaviour holds: its mail goes out from the bounce domain, or is
 * refused. An answer that proves nothing changes nothing. */
#ifndef LETTERHEAD_ONBOARD_MAIL_FROM_CHECK_H
#define LETTERHEAD_ONBOARD_MAIL_FROM_CHECK_H

#include "onboard/identity_state.h"
#include "onboard/platform.h"
#include "site/mail_from.h"

struct site_pusher;

struct mail_from_watch {
    struct store *store;
    struct site_pusher *pusher;
    const struct platform_service *platform;
    struct identity_times times;
};

struct mail_from_look {
    enum identity_state state; /* before */
    int64_t since_us, now_us;
    bool right; /* both records; what is not proven is not judged */
};

struct mail_from_verdict {
    enum identity_state state;
    int64_t since_us, next_check_us;
};

/* Pure. */
struct mail_from_verdict mail_from_judge(const struct mail_from_look *look,
                                         const struct identity_times *times);

/* Looks now; *ret_changed: the gateways must know. 0 also when the site has none. */
MUST_CHECK int mail_from_check(struct task *t, const struct mail_from_watch *w, int64_t site_id,
                               bool *ret_changed);

/* Looks at each when its time has come, until cancelled. */
MUST_CHECK int mail_from_run(struct task *t, const struct mail_from_watch *w);

#endif
