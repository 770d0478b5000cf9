/* The steward's side of shaping: keeps the file that was read last, and what operators have
 * suspended, and brings both to the gateways, at their start and with each change. */
#ifndef LETTERHEAD_DELIVER_SHAPING_SERVICE_H
#define LETTERHEAD_DELIVER_SHAPING_SERVICE_H

#include "control/operation.h"
#include "deliver/shaping.h"
#include "runtime/peer_group.h"
#include "store/store.h"

struct shaping_service {
    struct store *store;
    struct peer_group *gateways;
    /* Reads the file; app/shaping_file.h has the terms. */
    int (*load)(void *context, struct arena *arena, struct shaping *ret, struct buffer *problems);
    void *context;
    struct buffer body; /* of IPC_SHAPING, as last read */
    size_t providers, replies;
};

/* Reads the file; what was there before stays if it has mistakes. */
MUST_CHECK int shaping_service_load(struct shaping_service *s, struct buffer *problems);
void shaping_service_done(struct shaping_service *s);
/* Tells one gateway all there is; waits for it as long as it takes. -ECANCELED, or why it
 * refused. */
MUST_CHECK int shaping_service_push(struct task *t, struct shaping_service *s,
                                    const struct peer_member *gateway);
/* A gateway says what went out from source addresses: the body of IPC_SOURCES_SENT. */
MUST_CHECK int shaping_service_note_sent(struct shaping_service *s, unsigned gateway,
                                         struct slice body);

/* shaping.show, .list, .sources, .reload, .suspend and .resume; `service` may be NULL where they
 * are only looked at. */
struct control_set shaping_operations(struct shaping_service *service);

#endif
