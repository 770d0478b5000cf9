#include "onboard/advice.h"

static size_t count_wrong(const struct identity *identity)
{
    size_t count = 0;

    for (size_t i = 0; i < identity->key_count; i++)
        count += !slice_equal(identity->keys[i].record_state, SLICE("right"));
    return count;
}

static struct slice count_records(struct arena *arena, const struct identity *identity)
{
    size_t wrong = count_wrong(identity);

    return arena_printf(arena, "%zu of the %zu DNS records %s missing or wrong", wrong,
                        identity->key_count, wrong == 1 ? "is" : "are");
}

static void advise_vanished(struct arena *arena, struct identity *identity)
{
    identity->why =
        arena_printf(arena, "All DNS records of %.*s are gone, as its own name servers say.",
                     SLICE_ARG(identity->domain));
    identity->next_step = SLICE("If that is a mistake, restore them now: they are looked for once "
                                "more, and if they are still gone, sending stops.");
}

static void advise_gone(struct arena *arena, struct identity *identity)
{
    identity->why = arena_printf(arena, "All DNS records of %.*s were taken away.",
                                 SLICE_ARG(identity->domain));
    identity->next_step = SLICE(
        "If that was a mistake, restore them. Letterhead looks at least every hour and goes "
        "on by itself, with the mail that waits; at once after: letterhead identity check. No "
        "mail is taken before.");
}

/* The records may be there again, and still somebody must say that they are the client's. */
static void advise_owner(struct arena *arena, struct identity *identity)
{
    const char *now = count_wrong(identity) ? "" : " They are there again, though.";

    identity->why =
        arena_printf(arena,
                     "All DNS records of %.*s were taken away, and the domain has run out "
                     "or moved to other name servers: it may have another owner.%s",
                     SLICE_ARG(identity->domain), now);
    identity->next_step =
        SLICE("Ask the client whether the domain is still theirs and the records are meant. Then "
              "verify it again: letterhead identity check. No mail is taken before.");
}

void onboard_advise(struct arena *arena, const struct identity_verdict *verdict,
                    struct identity *identity)
{
    struct slice domain = identity->domain, records = count_records(arena, identity);

    switch (verdict->reason) {
    case IDENTITY_REASON_VERIFIED:
        identity->why = SLICE("All three DNS records are right.");
        identity->next_step = SLICE("Nothing: mail may be sent.");
        break;
    case IDENTITY_REASON_WAITING:
        identity->why =
            arena_printf(arena, "%zu of the %zu DNS records are in place.",
                         identity->key_count - count_wrong(identity), identity->key_count);
        identity->next_step =
            arena_printf(arena,
                         "Follow the advice at each record in the DNS of %.*s. Letterhead "
                         "goes on looking.",
                         SLICE_ARG(domain));
        break;
    case IDENTITY_REASON_UNPROVEN:
        identity->why =
            arena_printf(arena, "The DNS of %.*s gave no certain answer.", SLICE_ARG(domain));
        identity->next_step = SLICE("Wait: Letterhead asks again. If it stays so, the domain's "
                                    "name servers have a fault.");
        break;
    case IDENTITY_REASON_TAKEN:
        identity->why =
            arena_printf(arena, "%.*s cannot be verified for this site.", SLICE_ARG(domain));
        identity->next_step = SLICE("Ask the operators of this platform.");
        break;
    case IDENTITY_REASON_PATIENCE:
        identity->why = arena_printf(arena, "%.*s, and the time for setting them up is over.",
                                     SLICE_ARG(records));
        identity->next_step =
            SLICE("Correct the records. Letterhead looks at least every hour and goes on by "
                  "itself; at once after: letterhead identity check.");
        break;
    case IDENTITY_REASON_BROKEN:
        identity->why =
            arena_printf(arena, "The domain was verified, but now %.*s.", SLICE_ARG(records));
        identity->next_step = SLICE("Restore the records soon: mail still goes out, but stops when "
                                    "the time of grace is over.");
        break;
    case IDENTITY_REASON_GRACE:
        identity->why =
            arena_printf(arena, "%.*s, and the time of grace is over.", SLICE_ARG(records));
        identity->next_step =
            SLICE("Restore the records. Letterhead looks at least every hour and goes on by "
                  "itself; at once after: letterhead identity check. No mail is "
                  "taken before.");
        break;
    case IDENTITY_REASON_VANISHED:
        advise_vanished(arena, identity);
        break;
    case IDENTITY_REASON_GONE:
        advise_gone(arena, identity);
        break;
    case IDENTITY_REASON_OWNER:
        advise_owner(arena, identity);
        break;
    }
}
