#include "site/own_mail.h"

int own_mail_add(struct store *s, const struct own_mail *mail, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OWN_MAIL_ADD);
    int64_t id;
    int r = store_new_id(s, &id);

    if (r < 0)
        return r;
    query_bind_int(&q, id);
    query_bind_int(&q, mail->notice_id);
    query_bind_text(&q, mail->recipients);
    query_bind_text(&q, mail->subject);
    query_bind_text(&q, mail->text);
    query_bind_text(&q, mail->attachment_name);
    query_bind_text(&q, mail->attachment);
    query_bind_int(&q, now_us);
    return query_run(&q);
}

static void read_mail(struct query *q, struct arena *arena, struct own_mail *ret)
{
    *ret = (struct own_mail){
        .id = query_int(q, 0),
        .notice_id = query_int(q, 1),
        .recipients = arena_copy(arena, query_text(q, 2)),
        .subject = arena_copy(arena, query_text(q, 3)),
        .text = arena_copy(arena, query_text(q, 4)),
        .attachment_name = arena_copy(arena, query_text(q, 5)),
        .attachment = arena_copy(arena, query_text(q, 6)),
        .state = arena_copy(arena, query_text(q, 7)),
        .message_id = arena_copy(arena, query_text(q, 8)),
        .gateway = (unsigned)query_int(q, 9),
        .attempts = (unsigned)query_int(q, 10),
        .created_us = query_int(q, 11),
        .since_us = query_int(q, 12),
        .next_us = query_int(q, 13),
        .why = arena_copy(arena, query_text(q, 14)),
    };
}

int own_mail_next(struct store *s, struct arena *arena, int64_t now_us, struct own_mail *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OWN_MAIL_NEXT);
    int r;

    query_bind_int(&q, now_us);
    r = query_step(&q);
    if (r == 1)
        read_mail(&q, arena, ret);
    return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

int own_mail_entrust(struct store *s, int64_t id, struct slice message_id, unsigned gateway)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OWN_MAIL_ENTRUST);

    query_bind_int(&q, id);
    query_bind_text(&q, message_id);
    query_bind_int(&q, gateway);
    return query_run(&q);
}

int own_mail_postpone(struct store *s, const struct own_mail *mail, int64_t next_us,
                      struct slice why)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OWN_MAIL_POSTPONE);

    query_bind_int(&q, mail->id);
    query_bind_text(&q, mail->message_id);
    query_bind_int(&q, mail->message_id.size ? mail->gateway : 0);
    query_bind_int(&q, next_us);
    query_bind_text(&q, why);
    return query_run(&q);
}

int own_mail_end(struct store *s, int64_t id, struct slice state, int64_t now_us, struct slice why)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OWN_MAIL_END);

    query_bind_int(&q, id);
    query_bind_text(&q, state);
    query_bind_int(&q, now_us);
    query_bind_text(&q, why);
    return query_run(&q);
}

int own_mail_of_notice(struct store *s, struct arena *arena, int64_t notice_id, size_t max,
                       struct own_mail **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OWN_MAIL_OF_NOTICE);
    struct own_mail *mails = ARENA_ARRAY(arena, struct own_mail, max);
    size_t count = 0;
    int r;

    query_bind_int(&q, notice_id);
    query_bind_int(&q, (int64_t)max);
    while ((r = query_step(&q)) == 1 && count < max)
        read_mail(&q, arena, &mails[count++]);
    if (r < 0)
        return r;
    *ret = mails;
    *ret_count = count;
    return 0;
}

int own_mail_forget(struct store *s, int64_t before_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OWN_MAIL_FORGET);

    query_bind_int(&q, before_us);
    return query_run(&q);
}
