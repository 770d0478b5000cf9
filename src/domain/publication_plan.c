#include "domain/publication_plan.h"

#include "base/log.h"
#include "wire/dns_text.h"

enum { SHOWN_BYTES = 300 };

static bool is(struct slice text, struct slice ours)
{
    return ours.size && slice_equal(text, ours);
}

static struct slice describe_text(struct arena *arena, struct slice text)
{
    char shown[SHOWN_BYTES];

    log_escape(text, shown, sizeof shown);
    return arena_printf(arena, "a TXT record that Letterhead did not put there: \"%s\"", shown);
}

static struct slice describe(struct arena *arena, const struct wire_dns_txt_answer *there,
                             struct slice text)
{
    CLEANUP(buffer_done) struct buffer target = BUFFER_NONE;

    switch (there->presence) {
    case WIRE_DNS_ONE_TXT:
        return describe_text(arena, text);
    case WIRE_DNS_MANY_TXT:
        return SLICE("several TXT records");
    case WIRE_DNS_ALIAS:
        wire_packet_name_text(&there->target, &target);
        return arena_printf(arena, "a CNAME to %.*s", SLICE_ARG(buffer_slice(&target)));
    default:
        return SLICE("a record of another type");
    }
}

static struct publication_plan clash(struct arena *arena, const struct publication *row,
                                     const struct wire_dns_txt_answer *there, struct slice text)
{
    return (struct publication_plan){
        .step = PUBLICATION_CLASH,
        .clash = arena_printf(
            arena,
            "At %.*s there is %.*s. It is left as it is. Remove it at the name server (nsupdate or "
            "knsupdate: update delete %.*s), then: letterhead publication retry.",
            SLICE_ARG(row->name), SLICE_ARG(describe(arena, there, text)), SLICE_ARG(row->name)),
    };
}

void publication_plan(struct arena *arena, const struct publication *row,
                      const struct wire_dns_txt_answer *there, struct publication_plan *ret)
{
    CLEANUP(buffer_done) struct buffer decoded = BUFFER_NONE;
    struct slice text = SLICE_NONE;
    bool ours;

    if (there->presence == WIRE_DNS_ONE_TXT && wire_dns_text_decode(there->rdata, &decoded) == 0)
        text = arena_copy(arena, buffer_slice(&decoded));
    ours = is(text, row->wanted) || is(text, row->published) || is(text, row->offered);
    if (there->presence == WIRE_DNS_NOTHING)
        *ret = (struct publication_plan){.step = row->wanted.size ? PUBLICATION_UPDATE
                                                                  : PUBLICATION_IS_SO};
    else if (is(text, row->wanted) || (row->wanted.size == 0 && !ours))
        *ret = (struct publication_plan){.step = PUBLICATION_IS_SO};
    else if (ours)
        *ret = (struct publication_plan){.step = PUBLICATION_UPDATE, .present = there->rdata};
    else
        *ret = clash(arena, row, there, text);
}
