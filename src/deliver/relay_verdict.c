/* What a relay's answers mean: what is the account's fault is not the recipients'. */
#include "deliver/inside.h"
#include "runtime/world.h"

/* Where nobody was handed in who knows better: all that MAIL is refused for is the account's. */
static enum relay_reply judge_by_place(enum relay_reply_to to)
{
    return to == RELAY_REPLY_TO_MAIL ? RELAY_REPLY_ACCOUNT : RELAY_REPLY_AS_IT_IS;
}

static enum relay_reply judge(const struct work *w, const struct queue_job *job,
                              enum relay_reply_to to, const struct queue_outcome *outcome)
{
    const struct directory_relay *relay = relay_of_key(w->deliver, job->destination);
    relay_reply_judge *judge_relay = w->deliver->options->judge_relay;

    if (!relay || !judge_relay)
        return judge_by_place(to);
    return judge_relay(relay->host, to, outcome->reply_code, outcome->text);
}

/* Which command was refused. Recipients that were taken share the answer to the content. */
static enum relay_reply_to place_of(const struct client *c, bool data_sent, bool taken)
{
    if (c->mail_refused)
        return RELAY_REPLY_TO_MAIL;
    return data_sent && !taken ? RELAY_REPLY_TO_DATA : RELAY_REPLY_TO_RCPT;
}

/* Nobody's recipient: it waits, and no receiver's word is kept that it could be judged by. */
static void excuse(struct work *w, struct queue_outcome *outcome)
{
    outcome->result = QUEUE_DEFERRED;
    outcome->reply_code = 0;
    memcpy(outcome->enhanced, (const uint8_t[]){4, 3, 5}, sizeof outcome->enhanced);
    outcome->text =
        arena_printf(&w->arena, "the site's SMTP account: %.*s", SLICE_ARG(outcome->text));
}

/* The worst of the answers, whose text is in *ret_why. */
static enum relay_reply judge_all(struct work *w, const struct queue_job *job,
                                  struct queue_outcome *outcomes, enum relay_reply_to to,
                                  struct slice *ret_why)
{
    enum relay_reply worst = RELAY_REPLY_AS_IT_IS;

    for (size_t i = 0; i < job->recipient_count; i++) {
        enum relay_reply one;

        if (outcomes[i].reply_code < 400)
            continue;
        one = judge(w, job, to, &outcomes[i]);
        if (one > worst) {
            worst = one;
            *ret_why = outcomes[i].text;
        }
        if (one != RELAY_REPLY_AS_IT_IS)
            excuse(w, &outcomes[i]);
    }
    return worst;
}

static bool is_all_excused(const struct queue_job *job, const struct queue_outcome *outcomes)
{
    for (size_t i = 0; i < job->recipient_count; i++)
        if (outcomes[i].result != QUEUE_DEFERRED || outcomes[i].reply_code || outcomes[i].ambiguous)
            return false;
    return true;
}

/* What was accepted, or may have been, has used up some of the account's day. */
static size_t count_sent(const struct queue_job *job, const struct queue_outcome *outcomes)
{
    size_t sent = 0;

    for (size_t i = 0; i < job->recipient_count; i++)
        sent += outcomes[i].result == QUEUE_DELIVERED || outcomes[i].ambiguous;
    return sent;
}

static void act(struct work *w, struct account *a, enum relay_reply worst, struct slice why)
{
    struct provider *p = w->provider;
    uint64_t now_us = world_now_us(w->deliver->world);

    switch (worst) {
    case RELAY_REPLY_AS_IT_IS:
        account_works(w->deliver, a);
        break;
    case RELAY_REPLY_SLOWER:
        account_works(w->deliver, a);
        (void)provider_pace_slower(&p->pace, &p->limits, w->begun_us, now_us);
        provider_back_off(p, 0, w->begun_us, why);
        break;
    case RELAY_REPLY_DAY_FULL:
        account_works(w->deliver, a);
        account_close(w, a, why);
        break;
    case RELAY_REPLY_ACCOUNT:
        account_trouble(w, a, why, false);
        break;
    }
}

bool relay_judge_outcomes(struct work *w, const struct queue_job *job,
                          struct queue_outcome *outcomes, bool broken, bool data_sent)
{
    struct account *a = account_get(w->deliver, job->destination);
    size_t sent = count_sent(job, outcomes);
    struct slice why = SLICE_NONE;
    enum relay_reply worst;
    bool news;

    account_note_sent(w, a, sent);
    worst = judge_all(w, job, outcomes, place_of(&w->connection.client, data_sent, sent > 0), &why);
    if (worst == RELAY_REPLY_ACCOUNT && sent > 0) /* it works for others: not all can be wrong */
        worst = RELAY_REPLY_AS_IT_IS;
    if (broken && worst == RELAY_REPLY_AS_IT_IS)
        return true;
    news = worst != RELAY_REPLY_ACCOUNT || account_is_news(a, job, why);
    act(w, a, worst, why);
    if (sent > 0 && worst == RELAY_REPLY_AS_IT_IS)
        provider_pace_succeeded(&w->provider->pace, &w->provider->limits);
    return news || !is_all_excused(job, outcomes);
}
