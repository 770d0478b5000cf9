#include "app/text_file.h"

#include <fcntl.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536 };

int text_file_read(const char *path, size_t max, struct buffer *text)
{
    CLEANUP(base_close_descriptor) int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : 1;

    while (size > 0 && text->size <= max) {
        size = read(file, buffer_reserve(text, PIECE_BYTES), PIECE_BYTES);
        text->size += size > 0 ? (size_t)size : 0;
    }
    return size < 0 ? -errno : 0;
}
