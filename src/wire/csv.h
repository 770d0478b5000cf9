/* Comma-separated values (RFC 4180), as spreadsheets read and write them. Pure. */
#ifndef LETTERHEAD_WIRE_CSV_H
#define LETTERHEAD_WIRE_CSV_H

#include "base/arena.h"
#include "base/buffer.h"

/* Takes one record off the front of `rest`, up to a line end (CR LF or LF) outside of quotes, with
 * its fields in the arena; those beyond `max` are read over and counted. Empty lines are records
 * with one empty field. Returns 1; 0 at the end of the text; -EBADMSG: a quote stands where none
 * may, or is never closed. */
MUST_CHECK int wire_csv_read(struct arena *arena, struct slice *rest, struct slice *fields,
                             size_t max, size_t *ret_count);

/* Writes one record, with quotes where they are needed, and CR LF. */
void wire_csv_write(struct buffer *b, const struct slice *fields, size_t count);

#endif
