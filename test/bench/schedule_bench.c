/* schedule_bench: what the schedule alone costs, and whether it stays fair, with many messages.
 *
 *   schedule_bench [MESSAGES [SITES [DOMAINS [POOLS]]]]
 *
 * MESSAGES to one recipient each, a million by default, of SITES to DOMAINS that belong to POOLS.
 * They wait for a retry, become due all at once, and are taken and settled one by one. In the
 * middle another site comes with a single message: how many jobs of others go before it? CPU is
 * that of the process; memory is that of the schedule and the messages, by malloc's account. */
#include "queue/schedule.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SECOND_MICROS = 1000000, RETRY_S = 300 };

static struct {
    uint64_t messages, sites, domains, pools;
    uint64_t due_calls;
} b = {.messages = 1000000, .sites = 20, .domains = 5000, .pools = 50};

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void destination(void *context, uint64_t site_id, struct slice domain,
                        struct buffer *ret_key)
{
    (void)context;
    (void)site_id;
    buffer_add(ret_key, domain);
}

/* "n1234.example" is in pool 1234 modulo POOLS. */
static void pool(void *context, struct slice key, struct buffer *ret_key)
{
    (void)context;
    buffer_printf(ret_key, "p%" PRIu64, (uint64_t)strtoull(key.data + 1, NULL, 10) % b.pools);
}

static void due(void *context, struct slice key, size_t ready)
{
    (void)context;
    (void)key;
    (void)ready;
    b.due_calls++;
}

static struct queue_message *add(struct queue_schedule *s, uint64_t site_id, uint64_t number,
                                 uint64_t due_us)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE;
    char address[64];
    struct queue_envelope_recipient recipient;
    struct queue_envelope envelope = {.site_id = site_id, .recipient_count = 1};
    struct queue_message *m;

    snprintf(address, sizeof address, "reader@n%" PRIu64 ".example", number % b.domains);
    recipient = (struct queue_envelope_recipient){.address = slice_text(address)};
    queue_envelope_recipient_write(&recipients, &recipient);
    envelope.recipients = buffer_slice(&recipients);
    m = queue_message_new(&envelope);
    m->recipients[0].due_us = due_us;
    queue_schedule_add(s, m, 0);
    return m;
}

static void tell(const char *what, double begun_s, uint64_t count)
{
    printf("%-38s %6.0f ns each\n", what, (cpu_s() - begun_s) * 1e9 / (double)count);
}

static void add_all(struct queue_schedule *s)
{
    size_t before = mallinfo2().uordblks;
    double begun_s = cpu_s();

    for (uint64_t i = 0; i < b.messages; i++)
        add(s, 1 + i % b.sites, i / b.sites, RETRY_S * SECOND_MICROS);
    tell("added, to wait for a retry", begun_s, b.messages);
    printf("%-38s %6.0f bytes each\n", "memory with the message",
           (double)(mallinfo2().uordblks - before) / (double)b.messages);
}

/* All are due at once; no turn of the loop may take long. */
static void advance_all(struct queue_schedule *s)
{
    double begun_s = cpu_s(), longest_s = 0;

    while (heap_first(&s->timers)) {
        double turn_s = cpu_s();

        (void)!queue_schedule_advance(s, (RETRY_S + 1) * SECOND_MICROS);
        turn_s = cpu_s() - turn_s;
        longest_s = turn_s > longest_s ? turn_s : longest_s;
    }
    tell("became due", begun_s, b.messages);
    printf("%-38s %6.2f ms\n", "longest turn of the loop", longest_s * 1e3);
}

static struct queue_group *take(struct queue_schedule *s, uint64_t number)
{
    char key[32];

    snprintf(key, sizeof key, "p%" PRIu64, number % b.pools);
    return queue_schedule_take(s, slice_text(key), SLICE_NONE, (RETRY_S + 2) * SECOND_MICROS);
}

static void settle(struct queue_schedule *s, struct queue_group *g)
{
    struct queue_message *m = g->message;

    m->recipients[0].flags |= RECIPIENT_FINISHED;
    queue_schedule_release(s, g, (RETRY_S + 2) * SECOND_MICROS);
    queue_schedule_remove(s, m);
    queue_message_free(m);
}

static void take_some(struct queue_schedule *s, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct queue_group *g = take(s, i);

        if (g)
            settle(s, g);
    }
}

static void take_single(struct queue_schedule *s)
{
    struct queue_message *single = add(s, b.sites + 1, 0, 0);
    uint64_t others = 0;
    struct queue_group *g;

    while ((g = take(s, 0)) && g->message != single) {
        settle(s, g);
        others++;
    }
    if (g)
        settle(s, g);
    printf("%-38s %6" PRIu64 " jobs\n", "before a late site's single message", others);
}

int main(int count, char **words)
{
    uint64_t *const numbers[] = {&b.messages, &b.sites, &b.domains, &b.pools};
    struct queue_schedule s;
    double begun_s;

    for (int i = 1; i < count && i <= (int)ARRAY_LEN(numbers); i++)
        *numbers[i - 1] = strtoull(words[i], NULL, 10);
    if (!b.messages || !b.sites || !b.domains || !b.pools)
        return 2;
    queue_schedule_init(&s);
    s.destination = destination;
    s.pool = pool;
    s.due = due;
    printf("%" PRIu64 " messages of %" PRIu64 " sites to %" PRIu64 " domains in %" PRIu64
           " pools\n",
           b.messages, b.sites, b.domains, b.pools);
    add_all(&s);
    advance_all(&s);
    begun_s = cpu_s();
    take_some(&s, b.messages / 2);
    tell("taken and settled", begun_s, b.messages / 2);
    take_single(&s);
    return 0;
}
