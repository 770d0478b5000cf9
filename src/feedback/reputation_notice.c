#include "feedback/reputation_notice.h"

#include "site/notice.h"
#include "site/site.h"

struct slice reputation_percent(struct arena *arena, uint64_t millionths)
{
    return arena_printf(arena, "%llu.%02llu %%", (unsigned long long)(millionths / 10000),
                        (unsigned long long)(millionths % 10000 / 100));
}

static const char *const beginnings[] = {
    [REPUTATION_HEALTHY] = "Received well again: mail of",
    [REPUTATION_WARNED] = "Too much comes back: mail of",
    [REPUTATION_SLOWED] = "Slowed, since too much comes back: mail of",
    [REPUTATION_PAUSED] = "Stopped, since too much comes back: mail of",
};

static const char *const meanings[] = {
    [REPUTATION_HEALTHY] = "Nothing is held back any more, and there is nothing to do.",
    [REPUTATION_WARNED] = "Mail is still sent as before. If it gets worse, it is slowed, and then "
                          "stopped: receivers judge all mail from here by it.",
    [REPUTATION_SLOWED] = "Mail is taken more slowly now; what is above that is refused for the "
                          "moment and may be sent again. If it gets worse, it is stopped.",
    [REPUTATION_PAUSED] = "No mail is taken or sent for now. What was taken before is kept, and "
                          "sent when this is lifted; nothing is lost.",
};

static const char ADVICE[] =
    "What to do next: find out where the addresses came from. Remove those that came back from "
    "your lists (letterhead suppression list shows them). Write only to people who have asked for "
    "it, and let them unsubscribe with one click. Then ask the operators to lift this "
    "(letterhead reputation override).\n";

int reputation_notice_raise(struct store *s, int64_t site_id,
                            const struct reputation_finding *finding, int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct notice n = {.site_id = (uint64_t)site_id,
                       .topic = SLICE("reputation"),
                       .trouble = finding->state != REPUTATION_HEALTHY};
    struct site site;
    int r = site_find_by_id(s, &arena, site_id, &site);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    n.subject = arena_printf(&arena, "%s %.*s", beginnings[finding->state], SLICE_ARG(site.name));
    n.text = arena_printf(
        &arena,
        "Of the last %lld messages, %lld came back because the address does not exist or takes no "
        "mail (%.*s), and %lld were reported as unwanted (%.*s).\n\n%s\n%s%s",
        (long long)(finding->delivered + finding->bounced), (long long)finding->bounced,
        SLICE_ARG(reputation_percent(&arena, finding->bounces)), (long long)finding->complained,
        SLICE_ARG(reputation_percent(&arena, finding->complaints)), meanings[finding->state],
        n.trouble ? "\n" : "", n.trouble ? ADVICE : "");
    return notice_raise(s, &n, now_us);
}
