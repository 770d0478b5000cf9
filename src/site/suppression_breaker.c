#include "site/suppression_breaker.h"

#include "site/notice.h"

enum { LIST_FIRST = 16 };

static void read_row(struct query *q, struct arena *arena, struct suppression_breaker *ret)
{
    *ret = (struct suppression_breaker){
        .domain = arena_copy(arena, query_text(q, 0)),
        .approved = slice_equal(query_text(q, 1), SLICE("approved")),
        .since_us = query_int(q, 2),
        .until_us = query_int(q, 3),
        .sent = query_int(q, 4),
        .unknown = query_int(q, 5),
    };
}

int suppression_breaker_find(struct store *s, struct arena *arena, struct slice domain,
                             struct suppression_breaker *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_BREAKER_FIND);
    int r;

    query_bind_text(&q, domain);
    r = query_step(&q);
    if (r < 1)
        return r < 0 ? r : -ENOENT;
    read_row(&q, arena, ret);
    return 0;
}

int suppression_breaker_list(struct store *s, struct arena *arena, struct suppression_breaker **ret,
                             size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_BREAKER_LIST);
    struct suppression_breaker *rows = NULL;
    size_t count = 0, room = 0;
    int r;

    while ((r = query_step(&q)) == 1) {
        if (count == room) {
            struct suppression_breaker *more;

            room = room ? 2 * room : LIST_FIRST;
            more = ARENA_ARRAY(arena, struct suppression_breaker, room);
            if (count)
                memcpy(more, rows, count * sizeof *rows);
            rows = more;
        }
        read_row(&q, arena, &rows[count++]);
    }
    if (r < 0)
        return r;
    *ret = rows;
    *ret_count = count;
    return 0;
}

static int tell(struct store *s, const struct suppression_breaker *b, bool trouble, int64_t now_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct notice notice = {
        .topic = arena_printf(&arena, "breaker:%.*s", SLICE_ARG(b->domain)),
        .trouble = trouble,
        .subject = trouble ? arena_printf(&arena, "%.*s suddenly knows many of its people no more",
                                          SLICE_ARG(b->domain))
                           : arena_printf(&arena, "New bounces from %.*s are acted on again",
                                          SLICE_ARG(b->domain)),
        .text = trouble
                    ? arena_printf(
                          &arena,
                          "The mail servers of %.*s have said \"unknown user\" of %lld recipients "
                          "within two hours, though they knew nearly everybody before.\n"
                          "Most likely something is out of order there. Their addresses are not "
                          "suppressed; they wait for your word.\n"
                          "Look at them: letterhead suppression review list\n"
                          "If they are really gone: letterhead suppression review approve %.*s\n"
                          "If it was a fault: letterhead suppression review drop %.*s\n",
                          SLICE_ARG(b->domain), (long long)b->unknown, SLICE_ARG(b->domain),
                          SLICE_ARG(b->domain))
                    : SLICE("What waited for a review still does.\n"),
    };

    return notice_raise(s, &notice, now_us);
}

int suppression_breaker_set(struct store *s, const struct suppression_breaker *breaker,
                            int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_BREAKER_SET);
    int r;

    query_bind_text(&q, breaker->domain);
    query_bind_text(&q, breaker->approved ? SLICE("approved") : SLICE("open"));
    query_bind_int(&q, breaker->since_us);
    query_bind_int(&q, breaker->until_us);
    query_bind_int(&q, breaker->sent);
    query_bind_int(&q, breaker->unknown);
    r = query_run(&q);
    return r == 0 ? tell(s, breaker, !breaker->approved, now_us) : r;
}

int suppression_breaker_remove(struct store *s, struct slice domain, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_BREAKER_REMOVE);
    const struct suppression_breaker gone = {.domain = domain};
    int r;

    query_bind_text(&q, domain);
    r = query_run(&q);
    return r == 0 ? tell(s, &gone, false, now_us) : r;
}
