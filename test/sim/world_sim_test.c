/* The simulator's own rules: a simulator that is kinder than the world proves nothing. */
#include "disk_sim.h"
#include "runtime/listener.h"
#include "world_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 200, MESSAGE_BYTES = 20000 };

static void resolve_nothing(void *context, struct world_query *query, uint64_t *ret_delay_us)
{
    (void)context, (void)query;
    *ret_delay_us = 1000;
}

static void note_crash(void *context)
{
    if (context)
        ++*(unsigned *)context;
}

static struct sim_world *world_new(uint64_t seed, unsigned *crashes)
{
    const struct sim_world_options options = {
        .seed = seed, .resolve = resolve_nothing, .crashed = note_crash, .context = crashes};

    return sim_world_new(&options);
}

static int create_file(struct disk *d, const char *path)
{
    int file;

    assert_int_equal(d->ops->open(d, path, DISK_READ | DISK_WRITE | DISK_CREATE, &file), 0);
    return file;
}

static void write_text(struct disk *d, int file, uint64_t offset, const char *text)
{
    struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};

    assert_int_equal(d->ops->write(d, file, offset, &piece, 1), 0);
}

/* What a file holds at `offset` after a crash: the text's bytes, or '-' for anything else. */
static bool holds(struct disk *d, const char *path, uint64_t offset, const char *text)
{
    char memory[16] = {0};
    int file;
    bool equal;

    if (d->ops->open(d, path, DISK_READ, &file) < 0)
        return false;
    equal = d->ops->read(d, file, offset, memory, strlen(text)) == (ssize_t)strlen(text) &&
            memcmp(memory, text, strlen(text)) == 0;
    d->ops->close(d, file);
    return equal;
}

struct counts {
    unsigned first, second, third;
};

static void crash_and_count(uint64_t seed, bool sync_fails, struct counts *counts)
{
    struct sim_world *w = world_new(seed, NULL);
    struct disk *d = world_disk(sim_world_base(w));
    int file = create_file(d, "log"), r;

    assert_int_equal(d->ops->allocate(d, file, 8192), 0);
    write_text(d, file, 0, "one");
    sim_world_faults(w)->sync_error = sync_fails ? 1000000 : 0;
    r = d->ops->sync(d, file);
    assert_int_equal(r, sync_fails ? -EIO : 0);
    sim_world_faults(w)->sync_error = 0;
    assert_int_equal(d->ops->sync_directory(d, "."), 0);
    write_text(d, file, 512, "two");
    write_text(d, file, 4096, "three");
    if (sync_fails)
        assert_int_equal(d->ops->sync(d, file), 0); /* and says nothing of what was lost */
    assert_true(holds(d, "log", 0, "one"));
    sim_world_crash(w);
    assert_int_equal(d->ops->sync(d, file), -EIO);
    d->ops->close(d, file);
    sim_world_revive(w);
    counts->first += holds(d, "log", 0, "one");
    counts->second += holds(d, "log", 512, "two");
    counts->third += holds(d, "log", 4096, "three");
    sim_world_free(w);
}

static void a_crash_loses_only_what_was_not_synced(void **state)
{
    struct counts counts = {0};

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        crash_and_count(seed, false, &counts);
    assert_int_equal(counts.first, SEEDS);
    assert_in_range(counts.second, SEEDS / 5, SEEDS * 4 / 5);
    assert_in_range(counts.third, SEEDS / 5, SEEDS * 4 / 5);
}

static void a_failed_sync_loses_for_good(void **state)
{
    struct counts counts = {0};

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        crash_and_count(seed, true, &counts);
    assert_int_equal(counts.first, 0);
    assert_int_equal(counts.second, SEEDS);
    assert_int_equal(counts.third, SEEDS);
}

static void later_writes_may_survive_earlier_ones(void **state)
{
    unsigned reordered = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct counts counts = {0};

        crash_and_count(seed, false, &counts);
        reordered += counts.second == 0 && counts.third == 1;
    }
    assert_true(reordered > 0);
}

