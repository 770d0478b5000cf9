/* What the steward tells the gateway about sites: a site that was taken can be written and taken
 * again, byte for byte; what is refused changes nothing. */
#include "fuzz.h"

#include "site/directory.h"
#include "wire/ipc.h"

static uint64_t id_of(struct slice body)
{
    struct cursor c = cursor_of(body);

    return cursor_u64(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct slice body = slice_of(data, size);
    struct directory *d = directory_new();
    const struct directory_site *site;
    int r = directory_apply(d, IPC_DIRECTORY_SITE, body);

    site = directory_site_by_id(d, id_of(body));
    fuzz_check((site != NULL) == (r == 0));
    if (site) {
        directory_site_write(&again, site);
        fuzz_check(slice_equal(buffer_slice(&again), body));
        fuzz_check(directory_apply(d, IPC_DIRECTORY_SITE, body) == 0);
    }
    fuzz_check(directory_apply(d, IPC_DIRECTORY_REMOVE, body) == (size == 8 ? 0 : -EBADMSG));
    fuzz_check(directory_apply(d, IPC_DIRECTORY_SUPPRESSED, body) <= 0);
    directory_free(d);
    return 0;
}
