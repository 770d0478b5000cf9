#include "queue/words.h"

#include "wire/date.h"

static const char *const state_words[] = {
    [QUEUE_ENTRY_READY] = "ready",   [QUEUE_ENTRY_WAITING] = "waiting",
    [QUEUE_ENTRY_BUSY] = "busy",     [QUEUE_ENTRY_HELD] = "held",
    [QUEUE_ENTRY_PAUSED] = "paused", [QUEUE_ENTRY_WITHHELD] = "withheld",
};

const char *queue_state_word(enum queue_entry_state state)
{
    return state >= QUEUE_ENTRY_READY && state < ARRAY_LEN(state_words) ? state_words[state]
                                                                        : "unknown";
}

struct slice queue_wait_words(struct arena *arena, enum queue_entry_state state, int64_t due_us,
                              struct slice holding)
{
    char due[WIRE_DATE_ISO_BYTES];

    switch (state) {
    case QUEUE_ENTRY_READY:
        return holding.size ? holding : SLICE("its turn is next");
    case QUEUE_ENTRY_WAITING:
        return arena_printf(arena, "its next try is at %.*s",
                            SLICE_ARG(wire_date_iso(due_us / 1000000, due)));
    case QUEUE_ENTRY_HELD:
        return SLICE("it is held until an operator releases it");
    case QUEUE_ENTRY_PAUSED:
        return SLICE("its site's queue is paused until an operator releases it");
    case QUEUE_ENTRY_WITHHELD:
        return SLICE("its site may not send as its From at present; it goes out when it may");
    default:
        return SLICE_NONE;
    }
}

const char *queue_class_word(bool bulk)
{
    return bulk ? "bulk" : "transactional";
}
