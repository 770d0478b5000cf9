#include "runtime/resolver.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "runtime/loop_test.h"

#include <pthread.h>
#include <stdio.h>

enum { MANY = 130, MESSAGE_BYTES = 4096 };

/* A record of the little zone below; rdata as the server puts it on the wire. */
struct zone_record {
    const char *name;
    enum dns_type type;
    struct slice rdata;
};

static const struct zone_record zone[] = {
    {"www.example.test", DNS_A, {"\xc0\x00\x02\x01", 4}},
    {"www.example.test", DNS_A, {"\xc0\x00\x02\x02", 4}},
    {"six.example.test", DNS_AAAA, {"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16}},
    {"alias.example.test", DNS_CNAME, {"\3WWW\7example\4test", 18}},
    {"mail.example.test", DNS_MX, {"\0\x0a\3MX1\7Example\4TEST", 20}},
    {"mail.example.test", DNS_MX, {"\0\x14\3mx2\7example\4test", 20}},
    {"null.example.test", DNS_MX, {"\0\0", 3}},
    {"odd.example.test", DNS_MX, {"\0\1\5a b.c\0", 9}},
    {"odd.example.test", DNS_MX, {"\0\2\2ok\0", 6}},
    {"key._domainkey.example.test", DNS_TXT, {"\7v=DKIM1\3; p\4=ABC", 17}},
    {"key._domainkey.example.test", DNS_TXT, {"\1Z", 2}},
    {"_25._tcp.www.example.test", DNS_TLSA, {"\3\1\1\xff\xfe", 5}},
    {"example.test", DNS_NS, {"\2NS\7example\4test", 17}},
    {"1.2.0.192.example.test", DNS_PTR, {"\3www\7example\4test", 18}},
};

static struct {
    int socket;
    pthread_t thread;
    char address[32];
    _Atomic unsigned questions;
} server;

static bool name_exists(struct slice name)
{
    struct slice parent = slice_part(name, 0, name.size);

    for (size_t i = 0; i < ARRAY_LEN(zone); i++) {
        parent = slice_text(zone[i].name);
        if (slice_equal_nocase(parent, name))
            return true;
        if (slice_ends_nocase(parent, name) && parent.data[parent.size - name.size - 1] == '.')
            return true; /* an empty non-terminal */
    }
    return slice_starts_nocase(name, SLICE("many.")) || slice_equal_nocase(name, SLICE("test"));
}

static unsigned rcode_for(struct slice name)
{
    if (slice_starts_nocase(name, SLICE("fail.")))
        return 2;
    if (slice_starts_nocase(name, SLICE("refused.")))
        return 5;
    return name_exists(name) ? 0 : 3;
}

/* The name of the question and its type; returns the bytes that the question takes. */
static size_t read_question(struct slice message, struct buffer *name, uint16_t *ret_type)
{
    struct cursor c = cursor_of(slice_part(message, 12, message.size));
    uint8_t length;

    while ((length = cursor_u8(&c))) {
        if (name->size)
            buffer_add_byte(name, '.');
        buffer_add(name, cursor_bytes(&c, length));
    }
    *ret_type = cursor_u16(&c);
    cursor_u16(&c);
    return message.size - 12 - c.rest.size;
}

/* An answer for the name of the question, which a pointer to byte 12 stands for (RFC 1035
 * §4.1.4). */
static void add_answer(struct buffer *out, uint16_t type, struct slice rdata, unsigned *count)
{
    buffer_add_u16(out, 0xc00c);
    buffer_add_u16(out, type);
    buffer_add_u16(out, 1);
    buffer_add_u32(out, 300);
    buffer_add_u16(out, (uint16_t)rdata.size);
    buffer_add(out, rdata);
    ++*count;
}

static unsigned add_answers(struct buffer *out, struct slice name, uint16_t type)
{
    unsigned count = 0;

    for (size_t i = 0; i < ARRAY_LEN(zone); i++)
        if (slice_equal_nocase(slice_text(zone[i].name), name) &&
            (zone[i].type == type || zone[i].type == DNS_CNAME))
            add_answer(out, (uint16_t)zone[i].type, zone[i].rdata, &count);
    if (slice_starts_nocase(name, SLICE("many.")) && type == DNS_A)
        for (unsigned i = 0; i < MANY; i++)
            add_answer(out, DNS_A, slice_of((char[]){10, 0, 0, (char)i}, 4), &count);
    return count;
}

static void answer_one(struct slice message, struct sockaddr_in *from)
{
    CLEANUP(buffer_done) struct buffer name = BUFFER_NONE, out = BUFFER_NONE;
    uint16_t type;
    size_t question = read_question(message, &name, &type);
    struct slice asked = buffer_slice(&name);
    unsigned count;

    server.questions++;
    if (slice_starts_nocase(asked, SLICE("silent.")))
        return;
    buffer_add(&out, slice_part(message, 0, 2));
    buffer_add_u16(&out, (uint16_t)(0x8400 | rcode_for(asked)));
    buffer_add_u16(&out, 1);
    buffer_add_u16(&out, 0);
    buffer_add_u32(&out, 0);
    buffer_add(&out, slice_part(message, 12, question));
    count = add_answers(&out, asked, type);
    out.data[6] = (char)(count >> 8);
    out.data[7] = (char)count;
    sendto(server.socket, out.data, out.size, 0, (struct sockaddr *)from, sizeof *from);
}

static void *server_main(void *argument)
{
    char memory[MESSAGE_BYTES];
    struct sockaddr_in from;
    ssize_t n;

    (void)argument;
    while ((n = recvfrom(server.socket, memory, sizeof memory, 0, (struct sockaddr *)&from,
                         &(socklen_t){sizeof from})) > 0)
        answer_one(slice_of(memory, (size_t)n), &from);
    return NULL;
}

static int set_up(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    (void)state;
    server.socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server.socket, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(server.socket, (struct sockaddr *)&address, &(socklen_t){sizeof address});
    snprintf(server.address, sizeof server.address, "127.0.0.1@%u", ntohs(address.sin_port));
    return pthread_create(&server.thread, NULL, server_main, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    shutdown(server.socket, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.socket);
    return 0;
}

static int with_stub(const char *anchor_path, task_function *function, void *argument)
{
    const struct resolver_stub stub = {"example.test", server.address, false};
    const struct resolver_options options = {
        .stubs = &stub, .stub_count = 1, .trust_anchor_path = anchor_path};

    return run_tasks(&options, function, argument);
}

static void add_record(struct buffer *out, enum dns_type type, const struct dns_record *record)
{
    char address[ENDPOINT_TEXT_BYTES];

    buffer_add_byte(out, '|');
    if (type == DNS_MX)
        buffer_printf(out, "%u %.*s", record->preference, SLICE_ARG(record->name));
    else if (type == DNS_A || type == DNS_AAAA)
        buffer_printf(out, "%s", endpoint_format_address(&record->address, address));
    else
        buffer_printf(out, "%.*s%.*s", SLICE_ARG(record->name), SLICE_ARG(record->text));
}

/* The answer in one line, the records sorted by nothing: as they came. */
static void describe(struct buffer *out, enum dns_type type, const struct dns_answer *answer)
{
    static const char *const statuses[] = {"found", "no name", "no data", "temporary", "bogus"};

    buffer_printf(out, "%s %.*s", statuses[answer->status], SLICE_ARG(answer->canonical));
    for (size_t i = 0; i < answer->count; i++)
        add_record(out, type, &answer->records[i]);
    buffer_add_byte(out, 0);
}

static const struct {
    const char *name;
    enum dns_type type;
    const char *expected, *or_expected; /* the order of records is free */
} questions[] = {
    {"www.example.test", DNS_A, "found www.example.test|192.0.2.1|192.0.2.2",
     "found www.example.test|192.0.2.2|192.0.2.1"},
    {"WWW.Example.Test.", DNS_A, "found www.example.test|192.0.2.1|192.0.2.2",
     "found www.example.test|192.0.2.2|192.0.2.1"},
    {"alias.example.test", DNS_A, "found www.example.test|192.0.2.1|192.0.2.2",
     "found www.example.test|192.0.2.2|192.0.2.1"},
    {"alias.example.test", DNS_CNAME, "found alias.example.test|www.example.test", NULL},
    {"six.example.test", DNS_AAAA, "found six.example.test|2001:db8::1", NULL},
    {"mail.example.test", DNS_MX, "found mail.example.test|10 mx1.example.test|20 mx2.example.test",
     "found mail.example.test|20 mx2.example.test|10 mx1.example.test"},
    {"null.example.test", DNS_MX, "found null.example.test|0 ", NULL},
    {"odd.example.test", DNS_MX, "found odd.example.test|2 ok", NULL},
    {"key._domainkey.example.test", DNS_TXT, "found key._domainkey.example.test|v=DKIM1; p=ABC|Z",
     "found key._domainkey.example.test|Z|v=DKIM1; p=ABC"},
    {"_25._tcp.www.example.test", DNS_TLSA, "found _25._tcp.www.example.test|\3\1\1\xff\xfe", NULL},
    {"example.test", DNS_NS, "found example.test|ns.example.test", NULL},
    {"1.2.0.192.example.test", DNS_PTR, "found 1.2.0.192.example.test|www.example.test", NULL},
    {"www.example.test", DNS_AAAA, "no data www.example.test", NULL},
    {"nowhere.example.test", DNS_A, "no name nowhere.example.test", NULL},
    {"fail.example.test", DNS_A, "temporary ", NULL},
    {"refused.example.test", DNS_A, "temporary ", NULL},
};

static int ask_all(struct task *t, void *argument)
{
    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
        struct dns_answer answer;

        assert_int_equal(
            resolver_query(t, &arena, slice_text(questions[i].name), questions[i].type, &answer),
            0);
        describe(&text, questions[i].type, &answer);
        if (strcmp(text.data, questions[i].expected) != 0 &&
            (!questions[i].or_expected || strcmp(text.data, questions[i].or_expected) != 0))
            fail_msg("%s: %s", questions[i].name, text.data);
        assert_int_equal(answer.why.size > 0, answer.status == DNS_TEMPORARY);
        assert_false(answer.secure);
        assert_int_equal(answer.ttl_s, answer.status == DNS_FOUND ? 300 : answer.ttl_s);
    }
    return 0;
}

static void answers_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(with_stub(NULL, ask_all, NULL), 0);
}

static int ask_many(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dns_answer answer;

    (void)argument;
    assert_int_equal(resolver_query(t, &arena, SLICE("many.example.test"), DNS_A, &answer), 0);
    assert_int_equal(answer.status, DNS_FOUND);
    assert_int_equal(answer.count, LIMIT_DNS_RECORDS);
    return 0;
}

static void the_number_of_records_is_limited(void **state)
{
    (void)state;
    assert_int_equal(with_stub(NULL, ask_many, NULL), 0);
}

static int ask_www(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dns_answer answer;

    (void)argument;
    assert_int_equal(resolver_query(t, &arena, SLICE("www.example.test"), DNS_A, &answer), 0);
    assert_int_equal(answer.count, 2);
    return 0;
}

static int ask_at_once(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope scope;
    unsigned before;

    (void)argument;
    scope_open(&scope, t);
    for (int i = 0; i < 100; i++)
        assert_int_equal(scope_spawn(&scope, "asker", ask_www, NULL), 0);
    assert_int_equal(scope_wait(t, &scope), 0);
    before = server.questions;
    assert_int_equal(ask_www(t, NULL), 0);
    assert_int_equal(server.questions, before); /* from the cache */
    return 0;
}

static void many_may_ask_at_once(void **state)
{
    (void)state;
    assert_int_equal(with_stub(NULL, ask_at_once, NULL), 0);
}

static int ask_twice(struct task *t, void *argument)
{
    unsigned before;

    assert_int_equal(ask_www(t, argument), 0);
    assert_int_equal(task_sleep(t, RESOLVER_FRESH_US), 0);
    before = server.questions;
    assert_int_equal(ask_www(t, argument), 0);
    assert_true(server.questions > before);
    return 0;
}

static void fresh_answers_are_asked_for_again(void **state)
{
    const struct resolver_stub stub = {"example.test", server.address, false};
    const struct resolver_options options = {.stubs = &stub, .stub_count = 1, .fresh = true};

    (void)state;
    assert_int_equal(run_tasks(&options, ask_twice, NULL), 0);
}

static int ask_in_vain(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 50000);
    struct dns_answer answer;

    (void)argument;
    assert_int_equal(resolver_query(t, &arena, SLICE("silent.example.test"), DNS_A, &answer),
                     -ETIMEDOUT);
    return 0;
}

