/* An application of a client: submits by SMTP, sometimes badly, and tries again as it should. */
#include "actors.h"

#include <stdio.h>
#include <stdlib.h>

enum { ATTEMPTS_MAX = 6, REPLY_LINE_BYTES = 2048 };

/* What became of one step. */
enum step { STEP_GOOD, STEP_REFUSED, STEP_BROKEN };

static bool is_last_line(struct slice line)
{
    return line.size >= 4 && line.data[3] == ' ';
}

/* Reads one reply; *ret_text has what follows the code in its last line, for as long as nothing is
 * read. */
static int read_reply(struct task *t, struct client *c, unsigned *ret_code, struct slice *ret_text)
{
    struct slice line;
    uint64_t code;
    int r;

    do {
        r = stream_read_line(t, c->stream, REPLY_LINE_BYTES, &line);
        if (r < 0)
            return r;
    } while (!is_last_line(line));
    if (slice_to_u64(slice_part(line, 0, 3), 599, &code) < 0)
        return -EPROTO;
    *ret_code = (unsigned)code;
    *ret_text = slice_trim(slice_part(line, 4, line.size));
    return 0;
}

static int command(struct task *t, struct client *c, unsigned *ret_code, const char *format, ...)
    PRINTF_LIKE(4, 5);

static int command(struct task *t, struct client *c, unsigned *ret_code, const char *format, ...)
{
    char line[512];
    struct slice text;
    va_list arguments;
    int r;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    r = stream_write(t, c->stream, slice_text(line));
    if (r == 0)
        r = stream_flush(t, c->stream);
    return r == 0 ? read_reply(t, c, ret_code, &text) : r;
}

static void hang_up(struct client *c)
{
    stream_free(TAKE(c->stream));
}

static int dial(struct task *t, struct client *c)
{
    const struct endpoint source = {.family = 4, .address = {127, 0, 1, (uint8_t)(c->number + 1)}};
    unsigned site = c->number % SCENARIO_SITES, code;
    const struct endpoint target = {
        .family = 4, .address = {127, 0, 0, 1}, .port = (uint16_t)(SUBMISSION_PORT_FIRST + site)};
    struct slice text;
    int r = stream_connect(t, &source, &target, &c->stream);

    if (r == 0)
        r = read_reply(t, c, &code, &text);
    if (r == 0 && code != 220)
        r = -ECONNABORTED;
    if (r == 0)
        r = command(t, c, &code, "EHLO app%u.example\r\n", c->number);
    return r == 0 && code != 250 ? -EPROTO : r;
}

/* A legitimate message may be put off, never refused: no fault makes it wrong. */
static enum step judge_code(struct client *c, struct ledger_submission *s, unsigned code,
                            unsigned wanted)
{
    if (code == wanted)
        return STEP_GOOD;
    ledger_refuse(c->scenario->ledger, s, code);
    if (code >= 500 && !s->forbidden && !c->scenario->site_ever_revoked[c->number % SCENARIO_SITES])
        ledger_fail(c->scenario->ledger, "legitimate submission %u was refused for good, %u",
                    s->number, code);
    return STEP_REFUSED;
}

/* The whole envelope in one write (RFC 2920), its replies after it. */
static int send_envelope(struct task *t, struct client *c, const struct ledger_submission *s,
                         bool eight_bit)
{
    struct slice domain = site_domain(c->number % SCENARIO_SITES);
    int r = stream_printf(t, c->stream, "MAIL FROM:<noreply@%.*s>%s\r\n", SLICE_ARG(domain),
                          eight_bit ? " BODY=8BITMIME" : "");

    for (size_t i = 0; r == 0 && i < s->recipient_count; i++)
        r = stream_printf(t, c->stream, "RCPT TO:<%.*s>\r\n", SLICE_ARG(s->recipients[i].address));
    if (r == 0)
        r = stream_write(t, c->stream, SLICE("DATA\r\n"));
    return r == 0 ? stream_flush(t, c->stream) : r;
}

static enum step envelope_at_once(struct task *t, struct client *c, struct ledger_submission *s,
                                  bool eight_bit)
{
    enum step step = STEP_GOOD;
    struct slice text;
    unsigned code = 0;
    int r = send_envelope(t, c, s, eight_bit);

    for (size_t i = 0; r == 0 && i < s->recipient_count + 2; i++) {
        r = read_reply(t, c, &code, &text);
        if (r == 0 && step == STEP_GOOD)
            step = judge_code(c, s, code, i < s->recipient_count + 1 ? 250 : 354);
    }
    return r < 0 && step == STEP_GOOD ? STEP_BROKEN : step;
}

