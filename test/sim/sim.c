/* sim: runs the gateway in simulated worlds and keeps a ledger.
 *
 *   sim --seeds N [--from K]   N seeds from K (1 when not given); stops at the first that fails
 *   sim --seed N [--verbose]   runs one; --verbose prints everything that happens
 *
 * Each seed is run as it was the last time: a failing one can be replayed. The exit status says
 * whether all ledgers held. */
#include "base/log.h"
#include "scenario.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One seed in so many is run twice: its traces must be the same. */
enum { REPEAT_EVERY = 50 };

struct arguments {
    uint64_t from, count;
    bool verbose;
};

static uint64_t current_seed;

/* An assertion of the code on trial has failed. */
static void say_seed(int number)
{
    char text[100];
    int size = snprintf(text, sizeof text,
                        "sim: aborted at seed %llu; replay: sim --seed %llu --verbose\n",
                        (unsigned long long)current_seed, (unsigned long long)current_seed);

    (void)!write(STDOUT_FILENO, text, (size_t)size);
    signal(number, SIG_DFL);
    raise(number);
}

static void run(const struct scenario_keys *keys, uint64_t seed, bool verbose,
                struct scenario_result *ret)
{
    const struct scenario_options options = {.seed = seed, .verbose = verbose, .keys = keys};

    current_seed = seed;
    scenario_run(&options, ret);
}

static bool is_repeatable(const struct scenario_keys *keys, uint64_t seed, uint64_t hash)
{
    struct scenario_result again;

    run(keys, seed, false, &again);
    if (again.hash == hash)
        return true;
    printf(
        "seed %llu: run again, it is another run: the simulator or the code uses chance of its own\n",
        (unsigned long long)seed);
    return false;
}

static void add(struct scenario_result *sum, const struct scenario_result *one)
{
    sum->simulated_us += one->simulated_us;
    sum->acknowledged += one->acknowledged;
    sum->refused += one->refused;
    sum->unanswered += one->unanswered;
    sum->delivered += one->delivered;
    sum->bounced += one->bounced;
    sum->expired += one->expired;
    sum->repeated += one->repeated;
    sum->ambiguous += one->ambiguous;
    sum->crashes += one->crashes;
    sum->starts += one->starts;
    sum->contested += one->contested;
}

static void report(const struct scenario_result *r)
{
    printf(
        "%u acknowledged, %u refused, %u left without an answer; recipients: %u delivered, %u bounced, "
        "%u expired, %u repeated; %u ambiguous attempts, %u crashes, %u starts, %llu turns between "
        "sites, %.1f simulated hours\n",
        r->acknowledged, r->refused, r->unanswered, r->delivered, r->bounced, r->expired,
        r->repeated, r->ambiguous, r->crashes, r->starts, (unsigned long long)r->contested,
        (double)r->simulated_us / 3.6e9);
}

static bool run_all(const struct scenario_keys *keys, const struct arguments *a)
{
    struct scenario_result sum = {0}, one;

    for (uint64_t seed = a->from; seed < a->from + a->count; seed++) {
        run(keys, seed, a->verbose, &one);
        add(&sum, &one);
        if (*one.problem) {
            printf("seed %llu: %s\nreplay: sim --seed %llu --verbose\n", (unsigned long long)seed,
                   one.problem, (unsigned long long)seed);
            return false;
        }
        if ((a->count == 1 || seed % REPEAT_EVERY == 0) && !is_repeatable(keys, seed, one.hash))
            return false;
    }
    if (a->count == 1)
        printf("seed %llu holds; trace %016llx\n", (unsigned long long)a->from,
               (unsigned long long)one.hash);
    else
        printf("%llu seeds hold\n", (unsigned long long)a->count);
    report(&sum);
    return true;
}

static bool read_arguments(int count, char **words, struct arguments *ret)
{
    *ret = (struct arguments){.from = 1};
    for (int i = 1; i < count; i++) {
        bool number = i + 1 < count;

        if (strcmp(words[i], "--seeds") == 0 && number)
            ret->count = strtoull(words[++i], NULL, 10);
        else if (strcmp(words[i], "--from") == 0 && number)
            ret->from = strtoull(words[++i], NULL, 10);
        else if (strcmp(words[i], "--seed") == 0 && number)
            ret->from = strtoull(words[++i], NULL, 10), ret->count = 1;
        else if (strcmp(words[i], "--verbose") == 0)
            ret->verbose = true;
        else
            return false;
    }
    return ret->count > 0;
}

int main(int count, char **words)
{
    struct scenario_keys *keys;
    struct arguments arguments;
    bool good;

    if (!read_arguments(count, words, &arguments)) {
        fprintf(stderr, "usage: sim --seeds N [--from K] | sim --seed N [--verbose]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    log_init("sim", arguments.verbose ? LOG_DEBUG : LOG_SILENT);
    signal(SIGABRT, say_seed);
    keys = scenario_keys_new();
    good = run_all(keys, &arguments);
    scenario_keys_free(keys);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
