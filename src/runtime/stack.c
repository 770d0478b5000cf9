#include "runtime/stack.h"

#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

/* A guard of any page size that Linux has on our machines. */
enum { GUARD_BYTES = 64 * 1024 };

/* Guards without a mapping of their own where the kernel can: a process may have only 65,530
 * mappings, and mprotect makes two of each stack. */
static int guard(char *memory)
{
    if (madvise(memory, GUARD_BYTES, MADV_GUARD_INSTALL) == 0)
        return 0;
    return mprotect(memory, GUARD_BYTES, PROT_NONE) == 0 ? 0 : -errno;
}

int stack_take(struct stack *ret)
{
    char *memory = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    if (memory == MAP_FAILED)
        return -ENOMEM;
    if (guard(memory) != 0) {
        munmap(memory, GUARD_BYTES + STACK_BYTES);
        return -ENOMEM;
    }
    ret->bottom = memory + GUARD_BYTES;
    return 0;
}

void stack_give(struct stack *s)
{
    if (s->bottom)
        munmap(s->bottom - GUARD_BYTES, GUARD_BYTES + STACK_BYTES);
    s->bottom = NULL;
}

__attribute__((no_sanitize("address"))) size_t stack_high_water(const struct stack *s)
{
    size_t clean = 0;

    while (clean < STACK_BYTES && s->bottom[clean] == 0)
        clean++;
    return STACK_BYTES - clean;
}