static enum step envelope(struct task *t, struct client *c, struct ledger_submission *s,
                          bool eight_bit)
{
    unsigned site = c->number % SCENARIO_SITES, code;
    struct slice domain = site_domain(site);
    int r = command(t, c, &code, "MAIL FROM:<noreply@%.*s>%s\r\n", SLICE_ARG(domain),
                    eight_bit ? " BODY=8BITMIME" : "");

    if (r == 0 && judge_code(c, s, code, 250) != STEP_GOOD)
        return STEP_REFUSED;
    for (size_t i = 0; r == 0 && i < s->recipient_count; i++) {
        r = command(t, c, &code, "RCPT TO:<%.*s>\r\n", SLICE_ARG(s->recipients[i].address));
        if (r == 0 && judge_code(c, s, code, 250) != STEP_GOOD)
            return STEP_REFUSED;
    }
    if (r == 0)
        r = command(t, c, &code, "DATA\r\n");
    if (r < 0)
        return STEP_BROKEN;
    return judge_code(c, s, code, 354);
}

/* Each line, with its dot doubled, and the end; perhaps not all of it. */
static int send_content(struct task *t, struct client *c, struct slice content, bool cut)
{
    size_t stop_at = cut ? (size_t)chance_below(c->scenario->chance, content.size) : content.size;
    struct slice rest = slice_part(content, 0, stop_at), line;
    bool more = rest.size > 0;
    int r = 0;

    while (r == 0 && more) {
        more = slice_cut(&rest, '\n', &line);
        if (slice_starts(line, SLICE(".")))
            r = stream_write(t, c->stream, SLICE("."));
        if (r == 0)
            r = stream_write(t, c->stream, line);
        if (r == 0 && more)
            r = stream_write(t, c->stream, SLICE("\n"));
        if (r == 0 && chance_ppm(c->scenario->chance, 1000))
            r = pause_for(t, c->scenario, SECOND_US);
    }
    if (r == 0 && !cut)
        r = stream_write(t, c->stream, SLICE(".\r\n"));
    if (r == 0)
        r = stream_flush(t, c->stream);
    return r < 0 ? r : cut ? -EPIPE : 0;
}

/* "Ok <message id>" */
static struct slice id_of(struct slice text)
{
    struct slice word;

    slice_cut(&text, ' ', &word);
    return text;
}

static enum step content(struct task *t, struct client *c, struct ledger_submission *s)
{
    struct chance *chance = c->scenario->chance;
    bool impatient = chance_ppm(chance, 20000);
    int r = send_content(t, c, s->content, chance_ppm(chance, 20000));
    struct slice text;
    unsigned code;

    if (r == 0 && impatient) /* hangs up without waiting for the answer */
        r = pause_for(t, c->scenario, 20000) < 0 ? -ECANCELED : -EPIPE;
    if (r == 0)
        r = read_reply(t, c, &code, &text);
    if (r < 0)
        return STEP_BROKEN;
    if (code != 250)
        return judge_code(c, s, code, 250);
    ledger_acknowledge(c->scenario->ledger, s, id_of(text));
    return STEP_GOOD;
}

/* One attempt, on the connection that stands or a new one. */
static enum step submit(struct task *t, struct client *c, struct ledger_submission *s,
                        bool eight_bit)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, 700 * SECOND_US);
    enum step step = STEP_BROKEN;

    if (c->stream || dial(t, c) == 0) {
        step = chance_ppm(c->scenario->chance, 400000) ? envelope_at_once(t, c, s, eight_bit)
                                                       : envelope(t, c, s, eight_bit);
        if (step == STEP_GOOD)
            step = content(t, c, s);
    }
    if (step == STEP_BROKEN)
        ledger_leave_open(c->scenario->ledger, s);
    if (step != STEP_GOOD || chance_ppm(c->scenario->chance, 300000))
        hang_up(c);
    return step;
}

/* Tries until there is an answer that counts. Each attempt is a submission of its own: the one
 * before it may have been accepted without a word. */
static int send_one(struct task *t, struct client *c)
{
    struct scenario *s = c->scenario;

    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        bool eight_bit = chance_ppm(s->chance, 200000);
        struct ledger_submission *submission = compose(s, c->number % SCENARIO_SITES, eight_bit);
        enum step step = submit(t, c, submission, eight_bit);
        int r;

        if (step == STEP_GOOD || submission->forbidden)
            return 0;
        r = pause_for(t, s, 60 * SECOND_US);
        if (r < 0)
            return r;
    }
    return 0;
}

int client_main(struct task *t, void *argument)
{
    struct client *c = argument;
    struct scenario *s = c->scenario;
    bool hurry = chance_ppm(s->chance, s->hurry);
    unsigned messages = hurry ? 8 * s->messages_each : s->messages_each;
    int r = 0;

    for (unsigned i = 0; r == 0 && i < messages; i++) {
        if (!hurry)
            r = pause_for(t, s, 20 * SECOND_US);
        if (r == 0)
            r = send_one(t, c);
    }
    hang_up(c);
    s->clients_left--;
    condition_broadcast(&s->changed);
    free(c);
    return r;
}
