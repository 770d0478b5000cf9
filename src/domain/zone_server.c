#include "domain/zone_server.h"

#include "runtime/world.h"

#include <stdio.h>
#include <stdlib.h>

struct zone_link zone_link_of(const struct zone_server *server, struct arena *arena)
{
    return (struct zone_link){.server = server, .arena = arena};
}

static void hang_up(struct zone_link *link)
{
    stream_free(TAKE(link->stream));
}

void zone_link_done(struct zone_link *link)
{
    hang_up(link);
}

/* Over TCP each message is behind its size (RFC 1035 §4.2.2). */
static int send_message(struct task *t, struct stream *s, struct slice message)
{
    const uint8_t size[2] = {(uint8_t)(message.size >> 8), (uint8_t)message.size};
    int r = stream_write(t, s, slice_of(size, sizeof size));

    if (r == 0)
        r = stream_write(t, s, message);
    return r == 0 ? stream_flush(t, s) : r;
}

static int fill_until(struct task *t, struct stream *s, size_t size)
{
    int r = 0;

    while (r == 0 && stream_buffered(s).size < size)
        r = stream_fill(t, s, size);
    return r;
}

static int receive_message(struct task *t, struct stream *s, struct arena *arena, struct slice *ret)
{
    struct cursor c;
    size_t size;
    int r = fill_until(t, s, 2);

    if (r < 0)
        return r;
    c = cursor_of(stream_buffered(s));
    size = cursor_u16(&c);
    r = fill_until(t, s, 2 + size);
    if (r < 0)
        return r;
    *ret = arena_copy(arena, slice_part(stream_buffered(s), 2, size));
    stream_consume(s, 2 + size);
    return 0;
}

static int exchange(struct task *t, struct zone_link *link, struct slice message, struct slice *ret)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, ZONE_SERVER_WAIT_S * SECOND_US);
    int r = 0;

    if (!link->stream)
        r = stream_connect(t, NULL, &link->server->address, &link->stream);
    if (r == 0)
        r = send_message(t, link->stream, message);
    if (r == 0)
        r = receive_message(t, link->stream, link->arena, ret);
    return r;
}

static void explain(struct zone_link *link, const char *what, const char *cure)
{
    char address[ENDPOINT_TEXT_BYTES];

    link->why = arena_printf(link->arena, "The name server %s %s. %s",
                             endpoint_format(&link->server->address, address), what, cure);
}

static void explain_rcode(struct zone_link *link, unsigned rcode, const char *cure)
{
    const char *name = wire_packet_rcode_name(rcode);
    char what[64];

    if (name)
        snprintf(what, sizeof what, "answered %s", name);
    else
        snprintf(what, sizeof what, "answered with the code %u", rcode);
    explain(link, what, cure);
}

/* What is left of the connection may be half an answer: the next exchange makes a new one. */
static enum zone_outcome unheard(struct zone_link *link, int error)
{
    char what[128];

    hang_up(link);
    snprintf(what, sizeof what, "cannot be spoken to: %s",
             error == -ETIMEDOUT ? "no answer in time" : strerror(-error));
    explain(
        link, what,
        "Nothing is lost; it is tried again by itself. If it stays so, see that the server runs "
        "and that TCP port 53 (or the one configured) is open from here.");
    return ZONE_UNHEARD;
}

/* 0, or why the task itself has to stop. */
static int exchange_or_outcome(struct task *t, struct zone_link *link, struct slice message,
                               struct slice *ret_answer, enum zone_outcome *ret_outcome)
{
    int r = exchange(t, link, message, ret_answer), stop = task_check(t);

    if (stop < 0)
        return stop;
    *ret_outcome = r == 0 ? ZONE_DONE : unheard(link, r);
    return 0;
}

static uint16_t new_id(struct task *t)
{
    uint16_t id;

    world_random(task_world(t), &id, sizeof id);
    return id;
}

static enum zone_outcome judge_answer(struct zone_link *link, int r, unsigned rcode)
{
    if (r == 0)
        return ZONE_DONE;
    if (r == -ESRCH) {
        explain_rcode(link, rcode,
                      "It does not have the platform's zone (publishing.zone), or does not answer "
                      "questions from this machine; mend that at the server.");
        return ZONE_REFUSED;
    }
    if (r == -EAGAIN) {
        explain_rcode(link, rcode, "It is asked again by itself; its own log says what is wrong.");
        return ZONE_FAILED;
    }
    hang_up(link);
    explain(link, "sent something that is no answer", "Is there a name server at that port?");
    return ZONE_FAILED;
}

int zone_link_ask(struct task *t, struct zone_link *link, const struct wire_packet_name *name,
                  struct wire_dns_txt_answer *ret, enum zone_outcome *ret_outcome)
{
    CLEANUP(buffer_done) struct buffer question = BUFFER_NONE;
    uint16_t id = new_id(t);
    struct slice answer;
    unsigned rcode = 0;
    int r;

    wire_dns_query_write(&question, id, name, WIRE_PACKET_TYPE_TXT);
    r = exchange_or_outcome(t, link, buffer_slice(&question), &answer, ret_outcome);
    if (r < 0 || *ret_outcome != ZONE_DONE)
        return r;
    *ret_outcome =
        judge_answer(link, wire_dns_txt_answer_read(answer, id, name, ret, &rcode), rcode);
    return 0;
}

