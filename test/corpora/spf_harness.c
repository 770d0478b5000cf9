/* What the tests of a corpus (test_spf.py) ask SPF results of: reads a DNS and senders from
 * standard input, and answers with a result a line. Fields are parted by tabs:
 * "record NAME TYPE TEXT", "record NAME silent", "case ADDRESS HELO LOCAL DOMAIN". */
#include "onboard/spf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "onboard/mail_dns_test.h"

enum { LINES_MAX = 4000, FIELDS_MAX = 5 };

struct input {
    struct mail_dns_line records[LINES_MAX];
    char *cases[LINES_MAX][FIELDS_MAX];
    size_t record_count, case_count;
    char *lines[LINES_MAX]; /* which all of these lie in */
    size_t line_count;
};

static enum dns_type type_of(const char *word)
{
    static const struct {
        const char *word;
        enum dns_type type;
    } types[] = {{"A", DNS_A},     {"AAAA", DNS_AAAA}, {"MX", DNS_MX},
                 {"PTR", DNS_PTR}, {"TXT", DNS_TXT},   {"CNAME", DNS_CNAME}};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].word, word) == 0)
            return types[i].type;
    abort();
}

static void take(struct input *in, char *line)
{
    char *fields[FIELDS_MAX] = {NULL}, *rest = line;

    for (size_t i = 0; i < FIELDS_MAX && rest; i++)
        fields[i] = strsep(&rest, "\t");
    assert_true(in->line_count < LINES_MAX);
    in->lines[in->line_count++] = line;
    if (strcmp(fields[0], "case") == 0)
        memcpy(in->cases[in->case_count++], fields, sizeof fields);
    else if (strcmp(fields[2], "silent") == 0)
        in->records[in->record_count++] = (struct mail_dns_line){.name = fields[1]};
    else
        in->records[in->record_count++] =
            (struct mail_dns_line){fields[1], type_of(fields[2]), fields[3]};
}

static void read_all(struct input *in)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    while ((size = getline(&line, &room, stdin)) > 0) {
        line[size - 1] = 0;
        take(in, line);
        line = NULL;
        room = 0;
    }
    free(line);
}

static int judge_all(struct task *t, void *argument)
{
    const struct input *in = argument;

    for (size_t i = 0; i < in->case_count; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        char *const *fields = in->cases[i];
        struct endpoint address;
        const struct spf_sender sender = {.address = &address,
                                          .helo = slice_text(fields[2]),
                                          .local = slice_text(fields[3]),
                                          .domain = slice_text(fields[4])};
        struct spf_finding finding;

        assert_int_equal(endpoint_parse_address(slice_text(fields[1]), &address), 0);
        assert_int_equal(spf_check(t, &arena, &sender, &finding), 0);
        puts(spf_result_name(finding.result));
    }
    return 0;
}

int main(void)
{
    static struct input in;

    read_all(&in);
    mail_dns_run(in.records, in.record_count, judge_all, &in);
    for (size_t i = 0; i < in.line_count; i++)
        free(in.lines[i]);
    return 0;
}
