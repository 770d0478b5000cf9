/* What the queue's tests stand on: a loop over the real world whose clock the test moves, a queue
 * on a fake disk, and short ways to submit, deliver and read events. */
#ifndef LETTERHEAD_QUEUE_BED_H
#define LETTERHEAD_QUEUE_BED_H

#include "queue/event.h"
#include "queue/fake_disk.h"
#include "queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { BED_EVENTS_MAX = 4000 };

/* An event, as far as tests look at it. */
struct bed_event {
    uint64_t sequence;
    enum queue_event_type type;
    struct message_id id;
    uint64_t site_id;
    uint32_t recipient;
    enum queue_reason reason;
    uint32_t attempts;
    bool ambiguous;
};

struct bed {
    struct disk *disk;
    struct queue_options options; /* the test may change them before bed_open */
    struct scope scope;
    struct queue *queue;
    size_t due_calls;       /* of options.due */
    size_t ready;           /* as the last one said */
    const char *held;       /* what options.holding says of every pool; NULL: nothing */
    size_t asked;           /* calls of it */
    const char *suppressed; /* the address that is, for every site; NULL: none */
    struct bed_event events[BED_EVENTS_MAX];
    size_t event_count;
    uint64_t last_sequence;
};

/* Options that suit most tests: a day's lifetime, retries after 60, 120, 240 s, small segments. */
void bed_init(struct bed *bed, struct disk *disk);

/* Runs `main_function` as the first task of a world; fails the test if it does not return 0. */
void bed_run(task_function *main_function, void *argument);
/* Moves the clocks on: both, or the date alone. */
void bed_pass_s(uint64_t seconds);
void bed_jump_s(int64_t seconds);

/* bed->queue, with its tasks in bed->scope. */
int bed_open(struct task *t, struct bed *bed);
void bed_close(struct task *t, struct bed *bed);
/* Ends the tasks and forgets the queue; the disk stays as it is. To go on, take what
 * fake_disk_after makes of it. */
void bed_crash(struct task *t, struct bed *bed);

struct message_id bed_id(unsigned number);
/* A message of `size` bytes, all made from `number`, to the addresses (NULL ends them). */
int bed_submit(struct task *t, struct bed *bed, unsigned number, uint64_t site_id, size_t size,
               const char *const *recipients);
/* To one recipient. */
int bed_submit_one(struct task *t, struct bed *bed, unsigned number, uint64_t site_id,
                   const char *recipient);
/* True if the job holds what bed_submit made. */
bool bed_is_intact(const struct queue_job *job, unsigned number, size_t size);

/* The next job; fails the test if there is none. */
struct queue_job *bed_take(struct task *t, struct bed *bed, const char *destination);
/* True if there is none. */
bool bed_nothing(struct task *t, struct bed *bed, const char *destination);
/* The same outcome for all recipients of the job. */
void bed_settle(struct bed *bed, struct queue_job *job, enum queue_result result);

/* Reads events that are durable into bed->events until `count` are there; acknowledges them if
 * asked to. */
void bed_read_events(struct task *t, struct bed *bed, size_t count, bool acknowledge);
/* How many of this type (0: any) there are for the message. */
size_t bed_count(const struct bed *bed, unsigned number, enum queue_event_type type);

/* Runs a test's body as the first task of a fresh world, with a bed on a fresh disk. */
typedef int bed_test(struct task *t, struct bed *bed);
void bed_try(bed_test *body);
/* Makes test_NAME, for cmocka, of a body. */
#define BED_TEST(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        bed_try(name);                                                                             \
    }

#endif
