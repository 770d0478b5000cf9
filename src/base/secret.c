#include "base/secret.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void secret_wipe(void *memory, size_t size)
{
    if (size) /* an empty buffer has no memory */
        explicit_bzero(memory, size);
}

void secret_init(struct secret *s, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t mapped = (size + page) / page * page;
    void *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        abort();
    /* Both may be refused (limits, old kernels); the wipe on release still holds. */
    (void)mlock(memory, mapped);
    (void)madvise(memory, mapped, MADV_DONTDUMP);
    *s = (struct secret){memory, size, mapped};
}

void secret_copy(struct secret *s, struct slice bytes)
{
    secret_init(s, bytes.size);
    if (bytes.size)
        memcpy(s->data, bytes.data, bytes.size);
}

void secret_done(struct secret *s)
{
    if (s->data) {
        secret_wipe(s->data, s->size);
        munmap(s->data, s->mapped);
    }
    *s = SECRET_NONE;
}
