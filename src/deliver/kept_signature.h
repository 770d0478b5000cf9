/* A signature that was kept with a message, so that its other recipients and tries need not be
 * signed again: may it still be used? Pure. */
#ifndef LETTERHEAD_DELIVER_KEPT_SIGNATURE_H
#define LETTERHEAD_DELIVER_KEPT_SIGNATURE_H

#include "base/arena.h"
#include "site/directory.h"

/* True when the kept fields are just what these keys would make now: none is missing, and none is
 * by another key. A key's name may have had another key earlier (rotation), so a field made before
 * the key had its turn is of no use either. */
bool kept_signature_is_by(struct arena *arena, struct slice kept, struct slice domain,
                          const struct directory_key *keys, size_t count);

#endif
