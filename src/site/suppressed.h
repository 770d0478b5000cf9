/* What a gateway knows of suppressions (site/suppression.h): for each site a set of keyed hashes,
 * sixteen bytes each, and no address. The steward pushes them between IPC_DIRECTORY_BEGIN and _END
 * with the rest of the directory, and each change as it comes. The key is the steward's, made anew
 * whenever it starts, so nobody can choose addresses that collide.
 *
 * A set is 16 bytes a slot, at most three quarters full: LIMIT_SUPPRESSIONS of a site take 4 MiB.
 */
#ifndef LETTERHEAD_SITE_SUPPRESSED_H
#define LETTERHEAD_SITE_SUPPRESSED_H

#include "base/arena.h"
#include "base/buffer.h"

enum {
    SUPPRESSED_KEY_BYTES = 16,
    SUPPRESSED_HASH_BYTES = 16,
    SUPPRESSED_HASHES_MAX = 4000, /* in one frame */
};

struct suppressed;

struct suppressed *suppressed_new(void);
/* Accepts NULL. */
void suppressed_free(struct suppressed *s);

/* Whether mail of this site to the address is to be suppressed. The case of letters does not
 * matter. */
bool suppressed_has(const struct suppressed *s, uint64_t site_id, struct slice address);

/* A whole push begins; at its end what was not sent again is forgotten. */
void suppressed_begin(struct suppressed *s);
void suppressed_end(struct suppressed *s);
/* The site is gone. */
void suppressed_forget(struct suppressed *s, uint64_t site_id);

/* --- The body of an IPC_DIRECTORY_SUPPRESSED frame. --- */

enum suppressed_change {
    SUPPRESSED_WHOLE = 1, /* these, in place of what was there; more may follow by ADD */
    SUPPRESSED_ADD,
    SUPPRESSED_REMOVE,
};

/* The hash of an address in lower case. */
void suppressed_hash(const unsigned char key[static SUPPRESSED_KEY_BYTES], struct slice address,
                     unsigned char out[static SUPPRESSED_HASH_BYTES]);

/* Writes a frame without hashes; SUPPRESSED_HASHES_MAX of them may be added behind it. */
void suppressed_frame_write(struct buffer *body, uint64_t site_id,
                            const unsigned char key[static SUPPRESSED_KEY_BYTES],
                            enum suppressed_change change);

/* -EBADMSG: no such frame, or the site would have more than LIMIT_SUPPRESSIONS; -ESTALE: a change
 * of what is here by another key, since the steward was started anew. Nothing was changed then. */
MUST_CHECK int suppressed_apply(struct suppressed *s, struct slice body);

#endif
