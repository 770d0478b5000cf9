/* The AUTH exchange (RFC 4954): PLAIN (RFC 4616) and LOGIN. The password goes straight to the
 * vault, which alone can check it, and is wiped. A wrong password and a user that does not exist
 * are told apart neither by the answer nor by the time it takes. Limits over sessions are those
 * of auth_limit.h. */
#ifndef LETTERHEAD_SUBMIT_LOGIN_H
#define LETTERHEAD_SUBMIT_LOGIN_H

#include "submit/service.h"
#include "submit/talk.h"

enum submit_login_verdict {
    SUBMIT_LOGIN_OK,
    SUBMIT_LOGIN_FAILED,  /* wrong, or turned away: counts against session, address and account */
    SUBMIT_LOGIN_REFUSED, /* nothing was tried: syntax, cancelled, vault not there */
};

struct submit_login {
    enum submit_login_verdict verdict;
    struct wire_reply reply; /* to be sent */
    uint64_t site_id;        /* when OK */
    size_t user_size;
    char user[64]; /* the access key id */
};

/* Runs the exchange that `auth` began; what it points to may lie in the talk's line. Errors are
 * those of the stream. */
MUST_CHECK int submit_login_run(struct task *t, struct submit_service *service,
                                struct submit_talk *talk, const struct smtp_auth *auth,
                                struct submit_login *ret);

#endif
