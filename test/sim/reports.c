/* What comes back, in the simulated world: a receiver that sends reports to return paths, and the
 * steward's end of the way. A report that was answered 250 arrives whole, whatever crashes; under
 * one name it counts once. */
#include "actors.h"
#include "site/return_keys.h"
#include "submit/report_frame.h"
#include "wire/ipc.h"

#include <stdlib.h>

enum { ATTEMPTS_MAX = 8, REPLY_LINE_BYTES = 2048 };

static struct slice content_of(const struct sim_report *r, struct buffer *b)
{
    buffer_printf(b, "Report: %u\r\n\r\n", r->number);
    while (b->size < r->size)
        buffer_printf(b, "Line %zu of %u, and no more.\r\n", b->size, r->number);
    return buffer_slice(b);
}

/* --- the receiver --- */

static int read_code(struct task *t, struct stream *stream, uint64_t *ret_code)
{
    struct slice line;
    int r;

    do {
        r = stream_read_line(t, stream, REPLY_LINE_BYTES, &line);
    } while (r == 0 && (line.size < 4 || line.data[3] != ' '));
    return r == 0 ? slice_to_u64(slice_part(line, 0, 3), 599, ret_code) : r;
}

static int say(struct task *t, struct stream *stream, struct slice text, uint64_t *ret_code)
{
    int r = stream_write(t, stream, text);

    if (r == 0)
        r = stream_flush(t, stream);
    return r == 0 ? read_code(t, stream, ret_code) : r;
}

/* The address that a delivered message would have had. */
static void write_rcpt(struct task *t, struct scenario *s, const struct sim_report *r,
                       struct buffer *b)
{
    CLEANUP(return_keys_done) struct return_keys keys = {.bytes = SECRET_NONE};
    const uint8_t random[16] = {(uint8_t)r->number};
    const struct return_path path = {.id = message_id_make(1, random),
                                     .last_day = return_path_last_day(task_wall_us(t))};

    neighbours_return_keys(&keys);
    buffer_add(b, SLICE("RCPT TO:<"));
    return_path_write(b, &keys.keys.current, &path);
    buffer_add(b, SLICE("@bounce.letterhead.example>\r\n"));
    (void)s;
}

static int offer(struct task *t, struct scenario *s, struct sim_report *r, struct stream *stream)
{
    CLEANUP(buffer_done) struct buffer rcpt = BUFFER_NONE, content = BUFFER_NONE;
    uint64_t code = 0;
    int result = read_code(t, stream, &code);

    write_rcpt(t, s, r, &rcpt);
    if (result == 0 && code == 220)
        result = say(t, stream, SLICE("EHLO mx.example\r\n"), &code);
    if (result == 0 && code == 250)
        result = say(t, stream, SLICE("MAIL FROM:<>\r\n"), &code);
    if (result == 0 && code == 250)
        result = say(t, stream, buffer_slice(&rcpt), &code);
    if (result == 0 && code == 550)
        ledger_fail(s->ledger, "report %u was refused at RCPT", r->number);
    if (result == 0 && code == 250)
        result = say(t, stream, SLICE("DATA\r\n"), &code);
    if (result < 0 || code != 354)
        return result < 0 ? result : -EAGAIN;
    r->offers++;
    content_of(r, &content);
    buffer_add(&content, SLICE(".\r\n"));
    result = say(t, stream, buffer_slice(&content), &code);
    r->acknowledged |= result == 0 && code == 250;
    r->offers -= result == 0 && code != 250; /* it was not taken, for certain */
    return result;
}

static int attempt(struct task *t, struct scenario *s, struct sim_report *r)
{
    const struct endpoint source = {.family = 4, .address = {127, 0, 2, 1}};
    const struct endpoint target = {.family = 4, .address = {127, 0, 0, 1}, .port = INBOUND_PORT};
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 600 * SECOND_US);
    CLEANUP(stream_free_pointer) struct stream *stream = NULL;
    int result = stream_connect(t, &source, &target, &stream);

    return result == 0 ? offer(t, s, r, stream) : result;
}

