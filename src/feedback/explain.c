#include "feedback/explain.h"

#include "wire/date.h"

static struct slice time_text(struct arena *arena, int64_t time_us)
{
    char text[WIRE_DATE_ISO_BYTES];

    return arena_copy(arena, wire_date_iso(time_us / 1000000, text));
}

/* A reply's text begins with its codes; what has no reply is a cause in words. */
struct slice explain_reply(struct arena *arena, const struct queue_event *event)
{
    if (event->remote.size == 0)
        return event->text;
    return arena_printf(arena, "%.*s: %.*s", SLICE_ARG(event->remote), SLICE_ARG(event->text));
}

static struct slice until(const struct timeline *l)
{
    if (!l->expires_us)
        return SLICE("its lifetime is over");
    return time_text(l->arena, l->expires_us);
}

static struct explanation explain_queued(const struct timeline *l, const struct explain_now *now)
{
    if (now->paused)
        return (struct explanation){
            SLICE("The queue of its site is paused."),
            SLICE("Release the site: letterhead queue release --site NAME."),
        };
    if (now->busy)
        return (struct explanation){SLICE("It is being delivered at this moment."),
                                    SLICE("Look again in a minute.")};
    if (now->ready)
        return (struct explanation){
            now->holding.size
                ? arena_printf(l->arena, "It is due, and waits: %.*s.", SLICE_ARG(now->holding))
                : SLICE("It is due, and its turn is next."),
            arena_printf(l->arena, "It is tried as soon as it can be, until %.*s.",
                         SLICE_ARG(until(l))),
        };
    return (struct explanation){
        SLICE("It was accepted and has not been tried yet."),
        arena_printf(l->arena, "It is tried as soon as its turn comes, until %.*s.",
                     SLICE_ARG(until(l))),
    };
}

/* Not tried: its site may not send as its From. */
static struct explanation explain_withheld(const struct timeline *l,
                                           const struct timeline_recipient *recipient,
                                           const struct explain_now *now)
{
    return (struct explanation){
        arena_printf(l->arena, "It is held back: %.*s.", SLICE_ARG(recipient->last->text)),
        now->ready
            ? SLICE("The site may send again, and its turn is next.")
            : arena_printf(l->arena,
                           "It goes out by itself within a minute after the site may send again "
                           "(letterhead identity check SITE shows what is missing), until %.*s.",
                           SLICE_ARG(until(l))),
    };
}

static struct explanation explain_deferred(const struct timeline *l,
                                           const struct timeline_recipient *recipient,
                                           const struct explain_now *now)
{
    struct slice reply = explain_reply(l->arena, recipient->last);
    const char *ambiguous = recipient->last->ambiguous
                                ? " The connection broke before the answer, so it may arrive twice."
                                : "";
    struct explanation queued = explain_queued(l, now);
    struct slice why = arena_printf(l->arena, "Attempt %u failed for now: %.*s.%s",
                                    recipient->attempts, SLICE_ARG(reply), ambiguous);

    if (now->paused || now->busy)
        return queued;
    if (recipient->due_us == 0)
        return explain_withheld(l, recipient, now);
    if (now->ready)
        return (struct explanation){why, arena_printf(l->arena, "%.*s %.*s", SLICE_ARG(queued.why),
                                                      SLICE_ARG(queued.next_step))};
    return (struct explanation){
        why,
        arena_printf(l->arena, "It is tried again at %.*s, and so on until %.*s.",
                     SLICE_ARG(time_text(l->arena, recipient->due_us)), SLICE_ARG(until(l))),
    };
}

static struct explanation explain_held(const struct timeline *l,
                                       const struct timeline_recipient *recipient)
{
    struct slice release = SLICE("Release it (letterhead queue release --message ID) or cancel it "
                                 "(letterhead queue cancel --message ID).");

    switch (recipient->last->reason) {
    case QUEUE_REASON_CRASHES:
        return (struct explanation){
            SLICE("It is held: the gateway crashed three times while delivering it."),
            SLICE("Report the crash with the gateway's log; release it when a new version is in "
                  "place."),
        };
    case QUEUE_REASON_DAMAGED:
        return (struct explanation){
            SLICE("It is held: its content cannot be read back from the disk."),
            SLICE("Look into the gateway's log, check the disk, and ask the sender to send it "
                  "again."),
        };
    default:
        return (struct explanation){
            arena_printf(l->arena, "It is held: %.*s.", SLICE_ARG(recipient->last->text)),
            release,
        };
    }
}

/* What came back after the receiver had taken it. */
static struct explanation explain_delivered(const struct timeline *l,
                                            const struct timeline_recipient *recipient)
{
    struct slice reply = explain_reply(l->arena, recipient->last);

    if (recipient->complained)
        return (struct explanation){
            arena_printf(l->arena, "The receiver took it, and then it was reported as spam (%.*s).",
                         SLICE_ARG(recipient->complained->text)),
            SLICE("Do not write to this person again; find out why they did not expect it."),
        };
    return (struct explanation){
        arena_printf(l->arena, "The receiver took it: %.*s.%s", SLICE_ARG(reply),
                     recipient->answered ? " An automatic reply came back." : ""),
        SLICE("Nothing. What happens behind the receiver, such as a spam folder, only the "
              "receiver knows."),
    };
}

static struct explanation explain_end(const struct timeline *l,
                                      const struct timeline_recipient *recipient)
{
    struct slice reply = explain_reply(l->arena, recipient->last);

    switch (recipient->state) {
    case TIMELINE_DELIVERED:
        return explain_delivered(l, recipient);
    case TIMELINE_RETURNED:
        return (struct explanation){
            arena_printf(l->arena, "The receiver took it and sent it back later: %.*s.",
                         SLICE_ARG(reply)),
            SLICE("It is not tried again. Correct the address or ask the receiver, then send it "
                  "again."),
        };
    case TIMELINE_SUPPRESSED:
        return (struct explanation){
            arena_printf(l->arena, "It was not sent, the address is on the suppression list: %.*s.",
                         SLICE_ARG(recipient->last->text)),
            SLICE("Nothing is sent to it until it is taken off the list; do that only when the "
                  "address is known to work again and wants mail."),
        };
    case TIMELINE_BOUNCED:
        return (struct explanation){
            arena_printf(l->arena, "It was refused for good: %.*s.", SLICE_ARG(reply)),
            SLICE("It is not tried again. Correct the address or ask the receiver, then send it "
                  "again."),
        };
    case TIMELINE_EXPIRED:
        return (struct explanation){
            arena_printf(l->arena, "It could not be delivered in time. The last attempt: %.*s.",
                         SLICE_ARG(reply)),
            SLICE("It is not tried again. Send it again if it is still wanted."),
        };
    default:
        return (struct explanation){
            arena_printf(l->arena, "It was cancelled: %.*s.", SLICE_ARG(recipient->last->text)),
            SLICE("Nothing: it is not tried again."),
        };
    }
}

struct explanation explain_recipient(const struct timeline *l,
                                     const struct timeline_recipient *recipient,
                                     const struct explain_now *now)
{
    switch (recipient->state) {
    case TIMELINE_QUEUED:
        return explain_queued(l, now);
    case TIMELINE_DEFERRED:
        return explain_deferred(l, recipient, now);
    case TIMELINE_HELD:
        return explain_held(l, recipient);
    default:
        return explain_end(l, recipient);
    }
}