static void a_question_heeds_the_deadline(void **state)
{
    (void)state;
    assert_int_equal(with_stub(NULL, ask_in_vain, NULL), 0);
}

static int ask_bad_names(struct task *t, void *argument)
{
    static const char *const bad[] = {
        "a..b",
        ".a",
        "a b",
        "a\\.b",
        "ex\xc3\xa4mple.org",
        "a/b",
        "a..",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", /* 64 */
    };
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    char large[400];
    struct dns_answer answer;

    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (resolver_query(t, &arena, slice_text(bad[i]), DNS_A, &answer) != -EINVAL)
            fail_msg("\"%s\" was asked for", bad[i]);
    memset(large, 'a', sizeof large);
    for (size_t i = 50; i < sizeof large; i += 50)
        large[i] = '.';
    assert_int_equal(resolver_query(t, &arena, slice_of(large, 254), DNS_A, &answer), -EINVAL);
    return 0;
}

static void what_is_no_name_is_not_asked_for(void **state)
{
    (void)state;
    assert_int_equal(with_stub(NULL, ask_bad_names, NULL), 0);
}

static int ask_unsigned(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dns_answer answer;

    (void)argument;
    assert_int_equal(resolver_query(t, &arena, SLICE("www.example.test"), DNS_A, &answer), 0);
    assert_int_equal(answer.status, DNS_BOGUS);
    assert_int_equal(answer.count, 0);
    assert_true(slice_find_slice(answer.why, SLICE("DNSSEC validation")) >= 0);
    return 0;
}

