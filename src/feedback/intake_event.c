#include "feedback/intake_event.h"

#include "base/log.h"
#include "queue/queue.h"

static struct slice harmless(struct arena *a, struct slice text)
{
    char out[QUEUE_TEXT_BYTES + 1];

    log_escape(slice_trim(text), out, sizeof out);
    return arena_copy(a, slice_text(out));
}

static bool is_failure(const struct feedback_recipient *r)
{
    return r->verdict.class != FEEDBACK_CLASS_DELIVERED;
}

/* The one that we sent to, if the report knows it; aliases and forwarders lead to others. Failures
 * count more than what went well, and an end more than a delay. */
static const struct feedback_recipient *choose(const struct feedback_report *report,
                                               struct slice address)
{
    const struct feedback_recipient *best = NULL;
    int best_rank = -1;

    for (size_t i = 0; i < report->recipient_count; i++) {
        const struct feedback_recipient *r = &report->recipients[i];
        int rank = 4 * is_failure(r) + 2 * slice_equal_nocase(r->address, address) + r->final;

        if (rank > best_rank) {
            best = r;
            best_rank = rank;
        }
    }
    return best;
}

static uint8_t part_of(unsigned number)
{
    return (uint8_t)(number > UINT8_MAX ? UINT8_MAX : number);
}

static void tell_reply(struct arena *a, const struct feedback_recipient *r, struct queue_event *ret)
{
    ret->reply_code = r->reply_code;
    ret->enhanced[0] = part_of(r->status.class);
    ret->enhanced[1] = part_of(r->status.subject);
    ret->enhanced[2] = part_of(r->status.detail);
    ret->text = harmless(a, r->text);
    ret->remote = harmless(a, slice_part(r->remote, 0, LIMIT_DOMAIN_BYTES));
}

/* Late, passed on or delivered: worth showing, and decides nothing. */
static void tell_progress(struct arena *a, const struct feedback_recipient *r,
                          struct queue_event *ret)
{
    const char *what = r->action.size ? "" : r->final ? "delivered" : "delayed";

    ret->type = QUEUE_EVENT_REPORTED;
    tell_reply(a, r, ret);
    ret->text = harmless(a, arena_printf(a, "%.*s%s: %.*s", SLICE_ARG(slice_part(r->action, 0, 20)),
                                         what, SLICE_ARG(slice_part(ret->text, 0, 400))));
}

static void tell_bounce(struct arena *a, const struct feedback_recipient *r,
                        struct queue_event *ret)
{
    if (!is_failure(r) || !r->final) {
        tell_progress(a, r, ret);
        return;
    }
    ret->type = QUEUE_EVENT_RETURNED;
    tell_reply(a, r, ret);
}

/* Feedback types that say the contrary (RFC 5965 §7.3), or how a message was authenticated and
 * nothing of whoever got it (RFC 6591 §3.1): worth showing, and no complaint. */
static bool is_nobodys(struct slice type)
{
    return slice_equal(type, SLICE("not-spam")) || slice_equal(type, SLICE("auth-failure"));
}

static void tell_complaint(struct arena *a, struct slice type, struct queue_event *ret)
{
    if (is_nobodys(type)) {
        ret->type = QUEUE_EVENT_REPORTED;
        ret->text = arena_printf(a, "a report of the type %.*s", SLICE_ARG(type));
        return;
    }
    ret->type = QUEUE_EVENT_COMPLAINED;
    ret->text = type.size ? harmless(a, type) : SLICE("abuse");
}

void intake_event(struct arena *a, const struct feedback_report *report, struct slice address,
                  struct queue_event *ret)
{
    const struct feedback_recipient *r = choose(report, address);

    if (report->kind == FEEDBACK_COMPLAINT) {
        tell_complaint(a, report->feedback_type, ret);
    } else if (report->kind == FEEDBACK_AUTO_REPLY) {
        ret->type = QUEUE_EVENT_ANSWERED;
        ret->text = SLICE("an automatic reply");
    } else if (report->kind == FEEDBACK_BOUNCE && r) {
        tell_bounce(a, r, ret);
    } else if (report->kind == FEEDBACK_DELIVERED && r) {
        tell_progress(a, r, ret);
    } else {
        ret->type = QUEUE_EVENT_REPORTED;
        ret->text = SLICE("something came back that is no report that is understood");
    }
}