static enum zone_outcome refuse(struct zone_link *link, const char *what, const char *cure)
{
    explain(link, what, cure);
    return ZONE_REFUSED;
}

/* What the signature of the answer, or its lack, comes to; DONE: the answer's code counts. */
static enum zone_outcome judge_signature(struct zone_link *link, int64_t now_s,
                                         const struct wire_tsig_judgement *j)
{
    char what[128];

    switch (j->verdict) {
    case WIRE_TSIG_GOOD:
        return ZONE_DONE;
    case WIRE_TSIG_BAD_KEY:
        return refuse(
            link, "does not know our TSIG key (BADKEY)",
            "Name and algorithm in publishing.tsig_key_file must be those that the server "
            "has; restart Letterhead after a change.");
    case WIRE_TSIG_BAD_MAC:
        return refuse(link, "refused our TSIG signature (BADSIG)",
                      "The secret in publishing.tsig_key_file is not the server's: copy it again "
                      "and restart Letterhead.");
    case WIRE_TSIG_BAD_TRUNC:
        return refuse(link, "wants a longer TSIG signature (BADTRUNC)",
                      "Let it accept full-length signatures of this algorithm.");
    case WIRE_TSIG_BAD_TIME:
        snprintf(what, sizeof what, "has another clock than we (BADTIME): it is %lld seconds %s",
                 llabs((long long)(j->server_time_s - now_s)),
                 j->server_time_s >= now_s ? "ahead" : "behind");
        return refuse(link, what, "Let both machines keep time (NTP).");
    case WIRE_TSIG_OUTSIDE_TIME:
        return refuse(link, "signs with a clock that is minutes away from ours",
                      "Let both machines keep time (NTP).");
    default:
        return refuse(link, "sent an answer whose TSIG signature is not right",
                      "Somebody may be between: look at the way to the server.");
    }
}

/* Without a signature only a refusal is believed, and as no more than a reason to try later. */
static enum zone_outcome judge_unsigned(struct zone_link *link, const struct wire_packet_header *h)
{
    if (h->rcode == WIRE_PACKET_NOERROR)
        return refuse(link, "did not sign its answer",
                      "It must know our TSIG key, and demand it for updates of the zone.");
    explain_rcode(link, h->rcode,
                  "It must have the zone as a primary server, and allow updates of it to our TSIG "
                  "key.");
    return ZONE_REFUSED;
}

static enum zone_outcome judge_rcode(struct zone_link *link, unsigned rcode)
{
    switch (rcode) {
    case WIRE_PACKET_NOERROR:
        return ZONE_DONE;
    case WIRE_PACKET_YXDOMAIN:
    case WIRE_PACKET_YXRRSET:
    case WIRE_PACKET_NXRRSET:
    case WIRE_PACKET_NXDOMAIN:
        explain_rcode(link, rcode, "What is there has changed just now; it is looked at again.");
        return ZONE_CHANGED;
    case WIRE_PACKET_SERVFAIL:
        explain_rcode(link, rcode, "It is tried again by itself; its own log says what is wrong.");
        return ZONE_FAILED;
    default:
        explain_rcode(link, rcode,
                      "It must have the zone (publishing.zone) as a primary server, and allow "
                      "updates of its TXT records to our TSIG key.");
        return ZONE_REFUSED;
    }
}

struct sent {
    uint16_t id;
    struct wire_tsig_mac mac;
};

static enum zone_outcome judge_update(struct zone_link *link, const struct sent *sent,
                                      struct slice answer, int64_t now_s)
{
    struct wire_tsig_judgement judgement;
    struct wire_packet_reader reader;
    struct wire_packet_header header;
    enum zone_outcome outcome;

    if (wire_packet_reader_init(answer, &reader, &header) < 0 || !header.response ||
        header.id != sent->id || header.opcode != WIRE_PACKET_UPDATE ||
        wire_tsig_judge(answer, &link->server->key, &sent->mac, now_s, &judgement) < 0) {
        hang_up(link);
        explain(link, "sent something that is no answer", "Is there a name server at that port?");
        return ZONE_FAILED;
    }
    if (judgement.verdict == WIRE_TSIG_UNSIGNED)
        return judge_unsigned(link, &header);
    outcome = judge_signature(link, now_s, &judgement);
    return outcome == ZONE_DONE ? judge_rcode(link, header.rcode) : outcome;
}

int zone_link_update(struct task *t, struct zone_link *link, const struct wire_packet_name *name,
                     struct slice present, struct slice wanted, enum zone_outcome *ret_outcome)
{
    const struct wire_dns_txt_update update = {.id = new_id(t),
                                               .zone = link->server->zone,
                                               .name = *name,
                                               .present = present,
                                               .wanted = wanted,
                                               .ttl_s = link->server->ttl_s};
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    struct sent sent = {.id = update.id};
    struct slice answer;
    int r;

    wire_dns_txt_update_write(&message, &update);
    wire_tsig_sign(&message, &link->server->key, task_wall_us(t) / (int64_t)SECOND_US, &sent.mac);
    r = exchange_or_outcome(t, link, buffer_slice(&message), &answer, ret_outcome);
    if (r == 0 && *ret_outcome == ZONE_DONE)
        *ret_outcome = judge_update(link, &sent, answer, task_wall_us(t) / (int64_t)SECOND_US);
    return r;
}
