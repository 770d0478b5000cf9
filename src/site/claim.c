#include "site/claim.h"

#include "site/notice.h"
#include "site/site.h"

static const int64_t HURRY_US = 60 * (int64_t)1000000; /* between two looks at a holder */

struct holder {
    int64_t identity_id, site_id; /* 0: nobody */
    bool whole;                   /* all its records are there */
};

static int find_holder(struct store *s, const struct identity *identity, struct holder *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_CLAIM_HOLDER);
    int r;

    query_bind_text(&q, identity->domain);
    query_bind_int(&q, identity->id);
    r = query_step(&q);
    *ret = (struct holder){0};
    if (r == 1)
        *ret = (struct holder){query_int(&q, 0), query_int(&q, 1),
                               slice_equal(query_text(&q, 2), SLICE("SUCCESS"))};
    return r < 0 ? r : 0;
}

int claim_is_held(struct store *s, const struct identity *identity)
{
    struct holder holder;
    int r = find_holder(s, identity, &holder);

    return r < 0 ? r : holder.whole;
}

static struct slice name_of(struct store *s, struct arena *arena, int64_t site_id)
{
    struct site site;

    return site_find_by_id(s, arena, site_id, &site) == 0 ? site.name : SLICE("(removed)");
}

static int settle_contest(struct store *s, struct arena *arena, const struct identity *identity,
                          int64_t now_us)
{
    const struct notice n = {
        .topic = arena_printf(arena, "claim:%.*s", SLICE_ARG(identity->domain)),
        .subject = arena_printf(arena, "It is settled whose %.*s is", SLICE_ARG(identity->domain)),
        .text = arena_printf(arena,
                             "The site %.*s has proven the domain %.*s, and holds it now: the "
                             "other site's records are not all there any more.\n",
                             SLICE_ARG(name_of(s, arena, identity->site_id)),
                             SLICE_ARG(identity->domain)),
    };

    return notice_raise(s, &n, now_us);
}

static const char LOST_WHY[] = "The DNS records of %.*s do not prove any more that this site may "
                               "send as it.";
static const char LOST_NEXT[] = "If that is a mistake, restore the records, and ask the operators "
                                "of this platform.";

static int oust(struct store *s, struct arena *arena, const struct identity *identity,
                const struct holder *holder, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_CLAIM_OUST);

    query_bind_int(&q, holder->identity_id);
    query_bind_int(&q, now_us);
    query_bind_text(&q, arena_printf(arena, LOST_WHY, SLICE_ARG(identity->domain)));
    query_bind_text(&q, slice_text(LOST_NEXT));
    query_bind_int(&q, now_us + HURRY_US);
    return query_run(&q);
}

/* By the topic of all that is told of an identity. */
static int tell_ousted(struct store *s, struct arena *arena, const struct identity *identity,
                       const struct holder *holder, int64_t now_us)
{
    struct slice domain = identity->domain;
    const struct notice n = {
        .site_id = (uint64_t)holder->site_id,
        .topic = arena_printf(arena, "identity:%lld", (long long)holder->identity_id),
        .trouble = true,
        .subject = arena_printf(arena, "Mail as %.*s has stopped", SLICE_ARG(domain)),
        .text = arena_printf(arena,
                             "The DNS records that allowed mail as %.*s to be sent are not all "
                             "there any more, and the domain was set up anew since.\n\n"
                             "No mail is sent as %.*s until all records are back.\n\n%s\n",
                             SLICE_ARG(domain), SLICE_ARG(domain), LOST_NEXT),
    };

    return notice_raise(s, &n, now_us);
}

int claim_take(struct store *s, const struct identity *identity, int64_t now_us,
               int64_t *ret_site_id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct holder holder;
    int r = find_holder(s, identity, &holder);

    assert(r < 0 || !holder.whole);
    if (r == 0 && holder.identity_id)
        r = oust(s, &arena, identity, &holder, now_us);
    if (r == 0 && holder.identity_id)
        r = tell_ousted(s, &arena, identity, &holder, now_us);
    if (r == 0)
        r = settle_contest(s, &arena, identity, now_us);
    if (r == 0)
        *ret_site_id = holder.site_id;
    return r;
}

static int hurry(struct store *s, int64_t identity_id, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_CLAIM_HURRY);

    query_bind_int(&q, identity_id);
    query_bind_int(&q, now_us);
    query_bind_int(&q, now_us - HURRY_US);
    return query_run(&q);
}

static int tell_operators(struct store *s, struct arena *arena, const struct identity *identity,
                          const struct holder *holder, int64_t now_us)
{
    struct slice domain = identity->domain, claims = name_of(s, arena, identity->site_id),
                 holds = name_of(s, arena, holder->site_id);
    const struct notice n = {
        .topic = arena_printf(arena, "claim:%.*s", SLICE_ARG(domain)),
        .trouble = true,
        .subject = arena_printf(arena, "Two sites prove %.*s", SLICE_ARG(domain)),
        .text = arena_printf(
            arena,
            "The site %.*s holds the domain %.*s, and all its DNS records are there. Now the site "
            "%.*s has all of its own records there, too.\n\n"
            "Nothing changes: %.*s goes on sending, %.*s does not. Neither is told of the other.\n"
            "\nIf the domain has moved, have the old records removed: it changes hands by itself "
            "then. Otherwise ask the client why there are two sets, or remove one of the sites.\n",
            SLICE_ARG(holds), SLICE_ARG(domain), SLICE_ARG(claims), SLICE_ARG(holds),
            SLICE_ARG(claims)),
    };

    return notice_raise(s, &n, now_us);
}

int claim_contest(struct store *s, const struct identity *identity, int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct holder holder;
    int r = find_holder(s, identity, &holder);

    if (r < 0 || holder.identity_id == 0)
        return r;
    r = hurry(s, holder.identity_id, now_us);
    return r < 0 ? r : tell_operators(s, &arena, identity, &holder, now_us);
}
