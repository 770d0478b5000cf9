#include "onboard/diagnosis.h"

/* The first server of each kind, and how many there are. */
struct opinions {
    const struct authority_server *with, *without, *lame;
    size_t with_count, without_count, lame_count;
};

static void note(const struct authority_server *server, const struct authority_server **first,
                 size_t *count)
{
    if (!*first)
        *first = server;
    ++*count;
}

static struct opinions ask_opinions(const struct authority_look *look, size_t which,
                                    const struct record_expected *expected)
{
    struct opinions o = {NULL};

    for (size_t i = 0; i < look->count; i++) {
        const struct authority_server *server = &look->list[i];
        const struct authority_answer *answer = &server->answers[which];

        if (authority_has(answer, expected))
            note(server, &o.with, &o.with_count);
        else if (answer->word >= AUTHORITY_ABSENT)
            note(server, &o.without, &o.without_count);
        else if (answer->word != AUTHORITY_SILENT)
            note(server, &o.lame, &o.lame_count);
    }
    return o;
}

static struct slice server_text(struct arena *arena, const struct authority_server *server)
{
    if (!server->address.size || slice_equal(server->address, server->name))
        return server->name;
    return arena_printf(arena, "%.*s (%.*s)", SLICE_ARG(server->name), SLICE_ARG(server->address));
}

static void disagree(struct arena *arena, const struct opinions *o, struct record_finding *finding)
{
    struct slice with = server_text(arena, o->with), without = server_text(arena, o->without);
    struct slice words = arena_printf(
        arena,
        "The domain's name servers disagree: %.*s has the record, %.*s has not. Whoever runs them must "
        "see to it that all load the same zone; until then it depends on chance which one a receiver "
        "asks.",
        SLICE_ARG(with), SLICE_ARG(without));

    finding->cause = CAUSE_DISAGREE;
    finding->server = without;
    if (finding->proven)
        finding->advice = words;
    else
        finding->trouble = words;
}

static void lame(struct arena *arena, const struct authority_look *look, const struct opinions *o,
                 size_t which, struct record_finding *finding)
{
    *finding = (struct record_finding){.cause = CAUSE_LAME};
    finding->server = server_text(arena, o->lame);
    finding->trouble = arena_printf(
        arena,
        "None of the domain's name servers answers for it: %.*s %s. Have the registrar name servers "
        "that have the zone %.*s, or have those load it. Nothing was changed; Letterhead asks again.",
        SLICE_ARG(finding->server), o->lame->answers[which].why, SLICE_ARG(look->zone));
}

/* The servers know better than what asked them. */
static void remembered(struct record_finding *finding)
{
    *finding = (struct record_finding){
        .cause = CAUSE_SILENT,
        .trouble = SLICE("The domain's name servers have the record; only what asks them still "
                         "remembers that they had not. Wait: Letterhead looks again by itself."),
    };
}

/* A server that has a fault may have answered the resolver before. */
static bool nobody_serves(const struct opinions *o, size_t which,
                          const struct record_finding *finding)
{
    if (!o->lame || o->with || o->without || finding->cause == CAUSE_BOGUS)
        return false;
    return !finding->proven || o->lame->answers[which].word == AUTHORITY_LAME;
}

void diagnosis_refine(struct arena *arena, const struct authority_look *look, size_t which,
                      const struct record_expected *expected, struct record_finding *finding)
{
    struct opinions o = ask_opinions(look, which, expected);

    if (finding->proven && finding->state == RECORD_RIGHT)
        return;
    if (o.without)
        finding->server = server_text(arena, o.without);
    if (o.with && o.without)
        disagree(arena, &o, finding);
    else if (nobody_serves(&o, which, finding))
        lame(arena, look, &o, which, finding);
    else if (o.with && finding->proven)
        remembered(finding);
}
