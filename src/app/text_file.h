/* Reading a file that an operator wrote. */
#ifndef LETTERHEAD_APP_TEXT_FILE_H
#define LETTERHEAD_APP_TEXT_FILE_H

#include "base/buffer.h"

/* Adds the file, at most `max` bytes and some more: who calls sees by that that it is too long.
 * Errors are those of open and read. */
MUST_CHECK int text_file_read(const char *path, size_t max, struct buffer *text);

#endif
