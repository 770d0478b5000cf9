/* How a recipient in the queue stands, in words for people and JSON. Pure. */
#ifndef LETTERHEAD_QUEUE_WORDS_H
#define LETTERHEAD_QUEUE_WORDS_H

#include "base/arena.h"
#include "queue/remote.h"

/* "ready", "waiting" … */
const char *queue_state_word(enum queue_entry_state state);
/* What it waits for: the limit that holds it, its next try, or an operator; without a full stop.
 * Empty for what is being delivered. Memory from the arena, or that of `holding`. */
struct slice queue_wait_words(struct arena *arena, enum queue_entry_state state, int64_t due_us,
                              struct slice holding);
const char *queue_class_word(bool bulk);

#endif
