/* Suppressions as a list in a file: comma-separated values with a first line that names the
 * columns. What Amazon SES exports (`address,reason`) is read as it is. */
#ifndef LETTERHEAD_SITE_SUPPRESSION_TRANSFER_H
#define LETTERHEAD_SITE_SUPPRESSION_TRANSFER_H

#include "base/buffer.h"
#include "site/suppression.h"

struct suppression_import {
    int64_t site_id, now_us;
    bool skip_bad; /* passes over lines that make no sense, in place of taking nothing */
};

enum { SUPPRESSION_IMPORT_PROBLEMS_MAX = 20 }; /* lines that are named; the rest are counted */

struct suppression_imported {
    size_t lines; /* with an address, good or bad */
    size_t taken; /* those that are on the list now */
    size_t bad;
    struct buffer problems; /* "line 3: …", a line each */
};

/* Puts a file's addresses on the site's list, in the caller's transaction. The columns are
 * `address` and, if there are such, `reason` (bounce, complaint; otherwise manual) and `text`; a
 * file without names is taken for addresses alone. -EINVAL: nothing is to be committed, and the
 * problems say why; -ENOSPC: the list is full. */
MUST_CHECK int suppression_import(struct store *s, const struct suppression_import *import,
                                  struct slice text, struct suppression_imported *ret);

/* The line that names the columns, and one for a suppression. */
void suppression_export_head(struct buffer *csv);
void suppression_export(struct buffer *csv, const struct suppression *suppression);

/* The canonical, folded address. -EBADMSG: it is none; *ret_why says why. */
MUST_CHECK int suppression_address(struct arena *arena, struct slice text, struct slice *ret,
                                   const char **ret_why);

#endif
