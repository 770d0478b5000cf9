/* A queue that writes what it accepts into a folder, one message a pair of files, so that tests see
 * what submission hands over: N.eml has the content byte for byte, N.json all else. It can be told
 * to refuse, as the real one does when the disk is full or broken. */
#ifndef LETTERHEAD_TEST_DIALOGUES_QUEUE_TO_FILES_H
#define LETTERHEAD_TEST_DIALOGUES_QUEUE_TO_FILES_H

#include "queue/queue.h"

struct queue {
    const char *name; /* of this state */
    const char *folder;
    unsigned count;
    int result;    /* of queue_accept: 0, -ENOSPC, -EIO */
    int room;      /* what queue_room says */
    bool slow;     /* queue_accept waits for `go_on` */
    bool discards; /* nothing is written: for measuring what comes before */
    struct condition go_on;
};

#endif
