#include "domain/publisher.h"

#include "base/log.h"
#include "domain/publication_plan.h"
#include "domain/publisher_inside.h"
#include "wire/dns_text.h"

#include "runtime/world.h"

#include <stdlib.h>

enum {
    LOOK_AGAIN_S = 86400, /* at what is published */
    CLASH_AGAIN_S = 3600, /* somebody has to remove something first */
    FIRST_PAUSE_S = 1,    /* after a failure; doubled each time */
    LAST_PAUSE_S = 600,
    LAST_SILENCE_S = 60, /* the most between two tries to reach a silent server */
    CHANGES_MAX = 3,     /* of what is there, while we try; then later again */
};

/* One row on its way. */
struct work {
    struct publisher *publisher;
    struct arena arena;
    struct zone_link link;
    struct publication row;
    struct wire_packet_name name;
};

static void work_done(struct work *w)
{
    zone_link_done(&w->link);
    arena_done(&w->arena);
}

static int64_t jitter(struct task *t, int64_t interval_us)
{
    uint32_t random;

    world_random(task_world(t), &random, sizeof random);
    return interval_us + (int64_t)((double)interval_us / 4 * random / UINT32_MAX);
}

static int64_t pause_s(int64_t failures, int64_t longest_s)
{
    int64_t pause = FIRST_PAUSE_S;

    while (failures-- > 0 && pause < longest_s)
        pause *= 2;
    return pause < longest_s ? pause : longest_s;
}

static int64_t after(struct task *t, int64_t seconds)
{
    return task_wall_us(t) + jitter(t, seconds * (int64_t)SECOND_US);
}

static int settle(struct task *t, struct work *w, struct slice text)
{
    const struct publication *row = &w->row;

    if (!slice_equal(row->published, text) || !slice_equal(row->state, SLICE("published")))
        log_info("the platform's zone has %.*s: %s", SLICE_ARG(row->name),
                 text.size ? "published" : "taken away");
    return publication_settle(w->publisher->store, row->name, text, task_wall_us(t),
                              after(t, LOOK_AGAIN_S));
}

/* Said once while it stays the same. */
static int hinder(struct task *t, struct work *w, const char *state, struct slice trouble,
                  int64_t again_s)
{
    const struct publication *row = &w->row;

    if (!slice_equal(row->trouble, trouble))
        log_warning("%.*s cannot be published: %.*s", SLICE_ARG(row->name), SLICE_ARG(trouble));
    return publication_hinder(w->publisher->store, row->name, state, trouble, task_wall_us(t),
                              after(t, again_s));
}

static int hinder_by(struct task *t, struct work *w, enum zone_outcome outcome)
{
    struct publisher *p = w->publisher;

    p->silences = outcome == ZONE_UNHEARD ? p->silences + 1 : 0;
    return hinder(
        t, w, "trouble", w->link.why,
        pause_s(w->row.failures, outcome == ZONE_UNHEARD ? LAST_SILENCE_S : LAST_PAUSE_S));
}

/* What the server has, and what that calls for. */
static int look(struct task *t, struct work *w, struct publication_plan *ret,
                enum zone_outcome *ret_outcome)
{
    struct wire_dns_txt_answer there;
    int r = zone_link_ask(t, &w->link, &w->name, &there, ret_outcome);

    if (r == 0 && *ret_outcome == ZONE_DONE) {
        w->publisher->silences = 0;
        publication_plan(&w->arena, &w->row, &there, ret);
    }
    return r;
}

/* Written down first: the answer may be lost, or we may be. */
static int send_update(struct task *t, struct work *w, struct slice present,
                       enum zone_outcome *ret_outcome)
{
    int r = publication_offer(w->publisher->store, w->row.name, w->row.wanted);

    w->row.offered = w->row.wanted;
    return r < 0 ? r : zone_link_update(t, &w->link, &w->name, present, w->row.wanted, ret_outcome);
}

static int make_it_so(struct task *t, struct work *w)
{
    struct publication_plan plan;
    enum zone_outcome outcome;
    int r = 0;

    for (int changes = 0; r == 0 && changes < CHANGES_MAX; changes++) {
        r = look(t, w, &plan, &outcome);
        if (r < 0)
            return r;
        if (outcome != ZONE_DONE)
            return hinder_by(t, w, outcome);
        if (plan.step == PUBLICATION_IS_SO)
            return settle(t, w, w->row.wanted);
        if (plan.step == PUBLICATION_CLASH)
            return hinder(t, w, "clash", plan.clash, CLASH_AGAIN_S);
        r = send_update(t, w, plan.present, &outcome);
        if (r == 0 && outcome != ZONE_DONE && outcome != ZONE_CHANGED)
            return hinder_by(t, w, outcome);
    }
    return r < 0 ? r
                 : hinder(t, w, "trouble",
                          SLICE("The server took the update, but does not show what it should: "
                                "something else changes this name at the same time. It is tried "
                                "again by itself."),
                          LAST_PAUSE_S);
}

/* 0 when a row was worked on, -ENOENT when none is due. */
static int work_on_next(struct task *t, struct publisher *p)
{
    CLEANUP(work_done) struct work w = {.publisher = p};
    int r = publication_due(p->store, &w.arena, task_wall_us(t), &w.row);

    if (r < 0)
        return r;
    w.link = zone_link_of(p->server, &w.arena);
    if (wire_packet_name_of(w.row.name, &w.name) < 0)
        return hinder(t, &w, "trouble", SLICE("This is not a domain name."), LOOK_AGAIN_S);
    return make_it_so(t, &w);
}

/* While the server is silent the other rows would only wait for it one after the other. */
static int pause_for_silence(struct task *t, struct publisher *p)
{
    if (p->silences == 0)
        return 0;
    return condition_wait_for(t, &p->more,
                              (uint64_t)pause_s(p->silences - 1, LAST_SILENCE_S) * SECOND_US);
}

int publisher_run(struct task *t, struct publisher *p)
{
    int r = 0;

    while (p->server && r == 0) {
        r = work_on_next(t, p);
        if (r == -ENOENT)
            r = condition_wait_for(t, &p->more, SECOND_US);
        else if (r < 0 && r != -ECANCELED)
            log_error("publishing into the platform's zone: %s (%s)", strerror(-r),
                      store_error(p->store));
        if (r < 0 && r != -ECANCELED)
            r = task_sleep(t, FIRST_PAUSE_S * SECOND_US);
        if (r == 0)
            r = pause_for_silence(t, p);
    }
    return r;
}

void publisher_wake(struct publisher *p)
{
    condition_signal(&p->more);
}

struct publisher *publisher_new(struct store *store, const struct zone_server *server)
{
    struct publisher *p = base_allocate(sizeof *p);

    *p = (struct publisher){.store = store, .server = server};
    return p;
}

void publisher_free(struct publisher *p)
{
    free(p);
}
