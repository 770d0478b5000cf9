/* The inside of a session: its state, and what each command does with it. For session.c, which has
 * the dialogue's frame: reading, limits, farewell. */
#ifndef LETTERHEAD_SUBMIT_COMMAND_H
#define LETTERHEAD_SUBMIT_COMMAND_H

#include "submit/listener.h"
#include "submit/talk.h"
#include "submit/transaction.h"

/* What a step of the dialogue says besides an error. */
enum { SUBMIT_GO_ON = 0, SUBMIT_END = 1 };

struct submit_session {
    struct submit_service *service;
    const struct submit_listener *listener;
    struct submit_seat *seat;
    struct submit_talk talk;
    struct submit_transaction transaction;
    struct buffer hello; /* what the client called itself; empty: nothing yet */
    bool extended;       /* by EHLO, not HELO */
    struct buffer user;  /* the access key id; empty: not logged in */
    uint64_t site_id;    /* its site */
    uint64_t started_us;
    unsigned errors, idle_commands; /* since the last message was accepted */
    unsigned login_failures;
};

/* Runs one command: SUBMIT_GO_ON, SUBMIT_END (what there was to say was said), or an error of the
 * stream. */
MUST_CHECK int submit_command_run(struct task *t, struct submit_session *s,
                                  const struct smtp_command *command);

/* How long the client may take for what it says next: strangers have little time in all, and less
 * when places are nearly used up. */
uint64_t submit_session_patience_us(struct task *t, const struct submit_session *s);

/* Replies, and counts it if it is a refusal; SUBMIT_END after a 421. */
MUST_CHECK int submit_session_answer(struct task *t, struct submit_session *s,
                                     const struct wire_reply *reply);

/* Takes the place of a site's session. False: the site has its share. */
MUST_CHECK bool submit_session_enter_site(struct submit_session *s, struct slice user,
                                          uint64_t site_id);

/* Ends the transaction, if there is one. */
void submit_session_forget_transaction(struct submit_session *s);

#endif
