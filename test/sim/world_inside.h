/* The inside of the simulated world, for world_sim.c, network.c and disk_sim.c. */
#ifndef LETTERHEAD_SIM_WORLD_INSIDE_H
#define LETTERHEAD_SIM_WORLD_INSIDE_H

#include "world_sim.h"

/* Something that happens at a time; embedded in what it happens to. */
struct sim_event {
    struct heap_item item;
    void (*happen)(struct sim_world *w, struct sim_event *event);
};

struct sim_socket;

struct sim_world {
    struct world world;
    struct sim_world_options options;
    struct chance chance;  /* of faults, delays and the order of tasks */
    struct chance secrets; /* what world_random gives */
    struct sim_faults faults;
    struct sim_disk *disk;
    uint64_t now_us;
    int64_t wall_offset_us;
    struct heap events;
    bool crashed;
    unsigned crash_at_sync;
    uint64_t trace_hash;

    struct sim_socket **sockets; /* by number */
    size_t socket_count;
    struct list changed; /* of sim_socket.in_changed: have news for their watchers */
    uint64_t lane_free_us[TASK_LANES];
    struct list jobs, queries; /* ended, answered; not yet told */
};

void sim_schedule(struct sim_world *w, struct sim_event *event, uint64_t at_us,
                  void (*happen)(struct sim_world *w, struct sim_event *event));
void sim_unschedule(struct sim_world *w, struct sim_event *event);

/* network.c: the operations of struct world_ops, and the rest. */
extern const struct world_ops sim_network_ops; /* those of sockets only */
void sim_network_free(struct sim_world *w);
/* All that the gateway has open falls dead. */
void sim_network_crash(struct sim_world *w);
void sim_network_revive(struct sim_world *w);
bool sim_network_has_news(const struct sim_world *w);
void sim_network_take_news(struct sim_world *w, struct world_news *news);

/* disk_sim.c */
struct sim_disk *sim_disk_new(struct sim_world *w);
void sim_disk_free(struct sim_disk *d);
struct disk *sim_disk_base(struct sim_disk *d);
/* Nothing works any more, and of what was not synced chance decides what remains. */
void sim_disk_crash(struct sim_disk *d);
void sim_disk_revive(struct sim_disk *d);

#endif
