#include "submit/board.h"

#include "submit/meter.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* 0: not there; otherwise one more than the sessions. */
struct shared {
    _Atomic uint32_t places[SUBMIT_BOARD_PLACES];
};

struct submit_board {
    struct shared *shared;
    unsigned place;
};

/* Sealed in its size: whoever shortened it would crash the others. */
int submit_board_make(int *ret_descriptor)
{
    CLEANUP(base_close_descriptor)
    int memory = memfd_create("letterhead-board", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    static_assert(sizeof(struct shared) <= SUBMIT_BOARD_METERS_OFFSET, "they do not overlap");
    if (memory < 0 || ftruncate(memory, SUBMIT_BOARD_METERS_OFFSET + METER_BYTES) < 0 ||
        fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    *ret_descriptor = memory;
    memory = -1;
    return 0;
}

int submit_board_open(int descriptor, unsigned place, struct submit_board **ret)
{
    struct submit_board *board;
    void *memory =
        mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);

    if (memory == MAP_FAILED)
        return -errno;
    assert(place < SUBMIT_BOARD_PLACES);
    board = base_allocate(sizeof(*board));
    *board = (struct submit_board){memory, place};
    *ret = board;
    return 0;
}

void submit_board_close(struct submit_board *board)
{
    if (!board)
        return;
    munmap(board->shared, sizeof(*board->shared));
    free(board);
}

void submit_board_write(struct submit_board *board, size_t sessions)
{
    uint32_t written = sessions < UINT32_MAX ? (uint32_t)sessions + 1 : UINT32_MAX;

    atomic_store_explicit(&board->shared->places[board->place], written, memory_order_relaxed);
}

void submit_board_strike(struct submit_board *board, unsigned place)
{
    assert(place < SUBMIT_BOARD_PLACES);
    atomic_store_explicit(&board->shared->places[place], 0, memory_order_relaxed);
}

static uint32_t read_place(const struct submit_board *board, unsigned place)
{
    return atomic_load_explicit(&board->shared->places[place], memory_order_relaxed);
}

/* An eighth is even enough: with many sessions none waits for the sake of one. */
bool submit_board_is_ahead(const struct submit_board *board)
{
    uint32_t mine = read_place(board, board->place), least = mine;

    for (unsigned i = 0; i < SUBMIT_BOARD_PLACES; i++) {
        uint32_t written = read_place(board, i);

        if (written && written < least)
            least = written;
    }
    return mine > least + (least - (least > 0)) / 8;
}
