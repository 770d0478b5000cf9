#include "actors.h"

/* A host receives for a domain of its own, and for many others. */
static struct slice choose_domain(struct scenario *s, unsigned host)
{
    struct arena *arena = &s->ledger->arena;

    if (chance_ppm(s->chance, 500000))
        return arena_printf(arena, "d%u.example", host);
    return arena_printf(arena, "d%un%u.example", host, (unsigned)chance_below(s->chance, 12));
}

/* Recipients of the same host share a transaction, so they come in runs. Names beginning with
 * "nobody" are refused by every host. */
static void choose_recipients(struct scenario *s, struct ledger_submission *submission)
{
    struct arena *arena = &s->ledger->arena;
    size_t count = (size_t)chance_between(s->chance, 1, 4);
    unsigned host = (unsigned)chance_below(s->chance, HOSTS);

    for (size_t i = 0; i < count; i++) {
        const char *name = chance_ppm(s->chance, 60000) ? "nobody" : "user";
        struct slice address;

        if (chance_ppm(s->chance, 400000))
            host = (unsigned)chance_below(s->chance, HOSTS);
        address = arena_printf(arena, "%s%zu@%.*s", name, i, SLICE_ARG(choose_domain(s, host)));
        if (chance_ppm(s->chance, 20000))
            address = arena_printf(arena, "user%zu@%s", i,
                                   chance_ppm(s->chance, 500000) ? "null.example" : "gone.example");
        submission->recipients[i].address = address;
    }
    submission->recipient_count = count;
}

static void add_header(struct scenario *s, const struct ledger_submission *submission,
                       struct slice from_domain, struct buffer *out)
{
    static const char *const signs[] = {
        "List-Id: <news.example>\r\n",
        "X-Letterhead-Priority: bulk\r\n",
        "Precedence: list\r\nX-Letterhead-Priority: transactional\r\n",
    };
    struct slice token = ledger_token(s->ledger, submission->number);

    if (chance_ppm(s->chance, 300000))
        buffer_add(
            out,
            SLICE("Received: from somewhere by elsewhere; Thu, 1 Jan 2026 00:00:00 +0000\r\n"));
    buffer_printf(out, "From: \"Friends, of the %.*s\" <noreply@%.*s>\r\n", SLICE_ARG(from_domain),
                  SLICE_ARG(from_domain));
    buffer_printf(out, "To: %.*s,\r\n undisclosed@d0.example\r\n",
                  SLICE_ARG(submission->recipients[0].address));
    if (chance_ppm(s->chance, 200000))
        buffer_add(out, SLICE("bcc: hidden@d1.example,\r\n\thidden2@d1.example\r\n"));
    if (chance_ppm(s->chance, s->bulk))
        buffer_add(out, slice_text(signs[chance_below(s->chance, ARRAY_LEN(signs))]));
    buffer_printf(out, "Subject: %.*s  a  hold notice\r\n", SLICE_ARG(token));
    if (chance_ppm(s->chance, 500000))
        buffer_add(out, SLICE("Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"));
    if (chance_ppm(s->chance, 500000))
        buffer_printf(out, "Message-ID: <%.*s@client.example>\r\n", SLICE_ARG(token));
    buffer_add(out, SLICE("MIME-Version: 1.0\r\nX-Own:  kept \t as it is\r\n\r\n"));
}

static void add_line(struct scenario *s, bool eight_bit, struct buffer *out)
{
    static const char *const lines[] = {
        "",
        ".",
        "..",
        ".hidden",
        "From here on",
        "  spaces  at both ends  ",
        "A line like any other, of some length, so that it adds up.",
        "QUIT",
        "250 OK"};

    buffer_add(out, slice_text(lines[chance_below(s->chance, ARRAY_LEN(lines))]));
    if (eight_bit && chance_ppm(s->chance, 300000))
        buffer_add(out, SLICE("Gr\xc3\xbc\xc3\x9f"
                              "e"));
    buffer_add(out, SLICE("\r\n"));
}

static void add_body(struct scenario *s, bool eight_bit, struct buffer *out)
{
    size_t lines = (size_t)chance_skewed(s->chance, chance_ppm(s->chance, 50000) ? 8000 : 60);

    while (lines--)
        add_line(s, eight_bit, out);
}

struct ledger_submission *compose(struct scenario *s, unsigned site, bool eight_bit)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct ledger_submission *submission = ledger_submit(s->ledger, site_domain(site));
    struct slice from_domain = site_domain(site);

    submission->forbidden = chance_ppm(s->chance, 40000);
    if (submission->forbidden)
        from_domain = site_domain((site + 1) % SCENARIO_SITES);
    choose_recipients(s, submission);
    add_header(s, submission, from_domain, &text);
    add_body(s, eight_bit, &text);
    submission->content = arena_copy(&s->ledger->arena, buffer_slice(&text));
    return submission;
}
