/* A queue for the tests of this folder: remembers the last message it was given. */
#ifndef LETTERHEAD_SUBMIT_QUEUE_TEST_H
#define LETTERHEAD_SUBMIT_QUEUE_TEST_H

#include "base/arena.h"
#include "queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct {
    struct arena arena;
    struct queue_submission last; /* content: see below */
    struct slice content;
    struct queue_recipient recipients[100];
    size_t count;
    int result; /* of the next queue_accept */
    int room;   /* what queue_room says */
} queued;

static inline void queue_forget(void)
{
    arena_done(&queued.arena);
    memset(&queued, 0, sizeof(queued));
}

static void keep_recipients(const struct queue_submission *submission)
{
    assert_true(submission->recipient_count <= ARRAY_LEN(queued.recipients));
    for (size_t i = 0; i < submission->recipient_count; i++) {
        const struct queue_recipient *r = &submission->recipients[i];
        queued.recipients[i] = (struct queue_recipient){
            arena_copy(&queued.arena, r->address), arena_copy(&queued.arena, r->domain), r->notify,
            arena_copy(&queued.arena, r->orcpt)};
    }
}

int queue_accept(struct task *t, struct queue *q, struct queue_submission *submission)
{
    struct queue_submission *last = &queued.last;

    (void)t;
    (void)q;
    if (queued.result)
        return queued.result;
    *last = *submission;
    last->from_domain = arena_copy(&queued.arena, submission->from_domain);
    last->header_from = arena_copy(&queued.arena, submission->header_from);
    last->envelope_from = arena_copy(&queued.arena, submission->envelope_from);
    last->subject = arena_copy(&queued.arena, submission->subject);
    last->envid = arena_copy(&queued.arena, submission->envid);
    queued.content = arena_copy(&queued.arena, buffer_slice(&submission->content));
    keep_recipients(submission);
    buffer_done(&submission->content);
    queued.count++;
    return 0;
}

int queue_room(const struct queue *q)
{
    (void)q;
    return queued.room;
}

#endif
