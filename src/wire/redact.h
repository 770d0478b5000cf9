/* Keeps secrets out of text that comes back from a stranger: a server that was given a password may
 * say it again, as it is or encoded. Whoever sends a secret tells the redactor, and has it go over
 * everything that the other side says from then on, before anybody else looks at it.
 *
 * Found are the secret itself, with any of its bytes as %XX and space as "+" (URLs and forms), its
 * hexadecimal in either case, and its base64 wherever it lies in what was encoded: in all three
 * alignments, in the common alphabet and that of URLs. A secret of fewer than REDACT_BYTES_MIN
 * bytes would be found everywhere, and is not looked for.
 *
 * The forms lie in locked memory and are wiped at the end. */
#ifndef LETTERHEAD_WIRE_REDACT_H
#define LETTERHEAD_WIRE_REDACT_H

#include "base/secret.h"

enum { REDACT_BYTES_MIN = 4, REDACT_SECRETS_MAX = 8 };

struct redactor;

struct redactor *redactor_new(void);
void redactor_free(struct redactor *r); /* accepts NULL */
void redactor_free_pointer(struct redactor **r);

/* One more secret; the same again is passed over. Past REDACT_SECRETS_MAX the oldest is forgotten.
 */
void redactor_add(struct redactor *r, struct slice secret);
/* All that `from` looks for; NULL: none. */
void redactor_add_all(struct redactor *r, const struct redactor *from);

/* Overwrites each form of each secret with asterisks, in place; says how many it found. */
size_t redactor_hide(const struct redactor *r, char *text, size_t size);

#endif
