/* The words of `letterhead inspect`, each a function from options to an exit status. Input is a
 * file or standard input; what is said goes to standard output, in words or as JSON. */
#ifndef LETTERHEAD_APP_INSPECT_WORDS_H
#define LETTERHEAD_APP_INSPECT_WORDS_H

#include "base/buffer.h"

enum { INSPECT_IDENTITIES_MAX = 16, INSPECT_SELECTORS_MAX = 3 };

struct inspect_options {
    bool json;
    bool lf;    /* LF alone ends a line of the message */
    bool ascii; /* no SMTPUTF8 */
    bool ehlo;  /* the reply answers EHLO */
    bool header_simple, body_simple;
    const char *identities[INSPECT_IDENTITIES_MAX];
    size_t identity_count;
    const char *selectors[INSPECT_SELECTORS_MAX];
    size_t selector_count;
    const char *config;       /* the service's file; NULL: the usual one, if there is one */
    const char *rules;        /* a file; NULL: those of the program */
    const char *host, *stage; /* of whom, and to what, a reply is; NULL: not said */
    char **operands;
    int operand_count;
};

int inspect_address(const struct inspect_options *options);
int inspect_from(const struct inspect_options *options);
int inspect_message(const struct inspect_options *options);
int inspect_canon(const struct inspect_options *options);
int inspect_reply(const struct inspect_options *options);
int inspect_feedback(const struct inspect_options *options);
int inspect_auth_reply(const struct inspect_options *options);
int inspect_dns(const struct inspect_options *options);

/* Adds a file, or standard input where `path` is NULL, at most `max` bytes and some more. 0;
 * otherwise says why it cannot and returns INSPECT_USAGE. */
int inspect_read_file(const char *path, size_t max, struct buffer *out);
/* The same of the first operand, or of standard input. */
int inspect_read_input(const struct inspect_options *options, size_t max, struct buffer *out);

#endif
