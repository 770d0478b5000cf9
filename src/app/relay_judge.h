/* What a reply of a relay means for the site behind it, by what is known of providers. */
#ifndef LETTERHEAD_APP_RELAY_JUDGE_H
#define LETTERHEAD_APP_RELAY_JUDGE_H

#include "deliver/relay.h"

/* A relay_reply_judge. */
enum relay_reply relay_judge_reply(struct slice host, enum relay_reply_to to, uint16_t code,
                                   struct slice text);

#endif
