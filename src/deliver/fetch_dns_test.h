/* A DNS of a few lines for the tests of fetching: a Linux world that answers from a table. */
#ifndef LETTERHEAD_DELIVER_FETCH_DNS_TEST_H
#define LETTERHEAD_DELIVER_FETCH_DNS_TEST_H

#include "runtime/world_linux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A name that is in no line does not exist; below "broken." every question fails. */
struct dns_line {
    const char *name, *v4, *v6, *txt; /* NULL: no such record */
};

static struct {
    const struct dns_line *lines;
    size_t count;
    struct list answered;
    const struct world_ops *linux_ops;
} dns;

static inline void dns_answer_line(const struct dns_line *line, struct world_query *query)
{
    struct dns_answer *answer = &query->answer;
    const char *text = query->type == DNS_A      ? line->v4
                       : query->type == DNS_AAAA ? line->v6
                                                 : line->txt;

    answer->status = text ? DNS_FOUND : DNS_NO_DATA;
    if (!text)
        return;
    answer->count = 1;
    answer->records = ARENA_NEW(query->arena, struct dns_record);
    answer->records[0].text = slice_text(text);
    if (query->type != DNS_TXT)
        assert_int_equal(endpoint_parse_address(slice_text(text), &answer->records[0].address), 0);
}

static inline void dns_start(struct world *w, struct world_query *query)
{
    bool broken = strstr(query->name, "broken.");

    (void)w;
    query->answer = (struct dns_answer){.status = broken ? DNS_TEMPORARY : DNS_NO_NAME,
                                        .why = SLICE("SERVFAIL")};
    for (size_t i = 0; i < dns.count; i++)
        if (strcmp(dns.lines[i].name, query->name) == 0)
            dns_answer_line(&dns.lines[i], query);
    list_add_last(&dns.answered, &query->link);
}

static inline void dns_cancel(struct world *w, struct world_query *query)
{
    (void)w;
    list_remove(&query->link);
}

static inline void dns_wait(struct world *w, uint64_t until_us, struct world_news *news)
{
    dns.linux_ops->wait(w, list_empty(&dns.answered) ? until_us : 0, news);
    LIST_FOREACH_SAFE (link, &dns.answered) {
        list_remove(link);
        list_add_last(&news->queries, link);
    }
}

static inline void dns_set(const struct dns_line *lines, size_t count)
{
    dns.lines = lines;
    dns.count = count;
}

static inline void world_with_dns_run(task_function *function, void *argument)
{
    const struct world_linux_options options = {.disk = NULL};
    struct world_ops ops;
    char *problem = NULL;
    struct world *w;

    if (world_linux_new(&options, &w, &problem) < 0)
        fail_msg("%s", problem);
    list_init(&dns.answered);
    dns.linux_ops = w->ops;
    ops = *w->ops;
    ops.query_start = dns_start;
    ops.query_cancel = dns_cancel;
    ops.wait = dns_wait;
    w->ops = &ops;
    assert_int_equal(loop_run(w, function, argument), 0);
    w->ops = dns.linux_ops;
    world_free(w);
}

#endif
