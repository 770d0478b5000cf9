#include "site/notice.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/log.h"

/* Texts as they will be kept. */
struct words {
    struct arena arena;
    struct slice subject, text;
};

static void words_done(struct words *words)
{
    arena_done(&words->arena);
}

/* A line without control characters or broken UTF-8, which no mail could carry. */
static struct slice clean_line(struct arena *arena, struct slice line, size_t max)
{
    char *out = arena_allocate(arena, max + 1);

    log_escape(line, out, max + 1);
    return slice_text(out);
}

static struct slice clean_text(struct arena *arena, struct slice text)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    bool more = text.size > 0;
    struct slice line;

    while (more && out.size < LIMIT_NOTICE_TEXT_BYTES) {
        more = slice_cut(&text, '\n', &line);
        buffer_add(&out, clean_line(arena, line, LIMIT_NOTICE_TEXT_BYTES - out.size));
        if (more)
            buffer_add_byte(&out, '\n');
    }
    return arena_copy(arena, buffer_slice(&out));
}

static int add(struct store *s, const struct notice *n, const struct words *words, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_NOTICE_ADD);
    int64_t id;
    int r = store_new_id(s, &id);

    if (r < 0)
        return r;
    query_bind_int(&q, id);
    query_bind_int(&q, (int64_t)n->site_id);
    query_bind_text(&q, n->topic);
    query_bind_int(&q, now_us);
    query_bind_text(&q, words->subject);
    query_bind_text(&q, words->text);
    query_bind_int(&q, NOTICE_GAP_S * (int64_t)1000000);
    return query_run(&q);
}

static int change(struct store *s, int64_t id, bool new_stage, const struct words *words)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_NOTICE_CHANGE);

    query_bind_int(&q, id);
    query_bind_int(&q, new_stage);
    query_bind_text(&q, words->subject);
    query_bind_text(&q, words->text);
    return query_run(&q);
}

static int mend(struct store *s, int64_t id, const struct words *words, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_NOTICE_MEND);

    query_bind_int(&q, id);
    query_bind_int(&q, now_us);
    query_bind_text(&q, words->subject);
    query_bind_text(&q, words->text);
    return query_run(&q);
}

/* 1 with its id and whether its subject is another one; 0: no such trouble stands. */
static int find_standing(struct store *s, const struct notice *n, struct slice subject,
                         int64_t *ret_id, bool *ret_new_stage)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_NOTICE_STANDING);
    int r;

    query_bind_int(&q, (int64_t)n->site_id);
    query_bind_text(&q, n->topic);
    r = query_step(&q);
    if (r == 1) {
        *ret_id = query_int(&q, 0);
        *ret_new_stage = !slice_equal(query_text(&q, 1), subject);
    }
    return r;
}

int notice_raise(struct store *s, const struct notice *n, int64_t now_us)
{
    CLEANUP(words_done) struct words words = {.arena = ARENA_NONE};
    bool new_stage = false;
    int64_t id = 0;
    int r;

    words.subject = clean_line(&words.arena, n->subject, LIMIT_NOTICE_SUBJECT_BYTES);
    words.text = clean_text(&words.arena, n->text);
    r = find_standing(s, n, words.subject, &id, &new_stage);
    if (r < 0)
        return r;
    if (!n->trouble)
        return r == 0 ? 0 : mend(s, id, &words, now_us);
    return r == 0 ? add(s, n, &words, now_us) : change(s, id, new_stage, &words);
}

static void read_row(struct query *q, struct arena *arena, struct notice_row *ret)
{
    *ret = (struct notice_row){
        .id = query_int(q, 0),
        .site_id = query_int(q, 1),
        .topic = arena_copy(arena, query_text(q, 2)),
        .since_us = query_int(q, 3),
        .told_us = query_int(q, 4),
        .mended_us = query_int(q, 5),
        .untold = query_int(q, 6) != 0,
        .subject = arena_copy(arena, query_text(q, 7)),
        .text = arena_copy(arena, query_text(q, 8)),
        .mended_subject = arena_copy(arena, query_text(q, 9)),
        .mended_text = arena_copy(arena, query_text(q, 10)),
    };
}

static int step_to_row(struct query *q, struct arena *arena, struct notice_row *ret)
{
    int r = query_step(q);

    if (r == 1)
        read_row(q, arena, ret);
    return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

int notice_next(struct store *s, struct arena *arena, int64_t now_us, struct notice_row *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_NOTICE_UNTOLD);

    query_bind_int(&q, now_us);
    return step_to_row(&q, arena, ret);
}

int notice_told(struct store *s, int64_t id, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_NOTICE_TOLD);

    query_bind_int(&q, id);
    query_bind_int(&q, now_us);
    return query_run(&q);
}

int notice_find(struct store *s, struct arena *arena, int64_t id, struct notice_row *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_NOTICE_BY_ID);

    query_bind_int(&q, id);
    return step_to_row(&q, arena, ret);
}

int notice_list(struct store *s, struct arena *arena, const struct notice_listing *listing,
                struct notice_row **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_NOTICE_LIST);
    struct notice_row *rows = ARENA_ARRAY(arena, struct notice_row, listing->max);
    size_t count = 0;
    int r;

    query_bind_int(&q, listing->site_id);
    query_bind_int(&q, listing->mended);
    query_bind_int(&q, (int64_t)listing->max);
    while ((r = query_step(&q)) == 1 && count < listing->max)
        read_row(&q, arena, &rows[count++]);
    if (r < 0)
        return r;
    *ret = rows;
    *ret_count = count;
    return 0;
}

int notice_forget(struct store *s, int64_t before_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_NOTICE_FORGET);

    query_bind_int(&q, before_us);
    return query_run(&q);
}
