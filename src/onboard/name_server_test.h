/* A name server of a few lines for tests: answers TXT questions over TCP from what the test says of
 * names, or misbehaves as told. */
#ifndef LETTERHEAD_ONBOARD_NAME_SERVER_TEST_H
#define LETTERHEAD_ONBOARD_NAME_SERVER_TEST_H

#include "runtime/loop_test.h"
#include "wire/dns_message.h"
#include "wire/dns_text.h"

enum name_server_habit {
    NAME_SERVER_SERVES,
    NAME_SERVER_LAME,     /* answers without authority */
    NAME_SERVER_FAILS,    /* SERVFAIL */
    NAME_SERVER_SILENT,   /* takes questions and never answers */
    NAME_SERVER_CLOSES,   /* after each answer */
    NAME_SERVER_CUTS,     /* says that its answers are truncated */
    NAME_SERVER_MISTAKES, /* answers what nobody asked */
    NAME_SERVER_EMPTY,    /* has no records at all */
    NAME_SERVER_ALIASES,  /* every name is a CNAME to alias.example */
};

struct name_server {
    enum name_server_habit habit;
    /* The text at a name: false: there is no such name; empty: it has no TXT. */
    bool (*find)(void *context, struct slice name, struct slice *ret_text);
    void *context;
    struct endpoint at;
    struct listener *listener;
    unsigned connections, questions;
};

static inline void name_server_answer(struct name_server *server, const struct wire_dns_message *m,
                                      struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer rdata = BUFFER_NONE;
    struct slice text = SLICE_NONE;
    bool known =
        server->habit != NAME_SERVER_EMPTY && server->find(server->context, m->name, &text);
    bool alias = server->habit == NAME_SERVER_ALIASES;
    unsigned flags = 0x8000 | (server->habit == NAME_SERVER_LAME ? 0 : 0x0400) |
                     (server->habit == NAME_SERVER_CUTS ? 0x0200 : 0) |
                     (server->habit == NAME_SERVER_FAILS ? 2
                      : known || alias                   ? 0
                                                         : 3);
    size_t head = out->size;

    if (alias)
        buffer_add(&rdata, SLICE("\5alias\7example\0"));
    else if (text.size)
        wire_dns_text_encode(&rdata, text);
    assert_int_equal(wire_dns_question_write(out, m->id, m->name, m->type), 0);
    out->data[head + 2] = (char)(flags >> 8);
    out->data[head + 3] = (char)flags;
    if (server->habit == NAME_SERVER_MISTAKES)
        out->data[head + 13] ^= 1;
    if (!rdata.size)
        return;
    out->data[head + 7] = 1;
    buffer_add_u16(out, 0xc00c);
    buffer_add_u16(out, alias ? WIRE_DNS_CNAME : WIRE_DNS_TXT);
    buffer_add_u16(out, 1);
    buffer_add_u32(out, 60);
    buffer_add_u16(out, (uint16_t)rdata.size);
    buffer_add(out, buffer_slice(&rdata));
}

/* Until the other side has had enough. */
static inline void name_server_talk(struct task *t, struct name_server *server, struct stream *s)
{
    for (;;) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        CLEANUP(buffer_done) struct buffer answer = BUFFER_NONE, frame = BUFFER_NONE;
        struct cursor c = cursor_of(stream_buffered(s));
        struct slice bytes = cursor_bytes(&c, cursor_u16(&c));
        struct wire_dns_message m;

        if (c.failed || server->habit == NAME_SERVER_SILENT) {
            if (stream_fill(t, s, 65537) < 0)
                return;
            continue;
        }
        assert_int_equal(wire_dns_message_read(&arena, bytes, &m), 0);
        server->questions++;
        name_server_answer(server, &m, &answer);
        stream_consume(s, bytes.size + 2);
        buffer_add_u16(&frame, (uint16_t)answer.size);
        buffer_add(&frame, buffer_slice(&answer));
        if (stream_write(t, s, buffer_slice(&frame)) < 0 || stream_flush(t, s) < 0 ||
            server->habit == NAME_SERVER_CLOSES)
            return;
    }
}

/* One connection after the other. */
static inline int name_server_main(struct task *t, void *argument)
{
    struct name_server *server = argument;
    struct stream *s;
    int r;

    while ((r = listener_accept(t, server->listener, &s)) == 0) {
        server->connections++;
        name_server_talk(t, server, s);
        stream_free(s);
    }
    return r;
}

static inline void name_server_open(struct task *t, struct scope *scope, struct name_server *server)
{
    assert_int_equal(listener_new(t, listen_loopback(&server->at), &server->listener), 0);
    assert_int_equal(scope_spawn(scope, "name server", name_server_main, server), 0);
}

/* After the scope has been closed. */
static inline void name_server_close(struct name_server *server)
{
    listener_free(server->listener);
    server->listener = NULL;
}

#endif
