/* Runs of memory to be written one after the other, when not all could be written at once. */
#ifndef LETTERHEAD_RUNTIME_PIECES_H
#define LETTERHEAD_RUNTIME_PIECES_H

#include <string.h>
#include <sys/uio.h>

/* Drops the first `size` bytes, and pieces that are empty then; returns how many pieces are
 * left. */
static inline int pieces_advance(struct iovec *pieces, int count, size_t size)
{
    int done = 0;

    while (done < count && size >= pieces[done].iov_len)
        size -= pieces[done++].iov_len;
    if (done == count)
        return 0;
    memmove(pieces, pieces + done, (size_t)(count - done) * sizeof *pieces);
    pieces[0].iov_base = (char *)pieces[0].iov_base + size;
    pieces[0].iov_len -= size;
    return count - done;
}

#endif