/* A zone that should be signed, by the word of the anchor, and is not. */
static void an_unsigned_answer_under_an_anchor_is_bogus(void **state)
{
    static const char anchor[] =
        "example.test. IN DS 12345 8 2 "
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
    char path[] = "/tmp/letterhead-anchor-XXXXXX";
    int file = mkstemp(path);

    (void)state;
    assert_int_equal(write(file, anchor, sizeof anchor - 1), sizeof anchor - 1);
    close(file);
    assert_int_equal(with_stub(path, ask_unsigned, NULL), 0);
    unlink(path);
}

static void bad_options_are_explained(void **state)
{
    const char *forwarder = "not an address";
    const struct resolver_options bad_forwarder = {.forwarders = &forwarder, .forwarder_count = 1};
    const struct resolver_options bad_anchor = {.trust_anchor_path = "/nowhere/anchor"};
    const struct resolver_options *const bad[] = {&bad_forwarder, &bad_anchor};
    const char *const named[] = {"not an address", "/nowhere/anchor"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct world_linux_options options = {.resolver = bad[i]};
        CLEANUP(base_free_pointer) char *problem = NULL;
        struct world *w;

        assert_int_equal(world_linux_new(&options, &w, &problem), -EINVAL);
        assert_non_null(problem);
        assert_non_null(strstr(problem, named[i]));
    }
}

static int ask_nobody(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dns_answer answer;

    (void)argument;
    assert_int_equal(resolver_query(t, &arena, SLICE("www.example.test"), DNS_A, &answer), 0);
    assert_int_equal(answer.status, DNS_TEMPORARY);
    return 0;
}

static void without_a_resolver_all_is_temporary(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, ask_nobody, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_told_apart),
        cmocka_unit_test(the_number_of_records_is_limited),
        cmocka_unit_test(many_may_ask_at_once),
        cmocka_unit_test(fresh_answers_are_asked_for_again),
        cmocka_unit_test(a_question_heeds_the_deadline),
        cmocka_unit_test(what_is_no_name_is_not_asked_for),
        cmocka_unit_test(an_unsigned_answer_under_an_anchor_is_bogus),
        cmocka_unit_test(bad_options_are_explained),
        cmocka_unit_test(without_a_resolver_all_is_temporary),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