static void names_are_certain_after_a_sync_of_the_directory(void **state)
{
    unsigned kept = 0, renamed = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_world *w = world_new(seed, NULL);
        struct disk *d = world_disk(sim_world_base(w));
        int file = create_file(d, "certain"), other;

        write_text(d, file, 0, "x");
        assert_int_equal(d->ops->sync(d, file), 0);
        assert_int_equal(d->ops->sync_directory(d, "."), 0);
        other = create_file(d, "perhaps");
        write_text(d, other, 0, "y");
        assert_int_equal(d->ops->sync(d, other), 0);
        assert_int_equal(d->ops->rename(d, "certain", "moved"), 0);
        sim_world_crash(w);
        d->ops->close(d, file);
        d->ops->close(d, other);
        sim_world_revive(w);
        assert_int_equal(holds(d, "certain", 0, "x") + holds(d, "moved", 0, "x"), 1);
        kept += holds(d, "perhaps", 0, "y");
        renamed += holds(d, "moved", 0, "x");
        sim_world_free(w);
    }
    assert_in_range(kept, SEEDS / 5, SEEDS * 4 / 5);
    assert_in_range(renamed, SEEDS / 5, kept); /* in order */
}

static void a_full_disk_refuses(void **state)
{
    struct sim_world *w = world_new(1, NULL);
    struct disk *d = world_disk(sim_world_base(w));
    int file = create_file(d, "log");
    uint64_t left;

    (void)state;
    sim_disk_set_capacity(sim_world_disk(w), 10000);
    assert_int_equal(d->ops->allocate(d, file, 8192), 0);
    assert_int_equal(d->ops->free_bytes(d, &left), 0);
    assert_int_equal(left, 10000 - 8192);
    assert_int_equal(d->ops->allocate(d, file, 8193), -ENOSPC);
    write_text(d, file, 8000, "inside");
    d->ops->close(d, file);
    assert_int_equal(d->ops->unlink(d, "log"), 0);
    assert_int_equal(d->ops->sync_directory(d, "."), 0);
    assert_int_equal(d->ops->free_bytes(d, &left), 0);
    assert_int_equal(left, 10000);
    sim_world_free(w);
}

static const struct endpoint server_endpoint = {.family = 4, .address = {192, 0, 2, 1}, .port = 25};
static const struct endpoint client_endpoint = {.family = 4, .address = {198, 51, 100, 7}};

struct talk {
    struct sim_world *w;
    int listener;
    size_t received;
    int server_result, client_result;
};

static int serve(struct task *t, void *argument)
{
    struct talk *talk = argument;
    CLEANUP(listener_free_pointer) struct listener *l = NULL;
    CLEANUP(stream_free_pointer) struct stream *s = NULL;
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, 300 * SECOND_US);
    int r;

    assert_int_equal(listener_new(t, talk->listener, &l), 0);
    r = listener_accept(t, l, &s);
    while (r == 0 && (r = stream_fill(t, s, 100000)) == 0) {
        struct slice part = stream_buffered(s);

        for (size_t i = 0; i < part.size; i++)
            assert_int_equal((unsigned char)part.data[i], (talk->received + i) % 251);
        talk->received += part.size;
        stream_consume(s, part.size);
    }
    talk->server_result = r;
    return 0;
}

static int call(struct task *t, void *argument)
{
    struct talk *talk = argument;
    CLEANUP(stream_free_pointer) struct stream *s = NULL;
    unsigned char bytes[100];
    int r = stream_connect(t, &client_endpoint, &server_endpoint, &s);

    for (size_t sent = 0; r == 0 && sent < MESSAGE_BYTES; sent += sizeof bytes) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (unsigned char)((sent + i) % 251);
        r = stream_write(t, s, slice_of(bytes, sizeof bytes));
        if (r == 0)
            r = stream_flush(t, s);
        if (r == 0)
            r = task_sleep(t, 1000);
    }
    talk->client_result = r;
    return 0;
}

static int talk_main(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope s;

    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "server", serve, argument), 0);
    assert_int_equal(scope_spawn(&s, "client", call, argument), 0);
    return scope_wait(t, &s);
}

static uint64_t run_talk(uint64_t seed, const struct sim_faults *faults, struct talk *ret)
{
    struct sim_world *w = world_new(seed, NULL);
    uint64_t hash;

    *ret = (struct talk){.w = w, .listener = sim_world_listen(w, &server_endpoint, true)};
    *sim_world_faults(w) = *faults;
    assert_int_equal(loop_run(sim_world_base(w), talk_main, ret), 0);
    sim_trace(w, "received %zu, %d, %d", ret->received, ret->server_result, ret->client_result);
    hash = sim_world_trace_hash(w);
    sim_world_free(w);
    return hash;
}

static void bytes_arrive_in_order_and_in_pieces(void **state)
{
    const struct sim_faults faults = {
        .short_read = 500000, .short_write = 500000, .latency_most_us = 50000};

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct talk talk;

        run_talk(seed, &faults, &talk);
        assert_int_equal(talk.received, MESSAGE_BYTES);
        assert_int_equal(talk.server_result, -EPIPE);
        assert_int_equal(talk.client_result, 0);
    }
}

