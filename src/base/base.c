#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *base_allocate(size_t size_bytes)
{
    void *memory = calloc(1, size_bytes ? size_bytes : 1);

    if (!memory)
        abort();
    return memory;
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
