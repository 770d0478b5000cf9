#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* malloc takes small pieces from those that this thread gave back last; calloc passes them by
 * (glibc before 2.41). Large ones may come from the system, which has zeroed them already. */
enum { SMALL_BYTES = 1024 };

void *base_allocate(size_t size_bytes)
{
    bool small = size_bytes <= SMALL_BYTES;
    void *memory = small ? malloc(size_bytes ? size_bytes : 1) : calloc(1, size_bytes);

    if (!memory)
        abort();
    return small ? memset(memory, 0, size_bytes) : memory;
}

void *base_resize(void *memory, size_t size_bytes)
{
    memory = realloc(memory, size_bytes ? size_bytes : 1);
    if (!memory)
        abort();
    return memory;
}

char *base_duplicate(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        abort();
    return copy;
}

void base_free_pointer(void *pointer_to_pointer)
{
    void *memory;

    memcpy(&memory, pointer_to_pointer, sizeof memory);
    free(memory);
}

void base_close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}
