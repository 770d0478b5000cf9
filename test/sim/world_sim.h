/* The world that is a simulation: one thread, virtual time, and a seed that decides everything.
 *
 * Time stands still while tasks run and jumps to the next event when all of them wait. Sockets are
 * memory (network.c): bytes take their time, come in pieces, connections break or fall silent.
 * Helper threads are events: a job runs, on this thread, when its time has come. DNS is a function
 * of the scenario.
 *
 * One of the processes inside is on trial: the gateway. It owns the sockets that were accepted on
 * its listeners or connected without a source address, and its ends of pairs; it alone uses the
 * disk. When it crashes all of these fall dead at that instant, and nothing that its tasks still do
 * while they are cancelled can reach anybody. Listeners and pairs live on, as they do when a
 * supervisor holds them.
 *
 * Whatever happens is told to the trace: a hash of all its lines says whether two runs were the
 * same. */
#ifndef LETTERHEAD_SIM_WORLD_SIM_H
#define LETTERHEAD_SIM_WORLD_SIM_H

#include "base/heap.h"
#include "chance.h"
#include "runtime/world.h"

struct sim_world;
struct sim_disk;

/* How often things go wrong: in a million, unless said otherwise. Chosen by the scenario for each
 * seed, and set to nothing at the end of a run, so that all that can still happen happens. */
struct sim_faults {
    uint32_t short_read, short_write;
    uint32_t reset;     /* a write breaks the connection */
    uint32_t half_open; /* a write is the last that anybody hears of the connection */
    uint32_t refused;   /* a connection attempt */
    uint32_t unreachable;
    uint32_t connect_silent;
    uint32_t slow_job; /* a job of a helper thread takes up to a second */
    uint32_t sync_error;
    uint32_t write_error;
    uint64_t latency_most_us;
};

struct sim_world_options {
    uint64_t seed;
    bool verbose; /* the trace goes to standard output */
    /* Fills query->answer. May answer DNS_TEMPORARY; takes *ret_delay_us. */
    void (*resolve)(void *context, struct world_query *query, uint64_t *ret_delay_us);
    /* The gateway has crashed: called in the middle of things, must only set flags and signal. */
    void (*crashed)(void *context);
    void *context;
};

struct sim_world *sim_world_new(const struct sim_world_options *options);
/* Frees the disk, too. */
void sim_world_free(struct sim_world *w);
struct world *sim_world_base(struct sim_world *w);
struct sim_disk *sim_world_disk(struct sim_world *w);
struct sim_faults *sim_world_faults(struct sim_world *w);
struct chance *sim_world_chance(struct sim_world *w);

/* A listening socket. `gateway`: those who come belong to the gateway. */
int sim_world_listen(struct sim_world *w, const struct endpoint *at, bool gateway);
/* Two connected datagram sockets; the first is the gateway's. */
void sim_world_pair(struct sim_world *w, int ret[static 2]);

/* The process at the other end of a pair dies: from now on it can neither read nor write; `false`:
 * another is started in its place. */
void sim_world_silence(struct sim_world *w, int socket, bool dead);

/* Kills the gateway now. */
void sim_world_crash(struct sim_world *w);
/* Kills it at its n-th sync from now on, at a moment before, in or after it; 0: not. */
void sim_world_crash_at_sync(struct sim_world *w, unsigned syncs);
bool sim_world_is_crashed(const struct sim_world *w);
/* The gateway may start again, on what the disk has kept. */
void sim_world_revive(struct sim_world *w);
/* Moves the date, not the monotonic clock. */
void sim_world_jump(struct sim_world *w, int64_t by_us);

void sim_trace(struct sim_world *w, const char *format, ...) PRINTF_LIKE(2, 3);
uint64_t sim_world_trace_hash(const struct sim_world *w);

#endif
