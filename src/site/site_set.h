/* Changing what holds for a site: how its mail goes out, whom of its client's people to tell. */
#ifndef LETTERHEAD_SITE_SITE_SET_H
#define LETTERHEAD_SITE_SITE_SET_H

#include "control/operation.h"

/* The handler of site.set, and its input. */
MUST_CHECK int site_set(struct task *t, struct control_call *call);
extern const struct control_field site_set_fields[];

/* The words for a site's TLS; and the one that it has. */
extern const char *const site_tls_words[];
const char *site_tls_word(bool verified);

#endif
