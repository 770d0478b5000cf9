/* Rotation done: keys change their slots, new ones are made and published, compromised ones are
 * withdrawn; at an operator's word, and by the clock for all identities. */
#ifndef LETTERHEAD_ONBOARD_ROTATE_H
#define LETTERHEAD_ONBOARD_ROTATE_H

#include "control/operation.h"
#include "onboard/rotation.h"
#include "runtime/task.h"

struct site_service;

struct rotate_service {
    struct site_service *site; /* store, vault, pusher, publishing */
    struct rotation_times times;
};

/* The active key retires and the next takes over; then the gateways are told. 0 with the verdict:
 * done only if it says ROTATION_NOW. -ENOENT: the identity is gone. */
MUST_CHECK int rotate_keys(struct task *t, struct rotate_service *service, int64_t identity_id,
                           struct rotation_verdict *ret);

/* Withdraws a key (`selector` empty: the active one): it is destroyed, another signs from now on,
 * and its record is emptied (CNAME) or the client is told which to remove and which to add (TXT).
 * -ENOENT: there is no such identity or key; -EALREADY: it was withdrawn before. */
MUST_CHECK int rotate_withdraw(struct task *t, struct rotate_service *service, int64_t identity_id,
                               struct slice selector);

/* Seals a key that the client has (`file`, as it lies in its file) and puts it into the slot
 * `next`, in place of the key there. By TXT alone: the client publishes it. Besides the errors of
 * vault_import_key: -EOPNOTSUPP: the identity is one of CNAME records; -EAGAIN: there is no next
 * key whose place it could take; -EEXIST: a key of this selector is there. */
MUST_CHECK int rotate_import(struct task *t, struct rotate_service *service, int64_t identity_id,
                             struct slice selector, struct slice file);

/* Puts a key that is free into the slot `next`, if that is empty, making it anew where it has
 * signed before and is ours to publish. */
MUST_CHECK int rotate_refill(struct task *t, struct rotate_service *service, int64_t identity_id);

/* Rotates and refills whatever is due, until cancelled. */
MUST_CHECK int rotate_run(struct task *t, struct rotate_service *service);

/* identity.keys, identity.rotate; `service` may be NULL where they are only looked at. */
struct control_set rotate_operations(struct rotate_service *service);

#endif