static void connections_break_and_fall_silent(void **state)
{
    const struct sim_faults faults = {.reset = 3000, .half_open = 3000, .latency_most_us = 2000};
    unsigned whole = 0, reset = 0, silent = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct talk talk;

        run_talk(seed, &faults, &talk);
        whole += talk.received == MESSAGE_BYTES;
        reset += talk.server_result == -ECONNRESET;
        silent += talk.server_result == -ETIMEDOUT;
        if (talk.received == MESSAGE_BYTES)
            assert_int_not_equal(talk.server_result, -ETIMEDOUT);
    }
    assert_true(whole > 10 && reset > 10 && silent > 10);
}

static void the_same_seed_is_the_same_run(void **state)
{
    const struct sim_faults faults = {
        .short_read = 300000, .short_write = 300000, .reset = 1000, .latency_most_us = 30000};
    struct talk talk;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        assert_int_equal(run_talk(seed, &faults, &talk), run_talk(seed, &faults, &talk));
    assert_int_not_equal(run_talk(1, &faults, &talk), run_talk(2, &faults, &talk));
}

static int sleep_for_a_year(struct task *t, void *argument)
{
    uint64_t begun_us = task_now_us(t);
    int64_t wall_us = task_wall_us(t);

    assert_int_equal(task_sleep(t, 365 * 86400 * SECOND_US), 0);
    assert_int_equal(task_now_us(t) - begun_us, 365 * 86400 * SECOND_US);
    sim_world_jump(argument, -3600 * (int64_t)SECOND_US);
    assert_int_equal(task_wall_us(t) - wall_us, (365 * 86400 - 3600) * SECOND_US);
    return 0;
}

static void time_is_virtual(void **state)
{
    struct sim_world *w = world_new(1, NULL);

    (void)state;
    assert_int_equal(loop_run(sim_world_base(w), sleep_for_a_year, w), 0);
    sim_world_free(w);
}

static int connect_to_nobody(struct task *t, void *argument)
{
    struct stream *s = NULL;

    (void)argument;
    assert_int_equal(stream_connect(t, &client_endpoint, &server_endpoint, &s), -ECONNREFUSED);
    return 0;
}

static void nobody_listens_nobody_answers(void **state)
{
    struct sim_world *w = world_new(1, NULL);

    (void)state;
    assert_int_equal(loop_run(sim_world_base(w), connect_to_nobody, NULL), 0);
    sim_world_free(w);
}

/* The gateway dies in the middle: its task hears of it, and the client gets no further byte from
 * it. */
static int crash_soon(struct task *t, void *argument)
{
    struct talk *talk = argument;
    int r = task_sleep(t, 50000);

    sim_world_crash(talk->w);
    return r;
}

static int crash_main(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope s;

    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "server", serve, argument), 0);
    assert_int_equal(scope_spawn(&s, "client", call, argument), 0);
    assert_int_equal(scope_spawn(&s, "crash", crash_soon, argument), 0);
    return scope_wait(t, &s);
}

static void a_crash_cuts_the_gateway_off(void **state)
{
    unsigned crashes = 0;
    struct sim_world *w = world_new(1, &crashes);
    struct talk talk = {.w = w, .listener = sim_world_listen(w, &server_endpoint, true)};

    (void)state;
    assert_int_equal(loop_run(sim_world_base(w), crash_main, &talk), 0);
    assert_int_equal(crashes, 1);
    assert_int_equal(talk.server_result, -ECONNRESET);
    assert_int_equal(talk.client_result, -ECONNRESET);
    assert_in_range(talk.received, 1, MESSAGE_BYTES - 1);
    sim_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_loses_only_what_was_not_synced),
        cmocka_unit_test(a_failed_sync_loses_for_good),
        cmocka_unit_test(later_writes_may_survive_earlier_ones),
        cmocka_unit_test(names_are_certain_after_a_sync_of_the_directory),
        cmocka_unit_test(a_full_disk_refuses),
        cmocka_unit_test(bytes_arrive_in_order_and_in_pieces),
        cmocka_unit_test(connections_break_and_fall_silent),
        cmocka_unit_test(the_same_seed_is_the_same_run),
        cmocka_unit_test(time_is_virtual),
        cmocka_unit_test(nobody_listens_nobody_answers),
        cmocka_unit_test(a_crash_cuts_the_gateway_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
