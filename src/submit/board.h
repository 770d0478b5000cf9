/* What the gateways of one machine tell one another about how many sessions each has: a page of
 * memory that they share. All accept from the same listening sockets, and whoever has more sessions
 * than another waits a moment before it takes the next, so that connections spread; a gateway that
 * is away, or busy, leaves them to the others.
 *
 * Nothing depends on what is written here but a millisecond's patience. The supervisor makes the
 * memory and strikes out who has died. */
#ifndef LETTERHEAD_SUBMIT_BOARD_H
#define LETTERHEAD_SUBMIT_BOARD_H

#include "base/base.h"

enum { SUBMIT_BOARD_PLACES = 64 };

struct submit_board;

/* Where in the memory the meters of sites' quotas are (submit/meter.h). */
enum { SUBMIT_BOARD_METERS_OFFSET = 4096 };

/* The memory, as a descriptor to be handed on; the caller closes it. */
MUST_CHECK int submit_board_make(int *ret_descriptor);
/* Shows the memory to this process, which has this place; the descriptor is not needed after. */
MUST_CHECK int submit_board_open(int descriptor, unsigned place, struct submit_board **ret);
void submit_board_close(struct submit_board *board); /* accepts NULL */

/* Writes how many sessions this process has; from then on the others count on it. */
void submit_board_write(struct submit_board *board, size_t sessions);
/* A process is not there (any more). */
void submit_board_strike(struct submit_board *board, unsigned place);
/* Whether another process that is there has so many sessions less that it should take the next. */
bool submit_board_is_ahead(const struct submit_board *board);

#endif
