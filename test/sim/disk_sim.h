/* The simulated disk: what is not synced may be lost.
 *
 * Each file has two faces, what programs read and what a crash leaves. A sync makes the second like
 * the first. At a crash each sector written since (512 bytes) is there or not, by chance, in any
 * order; so is the size. Names that were made, moved or removed are certain only after the
 * directory was synced; at a crash they are lost from some point on, in order, as a journalling
 * file system does it. A sync that fails loses what it should have written: the face that programs
 * read still shows it, and later syncs say nothing of it. */
#ifndef LETTERHEAD_SIM_DISK_SIM_H
#define LETTERHEAD_SIM_DISK_SIM_H

#include "world_sim.h"

/* How much fits; what is above is -ENOSPC. */
void sim_disk_set_capacity(struct sim_disk *d, uint64_t bytes);

#endif
