/* Passwords for the command line: typed without being shown, or read from a file or a descriptor;
 * never an argument, where others see it (ps) and shells remember it. */
#ifndef LETTERHEAD_APP_CLI_SECRET_H
#define LETTERHEAD_APP_CLI_SECRET_H

#include "base/secret.h"

enum { CLI_SECRET_BYTES_MAX = 4096 };

/* One line; the line's end is not part of it. With `whole` all that is there, such as a key in PEM;
 * what is not text comes as base64. -EINVAL: *ret_problem (from malloc) says what is wrong. */
MUST_CHECK int cli_secret_ask(const char *what, struct secret *ret, char **ret_problem);
MUST_CHECK int cli_secret_from_file(const char *path, bool whole, struct secret *ret,
                                    char **ret_problem);
MUST_CHECK int cli_secret_from_descriptor(const char *number, bool whole, struct secret *ret,
                                          char **ret_problem);
/* True if there is somebody to ask. */
bool cli_secret_can_ask(void);

#endif
