#include "feedback/tls_tally.h"

#include "base/limits.h"
#include "base/log.h"
#include "feedback/history_inside.h"
#include "feedback/tls_history_test.h"

static const struct tls_day DAY = {"2026-11-23", 1795392000 * (int64_t)1000000};

static struct tls_tally *kinds_of(struct task *t, struct arena *arena, const char *domain,
                                  size_t *ret_count)
{
    struct tls_tally *kinds;

    assert_int_equal(
        tls_tally_kinds(t, past.history, arena, &DAY, slice_text(domain), &kinds, ret_count), 0);
    return kinds;
}

static int64_t sum_of(struct task *t, const char *domain, enum wire_tls_result result)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    int64_t sum = 0;
    size_t count;
    struct tls_tally *kinds = kinds_of(t, &arena, domain, &count);

    for (size_t i = 0; i < count; i++)
        sum += kinds[i].result == result ? kinds[i].sessions : 0;
    return sum;
}

static int counting_once(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer sessions = BUFFER_NONE;
    struct wire_tls_session session = {.policy = WIRE_TLS_STS,
                                       .domain = SLICE("town.example"),
                                       .mx_host = SLICE("mx"),
                                       .sending_ip = SLICE("192.0.2.1")};
    struct tls_tally *kinds;
    size_t count;

    (void)argument;
    past_begin(t, DAY.text);
    wire_tls_session_write(&sessions, &session);
    session.sending_ip = SLICE("192.0.2.2"); /* of successes that is not told apart */
    wire_tls_session_write(&sessions, &session);
    session.result = WIRE_TLS_CERTIFICATE_EXPIRED;
    wire_tls_session_write(&sessions, &session);
    past_tell(t, 5, past.now_us, &sessions);
    past_tell(t, 5, past.now_us, &sessions); /* sent again */
    history_close(past.history);
    past_open();
    past_tell(t, 5, past.now_us, &sessions); /* and after a restart */
    past.history->position_count = 0;        /* and when the spool's place was lost */
    past_tell(t, 5, past.now_us, &sessions);
    kinds = kinds_of(t, &arena, "town.example", &count);
    assert_int_equal(count, 2);
    assert_int_equal(kinds[0].result, WIRE_TLS_SUCCESS);
    assert_int_equal(kinds[0].sessions, 2);
    assert_int_equal(kinds[0].sending_ip.size, 0);
    assert_int_equal(kinds[1].sessions, 1);
    assert_true(slice_equal(kinds[1].sending_ip, SLICE("192.0.2.2")));
    past_end(t);
    return 0;
}

/* A host with a name of its own for each session. */
static void add_host(struct task *t, int number, enum wire_tls_result result)
{
    char host[20];

    snprintf(host, sizeof host, "mx%d", number);
    past_add(t,
             &(struct wire_tls_session){.policy = WIRE_TLS_NO_POLICY,
                                        .result = result,
                                        .domain = SLICE("many.example"),
                                        .mx_host = slice_text(host)},
             past.now_us);
}

static int bounding(struct task *t, void *argument)
{
    enum { MORE = 50 };
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    size_t count;

    (void)argument;
    past_begin(t, DAY.text);
    for (int i = 0; i < LIMIT_TLS_TALLY_KINDS + MORE; i++)
        add_host(t, i, WIRE_TLS_VALIDATION_FAILURE);
    add_host(t, 1000, WIRE_TLS_SUCCESS);
    add_host(t, 0, WIRE_TLS_VALIDATION_FAILURE); /* one that is known counts where it did */
    kinds_of(t, &arena, "many.example", &count);
    assert_int_equal(count, LIMIT_TLS_TALLY_KINDS + 2);
    assert_int_equal(sum_of(t, "many.example", WIRE_TLS_VALIDATION_FAILURE),
                     LIMIT_TLS_TALLY_KINDS + MORE + 1);
    assert_int_equal(sum_of(t, "many.example", WIRE_TLS_SUCCESS), 1);
    past_end(t);
    return 0;
}

static int over_midnight(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct tls_tally_domain *domains;
    int64_t before_us;
    size_t count;

    (void)argument;
    past_begin(t, DAY.text);
    past_session(t, "b.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past_session(t, "c.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    before_us = past.now_us;
    past.now_us += DAY_US; /* told the day after: an event of today, and two of yesterday */
    past_session(t, "c.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    for (int i = 0; i < 2; i++)
        past_add(
            t,
            &(struct wire_tls_session){.policy = WIRE_TLS_STS,
                                       .result = i ? WIRE_TLS_STS_POLICY_INVALID : WIRE_TLS_SUCCESS,
                                       .domain = i ? SLICE("a.example") : SLICE("c.example"),
                                       .mx_host = SLICE("mx.c.example")},
            before_us);
    assert_int_equal(sum_of(t, "c.example", WIRE_TLS_SUCCESS), 2);
    kinds_of(t, &arena, "c.example", &count);
    assert_int_equal(count, 1);
    assert_int_equal(
        tls_tally_domains(t, past.history, &arena, &DAY, SLICE_NONE, 10, &domains, &count), 0);
    assert_int_equal(count, 3);
    assert_true(slice_equal(domains[0].domain, SLICE("a.example")) && domains[0].bad == 1);
    assert_true(slice_equal(domains[2].domain, SLICE("c.example")) && domains[2].good == 2);
    for (size_t page = 0; page < 3; page++) { /* one at a time */
        struct tls_tally_domain *one;
        struct slice after = page ? domains[page - 1].domain : SLICE_NONE;

        assert_int_equal(tls_tally_domains(t, past.history, &arena, &DAY, after, 1, &one, &count),
                         0);
        assert_int_equal(count, 1);
        assert_true(slice_equal(one->domain, domains[page].domain));
    }
    past_end(t);
    return 0;
}

static void run_task(void **state)
{
    dns_set(NULL, 0);
    world_with_dns_run((task_function *)*state, NULL);
}

#define TASK_TEST(function)                                                                        \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run_task, .initial_state = (void *)(function)              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(counting_once),
        TASK_TEST(bounding),
        TASK_TEST(over_midnight),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
