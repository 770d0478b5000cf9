/* The client's own people: the addresses that are told what happens to their site's mail. */
#ifndef LETTERHEAD_SITE_CONTACT_H
#define LETTERHEAD_SITE_CONTACT_H

#include "base/arena.h"
#include "control/operation.h"
#include "store/store.h"

enum { SITE_CONTACTS_MAX = 10 };

MUST_CHECK int site_contact_list(struct store *s, struct arena *arena, int64_t site_id,
                                 struct slice **ret, size_t *ret_count);
/* These and no others; one that is named twice counts once. Within a transaction. */
MUST_CHECK int site_contact_replace(struct store *s, int64_t site_id, const struct slice *addresses,
                                    size_t count);

/* Reads the input's field "contact" into canonical addresses; tells the caller what is wrong. */
MUST_CHECK int site_contact_read(struct control_call *call, struct arena *arena, struct slice **ret,
                                 size_t *ret_count);

/* The field that names them, the same everywhere. */
#define SITE_CONTACT_FIELD                                                                         \
    {                                                                                              \
        .name = "contact", .type = CONTROL_TEXTS, .min = 3, .max = 320,                            \
        .count_max = SITE_CONTACTS_MAX,                                                            \
        .help = "an address of the client's people, who are told when something is wrong"          \
    }

#endif
