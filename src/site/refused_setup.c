#include "site/refused_setup.h"

#include "site/notice.h"

#define TOPIC SLICE("set-up")

static int note_time(struct store *s, uint64_t site_id, int64_t time_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REFUSED_SETUP_NOTE);

    query_bind_int(&q, (int64_t)site_id);
    query_bind_int(&q, time_us);
    return query_run(&q);
}

int refused_setup_note(struct store *s, uint64_t site_id, struct slice domain, struct slice text,
                       int64_t time_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct notice notice = {
        .site_id = site_id,
        .topic = TOPIC,
        .trouble = true,
        .subject = SLICE("Receivers refuse your mail because of how it is set up"),
        .text = arena_printf(&arena,
                             "The mail server of %.*s has refused a message, and gives as its "
                             "reason how your mail is set up. It said:\n    %.*s\n"
                             "Other messages will be refused as well until that is mended.\n"
                             "The DNS records of your domain are the first thing to look at; the "
                             "operator sees what is wrong with them, and which messages were "
                             "refused.\n",
                             SLICE_ARG(domain), SLICE_ARG(text)),
    };
    int r = note_time(s, site_id, time_us);

    return r == 0 ? notice_raise(s, &notice, time_us) : r;
}

/* The next site that has been quiet. 0: there is none. */
static int next_quiet(struct store *s, int64_t now_us, uint64_t *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REFUSED_SETUP_QUIET);
    int r;

    query_bind_int(&q, now_us - REFUSED_SETUP_QUIET_S * (int64_t)1000000);
    r = query_step(&q);
    if (r == 1)
        *ret = (uint64_t)query_int(&q, 0);
    return r;
}

static int forget(struct store *s, uint64_t site_id)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REFUSED_SETUP_FORGET);

    query_bind_int(&q, (int64_t)site_id);
    return query_run(&q);
}

int refused_setup_mend(struct store *s, int64_t now_us)
{
    uint64_t site_id;
    int r;

    while ((r = next_quiet(s, now_us, &site_id)) == 1) {
        const struct notice notice = {
            .site_id = site_id,
            .topic = TOPIC,
            .subject = SLICE("Receivers take your mail again"),
            .text = SLICE("For a day no receiver has refused your mail because of how it is set "
                          "up.\n"),
        };

        r = forget(s, site_id);
        if (r == 0)
            r = notice_raise(s, &notice, now_us);
        if (r < 0)
            return r;
    }
    return r;
}