int reports_main(struct task *t, void *argument)
{
    struct scenario *s = argument;
    int r = 0;

    for (unsigned i = 0; i < s->report_count && r == 0; i++) {
        struct sim_report *report = &s->reports[i];

        *report = (struct sim_report){.number = i, .size = chance_skewed(s->chance, 150000)};
        r = pause_for(t, s, s->trouble_us / 4);
        for (unsigned n = 0; n < ATTEMPTS_MAX && r == 0 && !report->acknowledged; n++) {
            if (attempt(t, s, report) < 0 || !report->acknowledged)
                r = pause_for(t, s, 60 * SECOND_US);
        }
        sim_trace(s->w, "report %u: %s", i, report->acknowledged ? "taken" : "given up");
    }
    s->clients_left--;
    condition_broadcast(&s->changed);
    return r;
}

/* --- the steward's end --- */

static int begin(struct scenario *s, struct slice body)
{
    struct report_begin begin;
    int r = report_begin_read(body, &begin);

    if (r < 0)
        return r;
    s->coming_name = begin.name;
    s->coming_size = begin.size;
    s->coming.size = 0;
    return 0;
}

static int add(struct scenario *s, struct slice body)
{
    struct report_piece piece;
    int r = report_piece_read(body, &piece);

    if (r < 0)
        return r;
    if (!report_name_equal(&s->coming_name, &piece.name) || piece.offset > s->coming.size)
        return -ESTALE;
    s->coming.size = piece.offset;
    buffer_add(&s->coming, piece.bytes);
    return 0;
}

static bool is_known(struct scenario *s, const struct report_name *name)
{
    for (unsigned i = 0; i < s->name_count; i++)
        if (report_name_equal(&s->names[i], name))
            return true;
    assert(s->name_count < ARRAY_LEN(s->names));
    s->names[s->name_count++] = *name;
    return false;
}

static void note_arrival(struct scenario *s)
{
    for (unsigned i = 0; i < s->report_count; i++) {
        CLEANUP(buffer_done) struct buffer content = BUFFER_NONE;

        if (!slice_equal(content_of(&s->reports[i], &content), buffer_slice(&s->coming)))
            continue;
        s->reports[i].arrivals++;
        sim_trace(s->w, "steward: report %u", i);
        return;
    }
    ledger_fail(s->ledger, "a report arrived that nobody sent, or not whole: %zu bytes",
                s->coming.size);
}

static int finish(struct scenario *s, struct slice body)
{
    struct report_name name;
    int r = report_end_read(body, &name);

    if (r < 0)
        return r;
    if (!report_name_equal(&s->coming_name, &name) || s->coming.size != s->coming_size)
        return -ESTALE;
    if (!is_known(s, &name))
        note_arrival(s);
    return 0;
}

/* A steward that was started anew has forgotten what was coming in. */
void reports_forget(struct scenario *s)
{
    s->coming_name = (struct report_name){.recipient = UINT32_MAX};
    s->coming.size = 0;
}

int reports_request(struct task *t, struct scenario *s, uint8_t type, struct slice body)
{
    int r = pause_for(t, s, 20000);

    if (r < 0 || s->steward_away)
        return r < 0 ? r : -EIO;
    if (s->steward_is_moody && chance_ppm(s->chance, 50000))
        return -EIO;
    if (type == IPC_REPORT_BEGIN)
        return begin(s, body);
    return type == IPC_REPORT_CONTENT ? add(s, body) : finish(s, body);
}

/* --- the judgement --- */

bool reports_are_settled(const struct scenario *s)
{
    for (unsigned i = 0; i < s->report_count; i++)
        if (s->reports[i].acknowledged && !s->reports[i].arrivals)
            return false;
    return true;
}

void reports_judge(struct scenario *s)
{
    for (unsigned i = 0; i < s->report_count; i++) {
        const struct sim_report *r = &s->reports[i];

        if (r->acknowledged && !r->arrivals)
            ledger_fail(s->ledger, "report %u was taken, and has not arrived", i);
        if (r->arrivals > r->offers)
            ledger_fail(s->ledger, "report %u was offered %u times and arrived %u times", i,
                        r->offers, r->arrivals);
    }
    buffer_done(&s->coming);
}
