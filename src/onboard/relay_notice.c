#include "onboard/relay_notice.h"

#include "site/notice.h"

/* A restart of the client's server is over before that. */
enum { UNANSWERED_MAX = 2 };

static bool is_worth_a_word(const struct relay *relay, enum relay_finding finding)
{
    return finding != RELAY_FOUND_TEMPORARY || relay->failures > UNANSWERED_MAX;
}

/* The stage of the trouble, which stands in the subject: no numbers that change. */
static const char *stage_of(enum relay_finding finding)
{
    switch (finding) {
    case RELAY_FOUND_GOOD:
        return "the SMTP account works again";
    case RELAY_FOUND_WARNING:
        return "the SMTP account needs attention soon";
    case RELAY_FOUND_OPEN:
        return "this server relays for strangers, and nothing is sent through it";
    case RELAY_FOUND_TROUBLE:
    case RELAY_FOUND_TEMPORARY:
        return "the SMTP account does not work, and mail is waiting";
    }
    return "";
}

static const char *meaning_of(enum relay_finding finding)
{
    switch (finding) {
    case RELAY_FOUND_GOOD:
        return "What was waiting goes out by itself.";
    case RELAY_FOUND_WARNING:
        return "Mail goes out at present.";
    case RELAY_FOUND_OPEN:
        return "Spammers can misuse such a server, and receivers block it. Mail waits until a test "
               "finds it closed; nothing is lost before the messages' time is over.";
    case RELAY_FOUND_TROUBLE:
    case RELAY_FOUND_TEMPORARY:
        return "Mail waits and is tried again by itself; nothing is lost before the messages' time "
               "is over.";
    }
    return "";
}

int relay_notice_raise(struct store *s, const struct relay *relay, enum relay_finding finding,
                       int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    bool trouble = finding != RELAY_FOUND_GOOD;
    const struct notice notice = {
        .site_id = (uint64_t)relay->site_id,
        .topic = arena_printf(&arena, "relay:%lld", (long long)relay->id),
        .trouble = trouble,
        .subject = arena_printf(&arena, "%.*s: %s", SLICE_ARG(relay->host), stage_of(finding)),
        .text = arena_printf(&arena,
                             "The account %.*s at %.*s (port %u), for mail from %.*s.\n\n"
                             "%.*s\n%s\n%s%.*s\n",
                             SLICE_ARG(relay->user), SLICE_ARG(relay->host), relay->port,
                             SLICE_ARG(relay->outgoing_address), SLICE_ARG(relay->why),
                             meaning_of(finding), relay->next_step.size ? "\nWhat to do: " : "",
                             SLICE_ARG(relay->next_step)),
    };

    if (!is_worth_a_word(relay, finding))
        return 0;
    return notice_raise(s, &notice, now_us);
}
