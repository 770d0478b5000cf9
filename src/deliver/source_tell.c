/* Tells the steward what went out from source addresses, so that a restart does not forget it. */
#include "deliver/inside.h"
#include "wire/ipc.h"

/* What a crash may lose is what went out in this time. */
static const uint64_t EVERY_US = SECOND_US / 5;
static const uint64_t LAST_US = 2 * SECOND_US;

/* Also what an address that was taken out of the file had sent. */
static bool is_new(const struct warm_up_count *count)
{
    return count->sent > count->told;
}

static void add_new(const struct sources *s, struct buffer *body)
{
    size_t count = 0;

    LIST_FOREACH (link, &s->all) {
        const struct source *source = LIST_ENTRY(link, struct source, link);

        for (size_t i = 0; i < WARM_UP_DAYS && count < SHAPING_SENT_MAX; i++) {
            const struct warm_up_count *one = &source->counts.of[i];

            if (!is_new(one))
                continue;
            shaping_sent_write(
                body, &(struct shaping_sent){slice_text(source->text), one->day, one->sent});
            count++;
        }
    }
}

static bool has_news(const struct sources *s)
{
    LIST_FOREACH (link, &s->all) {
        const struct source *source = LIST_ENTRY(link, struct source, link);

        for (size_t i = 0; i < WARM_UP_DAYS; i++)
            if (is_new(&source->counts.of[i]))
                return true;
    }
    return false;
}

static void note_told(struct sources *s, struct slice body)
{
    struct shaping_sent one;

    while (shaping_sent_read(&body, &one)) {
        struct warm_up_count *count = sources_count(s, one.address, one.day);

        if (count && count->told < one.messages)
            count->told = one.messages;
    }
}

static int tell(struct task *t, struct deliver *d, struct peer *steward)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    int r;

    add_new(&d->sources, &body);
    if (body.size == 0)
        return 0;
    r = peer_call(t, steward, IPC_SOURCES_SENT, buffer_slice(&body), &reply);
    if (r == 0)
        note_told(&d->sources, buffer_slice(&body));
    return r;
}

int deliver_tell_sent(struct task *t, struct deliver *d, struct peer *steward)
{
    int r = 0;

    while (r == 0) {
        if (!has_news(&d->sources))
            r = condition_wait(t, &d->sources.changed);
        if (r == 0)
            r = task_sleep(t, EVERY_US); /* what goes out meanwhile is told with it */
        if (r == 0)
            (void)tell(t, d, steward); /* what it could not write it is told again */
        if (r == 0)
            r = task_check(t);
    }
    return r == -ECANCELED ? 0 : r;
}

int deliver_tell_sent_last(struct task *t, struct deliver *d, struct peer *steward)
{
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, LAST_US);
    int r = tell(t, d, steward);

    return r == -ECANCELED ? r : 0;
}
