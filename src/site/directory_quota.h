/* What a site may send, as the gateway is told (site/directory.h). */
#ifndef LETTERHEAD_SITE_DIRECTORY_QUOTA_H
#define LETTERHEAD_SITE_DIRECTORY_QUOTA_H

#include "base/arena.h"
#include "base/buffer.h"

enum { DIRECTORY_HOURS_MAX = 25 };

struct directory_quota {
    uint32_t messages_per_hour;  /* 0: no limit */
    uint32_t recipients_per_day; /* 0: no limit */
    bool slowed;                 /* below what the operator allows, for its reputation */
    bool held;                   /* nothing of it is taken or delivered, for its reputation */
    struct directory_hour {      /* what the steward knows of the last day */
        uint32_t hour;           /* since 1970 */
        uint32_t recipients;
    } * used;
    size_t used_count;
};

void directory_quota_write(struct buffer *body, const struct directory_quota *quota);
/* Marks the cursor as failed for what no steward sends. */
void directory_quota_read(struct cursor *c, struct arena *arena, struct directory_quota *ret);

#endif
