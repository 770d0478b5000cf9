/* What a power cut leaves of operations that were not synced. */
#ifndef LETTERHEAD_QUEUE_FAKE_CUT_H
#define LETTERHEAD_QUEUE_FAKE_CUT_H

#include "queue/fake_disk.h"
#include "queue/fake_image.h"

/* Applies to the image what of the first `length` operations of the log is on disk after the cut.
 * */
void fake_cut(struct image *image, const struct operation *log, size_t length,
              enum fake_disk_loss loss, uint64_t seed);

#endif
