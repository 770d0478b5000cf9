#include "site/suppression_push.h"

#include "site/suppression.h"
#include "wire/ipc.h"

_Static_assert((int)SUPPRESSION_LIST_MAX <= (int)SUPPRESSED_HASHES_MAX, "a page fits one frame");

static int tell(struct task *t, const struct suppression_push *push, const struct buffer *body)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;

    return peer_call(t, push->gateway, IPC_DIRECTORY_SUPPRESSED, buffer_slice(body), &reply);
}

static void add_hash(const struct suppression_push *push, struct slice address, struct buffer *body)
{
    unsigned char hash[SUPPRESSED_HASH_BYTES];

    suppressed_hash(push->key, address, hash);
    buffer_add(body, slice_of(hash, sizeof hash));
}

/* Sends the next page. 1: there may be more, after the address in `after`. */
static int push_page(struct task *t, const struct suppression_push *push, struct buffer *after,
                     enum suppressed_change change)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct suppression *page;
    size_t count;
    int r = suppression_list(push->store, &arena, push->site_id, false, buffer_slice(after),
                             SUPPRESSION_LIST_MAX, &page, &count);

    if (r < 0 || (count == 0 && (push->skip_empty || change == SUPPRESSED_ADD)))
        return r;
    suppressed_frame_write(&body, (uint64_t)push->site_id, push->key, change);
    for (size_t i = 0; i < count; i++)
        add_hash(push, page[i].address, &body);
    if (count) {
        after->size = 0;
        buffer_add(after, page[count - 1].address);
    }
    r = tell(t, push, &body);
    return r == 0 ? count == SUPPRESSION_LIST_MAX : r;
}

int suppression_push_all(struct task *t, const struct suppression_push *push)
{
    CLEANUP(buffer_done) struct buffer after = BUFFER_NONE;
    int r = push_page(t, push, &after, SUPPRESSED_WHOLE);

    while (r == 1)
        r = push_page(t, push, &after, SUPPRESSED_ADD);
    return r;
}

int suppression_push_one(struct task *t, const struct suppression_push *push, struct slice address)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct suppression found;
    int r = suppression_find(push->store, &arena, push->site_id, address, &found);
    bool suppressed = r == 0 && !found.held;

    if (r < 0 && r != -ENOENT)
        return r;
    suppressed_frame_write(&body, (uint64_t)push->site_id, push->key,
                           suppressed ? SUPPRESSED_ADD : SUPPRESSED_REMOVE);
    add_hash(push, address, &body);
    return tell(t, push, &body);
}
