/* Everything outside: clock, chance, sockets, helper threads, DNS, disk. One table of operations
 * behind which stands Linux (runtime/world_linux.h) or, in tests, a simulator
 * (test/sim/world_sim.h). The code above the runtime reaches the outside only through tasks,
 * streams, peers, the resolver and the disk, and those only through here; so it runs unmodified in
 * both.
 *
 * Nothing here waits but `wait`, which the loop alone calls. Sockets are small integers that mean
 * something to their world only (descriptors on Linux). They are never blocking: an operation that
 * would have to wait is -EAGAIN, and `wait` tells when to try again, once per change
 * (edge-triggered). All of it is for one thread. Not for use above the runtime, except
 * world_random, world_disk, the clocks and the making of worlds. */
#ifndef LETTERHEAD_RUNTIME_WORLD_H
#define LETTERHEAD_RUNTIME_WORLD_H

#include "base/list.h"
#include "runtime/disk.h"
#include "runtime/resolver.h"

#include <sys/uio.h>

enum {
    WORLD_READABLE = 1,
    WORLD_WRITABLE = 2,
    WORLD_HANGUP = 4 /* no more comes after what is there */
};
enum { WORLD_READY_MAX = 128 };
#define WORLD_NEVER UINT64_MAX

/* A function on its way through a helper thread. Lies with the task that waits for it. */
struct world_job {
    struct list link;
    int (*function)(void *argument);
    void *argument;
    int result;
    bool ended;
    struct task *task;
};

/* A question on its way through the resolver. Lies with the task that waits for it. */
struct world_query {
    struct list link;
    char name[256]; /* checked: letters, digits, '-', '_' and dots; no final dot; "" is the root */
    enum dns_type type;
    struct arena *arena; /* for what the answer points to */
    struct dns_answer answer;
    bool ended;
    int handle; /* these two are the world's own */
    void *own;
    struct task *task;
};

/* What `wait` brings. */
struct world_news {
    struct {
        void *watcher; /* as given to `watch` */
        unsigned what;
    } ready[WORLD_READY_MAX];
    size_t ready_count;
    struct list jobs;    /* of world_job.link */
    struct list queries; /* of world_query.link */
};

struct world;

struct world_ops {
    void (*free)(struct world *w);
    uint64_t (*monotonic_us)(struct world *w);
    int64_t (*wall_us)(struct world *w);
    void (*random)(struct world *w, void *memory, size_t size);
    /* Which of `count` ready tasks runs next. NULL: the one that has waited longest. */
    size_t (*choose)(struct world *w, size_t count);

    /* A connection that came in on a listening socket. */
    int (*accept)(struct world *w, int listener, struct endpoint *ret_remote, int *ret_socket);
    /* Starts to connect; when the socket becomes writable connect_result tells how it went.
     * `source` may be NULL or have port 0. */
    int (*connect)(struct world *w, const struct endpoint *source, const struct endpoint *target,
                   int *ret_socket);
    int (*connect_result)(struct world *w, int socket);
    /* Bytes of a stream, or one frame of a datagram socket. 0: the other side has ended. */
    ssize_t (*read)(struct world *w, int socket, void *memory, size_t size);
    /* Of a datagram socket, all pieces are one frame. */
    ssize_t (*write)(struct world *w, int socket, const struct iovec *pieces, int count);
    void (*close)(struct world *w, int socket);
    /* The two ends; family 0 where that means nothing. */
    void (*remote)(struct world *w, int socket, struct endpoint *ret);
    void (*local)(struct world *w, int socket, struct endpoint *ret);
    /* Reports changes of the socket from now on, the present state first. One watcher a socket;
     * NULL ends it, which a socket needs that other processes hold too. close ends it otherwise. */
    int (*watch)(struct world *w, int socket, void *watcher);
    /* Whether it is reported that the socket has become writable; at first it is. Switched on, the
     * present state is reported. */
    int (*watch_room)(struct world *w, int socket, void *watcher, bool on);

    /* Runs job->function on the lane's thread, in order; never fails. */
    void (*offload)(struct world *w, enum task_lane lane, struct world_job *job);
    void (*query_start)(struct world *w, struct world_query *query);
    /* After this the query is not touched any more. */
    void (*query_cancel)(struct world *w, struct world_query *query);

    /* Waits until something happens or the clock reads until_us (0: only looks). */
    void (*wait)(struct world *w, uint64_t until_us, struct world_news *ret_news);
};

struct world {
    const struct world_ops *ops;
    struct disk *disk; /* the spool's; NULL: none */
};

/* Accepts NULL. The disk is not freed with it. */
void world_free(struct world *w);
/* Bytes that nobody can guess. */
void world_random(struct world *w, void *memory, size_t size);
/* As task_now_us and task_wall_us, where there is no task at hand. */
uint64_t world_now_us(struct world *w);
int64_t world_wall_us(struct world *w);
struct disk *world_disk(struct world *w);

#endif
