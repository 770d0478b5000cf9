/* What an answer means for those that come after it: the provider gets fewer connections, or none
 * for a while, or only this destination rests. */
#include "deliver/inside.h"
#include "runtime/world.h"

/* A provider that was reached by another way not longer ago is no silent provider. */
static const uint64_t GOOD_US = 600 * SECOND_US;

/* Hosts that share a network and nothing else say nothing for each other. */
static void back_off(struct work *w, struct slice destination, uint64_t pause_s, struct slice why)
{
    struct provider *p = w->provider;

    if (p->kind == PROVIDER_BY_NETWORK)
        destination_rest(destination_get(w->deliver, destination), pause_s, why);
    else
        provider_back_off(p, pause_s, w->begun_us, why);
}

static struct shaping_verdict judge(const struct work *w, const struct queue_outcome *outcome)
{
    return shaping_judge(&w->deliver->shaping, provider_name(w->provider), outcome->reply_code,
                         outcome->enhanced, outcome->text);
}

static void act(struct work *w, struct slice destination, const struct shaping_verdict *verdict,
                struct slice why)
{
    struct provider *p = w->provider;

    switch (verdict->action) {
    case SHAPING_FEWER:
        (void)provider_pace_slower(&p->pace, &p->limits, w->begun_us,
                                   world_now_us(w->deliver->world));
        break;
    case SHAPING_BACK_OFF:
        back_off(w, destination, verdict->pause_s, why);
        break;
    case SHAPING_REST_DESTINATION:
        destination_rest(destination_get(w->deliver, destination), verdict->pause_s, why);
        break;
    case SHAPING_NONE:
        break;
    }
}

void worker_judge(struct work *w, const struct queue_job *job, const struct queue_outcome *outcomes)
{
    struct provider *p = w->provider;
    struct shaping_verdict worst = {SHAPING_TRY_LATER, SHAPING_NONE, 0};
    struct slice why = SLICE_NONE;
    bool taken = false;

    for (size_t i = 0; i < job->recipient_count; i++) {
        struct shaping_verdict verdict;

        taken |= outcomes[i].result == QUEUE_DELIVERED;
        p->delivered += outcomes[i].result == QUEUE_DELIVERED;
        p->deferred += outcomes[i].result == QUEUE_DEFERRED;
        if (outcomes[i].reply_code < 400)
            continue;
        verdict = judge(w, &outcomes[i]);
        if (verdict.action > worst.action) {
            worst = verdict;
            why = outcomes[i].text;
        }
    }
    if (taken && worst.action == SHAPING_NONE) {
        provider_pace_succeeded(&p->pace, &p->limits);
        if (p->waiting > p->starting + p->lingering)
            provider_staff(p);
    }
    act(w, job->destination, &worst, why);
}

/* Another worker of the provider talks to the same hosts at this moment. */
static bool others_talk(const struct work *w, const struct destination *dest)
{
    LIST_FOREACH (link, &w->provider->works) {
        const struct work *other = LIST_ENTRY(link, struct work, link);

        if (other != w && other->connection.connected && other->connection.route == dest->route)
            return true;
    }
    return false;
}

bool worker_judge_silence(struct work *w, struct queue_job *job,
                          const struct queue_outcome *outcome)
{
    struct provider *p = w->provider;
    struct destination *dest = destination_get(w->deliver, job->destination);
    struct shaping_verdict verdict = judge(w, outcome);
    uint64_t now_us = world_now_us(w->deliver->world);

    if (verdict.action >= SHAPING_BACK_OFF) {
        act(w, job->destination, &verdict, outcome->text);
        return false;
    }
    if (others_talk(w, dest)) {
        (void)provider_pace_slower(&p->pace, &p->limits, w->begun_us, now_us);
        return true;
    }
    if (p->good_us && p->good_route != dest->route && now_us < p->good_us + GOOD_US)
        destination_rest(dest, 0, outcome->text);
    else
        back_off(w, job->destination, 0, outcome->text);
    return false;
}
