/* A DNS of a few lines, any number of records a name, for the tests of this folder. Below "broken."
 * every question fails, and so does what a name with a line without text has no answer to. Include
 * after <cmocka.h>. */
#ifndef LETTERHEAD_ONBOARD_MAIL_DNS_TEST_H
#define LETTERHEAD_ONBOARD_MAIL_DNS_TEST_H

#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "runtime/world_linux.h"

#include <string.h>

struct mail_dns_line {
    const char *name;
    enum dns_type type;
    const char *text;
};

static struct {
    const struct mail_dns_line *lines;
    size_t count;
    struct list answered;
    const struct world_ops *linux_ops;
} mail_dns;

static inline void mail_dns_add(struct world_query *query, const char *text)
{
    struct dns_record *record = &query->answer.records[query->answer.count++];

    query->answer.status = DNS_FOUND;
    if (query->type == DNS_A || query->type == DNS_AAAA)
        assert_int_equal(endpoint_parse_address(slice_text(text), &record->address), 0);
    else if (query->type == DNS_TXT)
        record->text = slice_text(text);
    else
        record->name = slice_text(text);
}

static inline void mail_dns_take(struct world_query *query, const struct mail_dns_line *line)
{
    if (line->text && line->type == query->type)
        mail_dns_add(query, line->text);
    else if (!line->text && query->answer.status != DNS_FOUND)
        query->answer.status = DNS_TEMPORARY;
}

static inline void mail_dns_start(struct world *w, struct world_query *query)
{
    (void)w;
    query->answer = (struct dns_answer){
        .status = strstr(query->name, "broken.") ? DNS_TEMPORARY : DNS_NO_NAME,
        .why = SLICE("SERVFAIL"),
        .records = ARENA_ARRAY(query->arena, struct dns_record, mail_dns.count),
    };
    for (size_t i = 0; i < mail_dns.count; i++)
        if (strcmp(mail_dns.lines[i].name, query->name) == 0)
            mail_dns_take(query, &mail_dns.lines[i]);
    list_add_last(&mail_dns.answered, &query->link);
}

static inline void mail_dns_cancel(struct world *w, struct world_query *query)
{
    (void)w;
    list_remove(&query->link);
}

static inline void mail_dns_wait(struct world *w, uint64_t until_us, struct world_news *news)
{
    mail_dns.linux_ops->wait(w, list_empty(&mail_dns.answered) ? until_us : 0, news);
    LIST_FOREACH_SAFE (link, &mail_dns.answered) {
        list_remove(link);
        list_add_last(&news->queries, link);
    }
}

static inline void mail_dns_run(const struct mail_dns_line *lines, size_t count,
                                task_function *function, void *argument)
{
    const struct world_linux_options options = {.disk = NULL};
    struct world_ops ops;
    char *problem = NULL;
    struct world *w;

    if (world_linux_new(&options, &w, &problem) < 0)
        fail_msg("%s", problem);
    mail_dns.lines = lines;
    mail_dns.count = count;
    list_init(&mail_dns.answered);
    mail_dns.linux_ops = w->ops;
    ops = *w->ops;
    ops.query_start = mail_dns_start;
    ops.query_cancel = mail_dns_cancel;
    ops.wait = mail_dns_wait;
    w->ops = &ops;
    assert_int_equal(loop_run(w, function, argument), 0);
    w->ops = mail_dns.linux_ops;
    world_free(w);
}

#endif
