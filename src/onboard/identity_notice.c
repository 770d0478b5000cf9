#include "onboard/identity_notice.h"

#include "site/notice.h"

/* The stage of the trouble; NULL: nothing to tell. It stands first in the subject, so it has no
 * numbers that change. */
static const char *stage_of(const struct identity_verdict *verdict)
{
    switch (verdict->reason) {
    case IDENTITY_REASON_BROKEN:
    case IDENTITY_REASON_VANISHED:
        return "DNS records are missing or wrong; mail still goes out";
    case IDENTITY_REASON_GRACE:
    case IDENTITY_REASON_GONE:
    case IDENTITY_REASON_OWNER:
        return "sending has stopped, since DNS records are gone";
    case IDENTITY_REASON_PATIENCE:
        return "the DNS records did not come in time";
    default:
        return NULL;
    }
}

static void add_record(struct arena *arena, const struct identity *identity,
                       const struct identity_key *key, struct buffer *text)
{
    struct slice name = identity_record_name(arena, identity, key);

    if (slice_equal(key->record_state, SLICE("right")))
        return;
    buffer_printf(text, "\n%.*s\n    %.*s\n", SLICE_ARG(name), SLICE_ARG(key->record_advice));
    if (key->record_seen.size)
        buffer_printf(text, "    Seen: %.*s\n", SLICE_ARG(key->record_seen));
}

static int raise_trouble(struct store *s, const struct identity *identity, const char *stage,
                         struct notice *notice, int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    buffer_printf(&text, "%.*s\n%.*s\n", SLICE_ARG(identity->why), SLICE_ARG(identity->next_step));
    for (size_t i = 0; i < identity->key_count; i++)
        add_record(&arena, identity, &identity->keys[i], &text);
    notice->trouble = true;
    notice->subject = arena_printf(&arena, "%.*s: %s", SLICE_ARG(identity->domain), stage);
    notice->text = buffer_slice(&text);
    return notice_raise(s, notice, now_us);
}

int identity_notice_raise(struct store *s, const struct identity *identity,
                          enum identity_state before, const struct identity_verdict *verdict,
                          int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const char *stage = stage_of(verdict);
    struct notice notice = {
        .site_id = (uint64_t)identity->site_id,
        .topic = arena_printf(&arena, "identity:%lld", (long long)identity->id),
    };

    if (stage)
        return raise_trouble(s, identity, stage, &notice, now_us);
    if (verdict->state != IDENTITY_SUCCESS || before == IDENTITY_SUCCESS)
        return 0;
    notice.subject =
        arena_printf(&arena, "%.*s: all DNS records are right again", SLICE_ARG(identity->domain));
    notice.text =
        SLICE("Mail may be sent, and what had to wait goes out. There is nothing to do.\n");
    return notice_raise(s, &notice, now_us);
}
