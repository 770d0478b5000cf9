#include "app/role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS_MAX = 2 * ROLE_LISTENERS_MAX + 16 };

/* What came of role_begin in a process of its own, since it changes the process for good. */
struct outcome {
    int r;
    struct role_start start;
    char strings[3][32]; /* region, config and first listener: pointers do not cross processes */
};

static int count(const char *const *words)
{
    int n = 0;

    while (words[n])
        n++;
    return n;
}

static void keep(char out[static 32], const char *text)
{
    size_t size = text ? strlen(text) : 0;

    memcpy(out, text ? text : "", size < 31 ? size : 31);
}

static struct outcome begin(const char **words, bool by_supervisor)
{
    struct outcome outcome = {0};
    int results[2], pair[2];

    assert_int_equal(pipe(results), 0);
    if (fork() == 0) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        dup2(results[1], 20);
        close(ROLE_FD_FIRST);
        if (by_supervisor)
            dup2(pair[1], ROLE_FD_FIRST);
        outcome.r = role_begin(count(words), (char **)words, &outcome.start);
        keep(outcome.strings[0], outcome.start.region);
        keep(outcome.strings[1], outcome.start.config_path);
        keep(outcome.strings[2], outcome.start.listeners[0]);
        _exit(write(20, &outcome, sizeof outcome) != sizeof outcome);
    }
    assert_int_equal(read(results[0], &outcome, sizeof outcome), sizeof outcome);
    close(results[0]);
    close(results[1]);
    wait(NULL);
    return outcome;
}

static void arguments_are_read(void **state)
{
    const char *gateway[] = {"gateway",    "--log-level", "3",          "--config", "/etc/x.yaml",
                             "--listener", "one",         "--listener", "two",      NULL};
    const char *vault[] = {"vault", "--region", "eu-west-1", "--signers", "4", NULL};
    struct outcome o = begin(gateway, true);

    (void)state;
    assert_int_equal(o.r, 0);
    assert_int_equal(o.start.role, ROLE_GATEWAY);
    assert_int_equal(o.start.log_level, LOG_DEBUG);
    assert_int_equal(o.start.listener_count, 2);
    assert_string_equal(o.strings[1], "/etc/x.yaml");
    assert_string_equal(o.strings[2], "one");
    o = begin(vault, true);
    assert_int_equal(o.r, 0);
    assert_int_equal(o.start.role, ROLE_VAULT);
    assert_int_equal(o.start.signers, 4);
    assert_string_equal(o.strings[0], "eu-west-1");
    assert_int_equal(o.start.gateway_count, 1); /* where none is named */
    assert_int_equal(o.start.gateways[0].number, 1);
}

static void gateways_are_read(void **state)
{
    const char *words[] = {"steward",    "--gateway", "1",       "--gateway", "2",
                           "--draining", "7",         "--share", "1/3",       NULL};
    struct outcome o = begin(words, true);

    (void)state;
    assert_int_equal(o.r, 0);
    assert_int_equal(o.start.gateway_count, 3);
    assert_int_equal(o.start.gateways[1].number, 2);
    assert_false(o.start.gateways[1].draining);
    assert_int_equal(o.start.gateways[2].number, 7);
    assert_true(o.start.gateways[2].draining);
    assert_int_equal(o.start.share.index, 1);
    assert_int_equal(o.start.share.count, 3);
}

static void spools_have_names(void **state)
{
    char name[ROLE_SPOOL_NAME_BYTES];

    (void)state;
    assert_string_equal(role_spool_name(1, name), "spool");
    assert_string_equal(role_spool_name(2, name), "spool-2");
    assert_string_equal(role_spool_name(ROLE_GATEWAYS_MAX, name), "spool-16");
}

static void other_arguments_are_refused(void **state)
{
    const char *cases[][4] = {
        {"janitor"},
        {"vault", "--nonsense"},
        {"vault", "--signers", "many"},
        {"vault", "--log-level", "9"},
        {"vault", "--region"},
        {"vault", "word"},
        {"vault", "--gateway", "0"},
        {"vault", "--draining", "17"},
        {"gateway", "--share", "2/2"},
        {"gateway", "--share", "1"},
    };
    const char *crowd[WORDS_MAX] = {"gateway"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (begin(cases[i], true).r != -EINVAL)
            fail_msg("case %zu was taken", i);
    for (size_t i = 0; i < ROLE_LISTENERS_MAX + 1; i++) {
        crowd[1 + 2 * i] = "--listener";
        crowd[2 + 2 * i] = "x";
    }
    assert_int_equal(begin(crowd, true).r, -EINVAL);
}

static void a_person_cannot_start_a_role(void **state)
{
    const char *words[] = {"vault", NULL};

    (void)state;
    assert_int_equal(begin(words, true).r, 0);
    assert_int_equal(begin(words, false).r, -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_read),
        cmocka_unit_test(gateways_are_read),
        cmocka_unit_test(spools_have_names),
        cmocka_unit_test(other_arguments_are_refused),
        cmocka_unit_test(a_person_cannot_start_a_role),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
