/* For tests only: Linux with a DNS of a few lines, and a clock that jumps to where somebody waits
 * for it. For tests without sockets. Include after <cmocka.h>. */
#ifndef LETTERHEAD_DELIVER_DNS_TEST_H
#define LETTERHEAD_DELIVER_DNS_TEST_H

#include "runtime/loop.h"
#include "runtime/world_linux.h"

#include <stdio.h>
#include <string.h>

enum { DNS_LINES_MAX = 16 };

static struct dns_test {
    struct {
        char name[256];
        enum dns_type type;
        enum dns_status status;
        bool secure;
        struct slice text; /* TXT, or TLSA's RDATA; one record */
        const char *canonical;
    } lines[DNS_LINES_MAX];
    size_t count;
    unsigned questions;
    char asked[16][256]; /* the last ones, in a ring */
    uint64_t later_us;
    struct list answered;
    const struct world_ops *linux_ops;
    struct world_ops ops;
} dns_test;

static inline void dns_test_publish(const char *name, enum dns_type type, enum dns_status status,
                                    bool secure, struct slice text)
{
    assert_true(dns_test.count < DNS_LINES_MAX);
    snprintf(dns_test.lines[dns_test.count].name, 256, "%s", name);
    dns_test.lines[dns_test.count].type = type;
    dns_test.lines[dns_test.count].status = status;
    dns_test.lines[dns_test.count].secure = secure;
    dns_test.lines[dns_test.count++].text = text;
}

static inline void dns_test_start(struct world *w, struct world_query *query)
{
    struct dns_answer *answer = &query->answer;

    (void)w;
    *answer = (struct dns_answer){.status = DNS_NO_NAME, .canonical = slice_text(query->name)};
    snprintf(dns_test.asked[dns_test.questions++ % 16], 256, "%s", query->name);
    for (size_t i = 0; i < dns_test.count; i++) {
        if (strcmp(dns_test.lines[i].name, query->name) != 0 ||
            dns_test.lines[i].type != query->type)
            continue;
        answer->status = dns_test.lines[i].status;
        answer->secure = dns_test.lines[i].secure;
        answer->why = SLICE("the reason");
        if (answer->status != DNS_FOUND)
            continue;
        answer->records = answer->count
                              ? answer->records
                              : ARENA_ARRAY(query->arena, struct dns_record, DNS_LINES_MAX);
        answer->records[answer->count++].text = dns_test.lines[i].text;
    }
    list_add_last(&dns_test.answered, &query->link);
}

static inline void dns_test_cancel(struct world *w, struct world_query *query)
{
    (void)w;
    list_remove(&query->link);
}

static inline uint64_t dns_test_now_us(struct world *w)
{
    return dns_test.linux_ops->monotonic_us(w) + dns_test.later_us;
}

static inline void dns_test_wait(struct world *w, uint64_t until_us, struct world_news *news)
{
    bool idle = list_empty(&dns_test.answered) && until_us != WORLD_NEVER;

    dns_test.linux_ops->wait(w, 0, news);
    LIST_FOREACH_SAFE (link, &dns_test.answered) {
        list_remove(link);
        list_add_last(&news->queries, link);
    }
    if (idle && news->ready_count == 0 && until_us > dns_test_now_us(w))
        dns_test.later_us += until_us - dns_test_now_us(w);
}

static inline int dns_test_run(task_function *function, void *argument)
{
    const struct world_linux_options options = {0};
    char *problem = NULL;
    struct world *w;
    int r;

    dns_test = (struct dns_test){.count = 0};
    assert_int_equal(world_linux_new(&options, &w, &problem), 0);
    list_init(&dns_test.answered);
    dns_test.linux_ops = w->ops;
    dns_test.ops = *w->ops;
    dns_test.ops.monotonic_us = dns_test_now_us;
    dns_test.ops.query_start = dns_test_start;
    dns_test.ops.query_cancel = dns_test_cancel;
    dns_test.ops.wait = dns_test_wait;
    w->ops = &dns_test.ops;
    r = loop_run(w, function, argument);
    w->ops = dns_test.linux_ops;
    world_free(w);
    return r;
}

#endif
