#include "queue/words.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    enum queue_entry_state state;
    struct slice holding;
    const char *word, *waits;
} cases[] = {
    {QUEUE_ENTRY_READY, {NULL, 0}, "ready", "its turn is next"},
    {QUEUE_ENTRY_READY, {"20 of 20 are in use", 19}, "ready", "20 of 20 are in use"},
    {QUEUE_ENTRY_WAITING, {NULL, 0}, "waiting", "its next try is at 1970-01-02T00:00:00Z"},
    {QUEUE_ENTRY_BUSY, {NULL, 0}, "busy", ""},
    {QUEUE_ENTRY_HELD, {NULL, 0}, "held", "it is held until an operator releases it"},
    {QUEUE_ENTRY_PAUSED,
     {NULL, 0},
     "paused",
     "its site's queue is paused until an operator releases it"},
    {(enum queue_entry_state)77, {NULL, 0}, "unknown", ""},
};

static void every_state_has_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct slice waits =
            queue_wait_words(&arena, cases[i].state, 86400000000, cases[i].holding);

        assert_string_equal(queue_state_word(cases[i].state), cases[i].word);
        assert_true(slice_equal(waits, slice_text(cases[i].waits)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_state_has_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
