#include "onboard/authority.h"

#include "base/log.h"
#include "onboard/diagnosis.h"
#include "onboard/name_server_test.h"

#define KEY "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
enum { SERVERS_MAX = 4 };

static const struct record_expected expected[] = {
    {SLICE("a._domainkey.library.example"), SLICE(KEY), SLICE_NONE},
    {SLICE("b._domainkey.library.example"), SLICE(KEY), SLICE_NONE},
    {SLICE("c._domainkey.library.example"), SLICE(KEY), SLICE_NONE},
};

/* "a" has the key, "b" another text, "c" nothing at all. */
static bool find_some(void *context, struct slice name, struct slice *ret)
{
    (void)context;
    if (slice_starts(name, SLICE("a.")))
        *ret = SLICE(KEY);
    if (slice_starts(name, SLICE("b.")))
        *ret = SLICE("v=spf1 -all");
    return ret->size > 0;
}

/* The name servers of the zone, as many as there are habits. */
struct stage {
    struct scope scope;
    struct name_server servers[SERVERS_MAX];
    struct authority_stub stubs[SERVERS_MAX];
    struct authority_options options;
    struct arena arena;
    struct authority_look look;
};

static void open_stage(struct task *t, struct stage *stage, const enum name_server_habit *habits,
                       size_t count)
{
    *stage = (struct stage){.options = {.stubs = stage->stubs, .stub_count = count}};
    scope_open(&stage->scope, t);
    for (size_t i = 0; i < count; i++) {
        stage->servers[i] = (struct name_server){.habit = habits[i], .find = find_some};
        name_server_open(t, &stage->scope, &stage->servers[i]);
        stage->stubs[i] = (struct authority_stub){SLICE("library.example"), stage->servers[i].at};
    }
}

static void close_stage(struct stage *stage)
{
    scope_close(&stage->scope);
    for (size_t i = 0; i < SERVERS_MAX; i++)
        name_server_close(&stage->servers[i]);
    arena_done(&stage->arena);
}

static void ask(struct task *t, struct stage *stage)
{
    struct authority_question questions[ARRAY_LEN(expected)];

    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        questions[i] = (struct authority_question){expected[i].name, DNS_TXT};
    assert_int_equal(
        authority_find(t, &stage->options, &stage->arena, SLICE("library.example"), &stage->look),
        0);
    assert_int_equal(authority_ask(t, &stage->options, &stage->arena, questions,
                                   ARRAY_LEN(expected), &stage->look),
                     0);
}

static void assert_words(const struct authority_server *server, const char *words)
{
    static const char letters[] = {[AUTHORITY_SILENT] = 's',
                                   [AUTHORITY_FAULT] = 'f',
                                   [AUTHORITY_LAME] = 'l',
                                   [AUTHORITY_ABSENT] = 'a',
                                   [AUTHORITY_FOUND] = 'F'};

    for (size_t i = 0; words[i]; i++)
        if (letters[server->answers[i].word] != words[i])
            fail_msg("answer %zu is %c, not %c", i, letters[server->answers[i].word], words[i]);
}

static int each_habit_is_understood(struct task *t, void *argument)
{
    static const struct {
        enum name_server_habit habit;
        const char *words;
        unsigned connections;
    } cases[] = {
        {NAME_SERVER_SERVES, "FFa", 1}, {NAME_SERVER_LAME, "lll", 1},
        {NAME_SERVER_FAILS, "fff", 1},  {NAME_SERVER_CLOSES, "FFa", 3},
        {NAME_SERVER_CUTS, "fff", 1},   {NAME_SERVER_MISTAKES, "sss", 1},
        {NAME_SERVER_EMPTY, "aaa", 1},  {NAME_SERVER_ALIASES, "FFF", 1},
    };

    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(close_stage) struct stage stage;

        open_stage(t, &stage, &cases[i].habit, 1);
        ask(t, &stage);
        assert_int_equal(stage.look.count, 1);
        assert_words(&stage.look.list[0], cases[i].words);
        assert_int_equal(stage.servers[0].connections, cases[i].connections);
    }
    return 0;
}

static int a_silent_server_holds_nobody_up(struct task *t, void *argument)
{
    static const enum name_server_habit habits[] = {NAME_SERVER_SILENT, NAME_SERVER_SERVES};
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, 3600 * SECOND_US);
    CLEANUP(close_stage) struct stage stage;
    uint64_t began_us = task_now_us(t);

    (void)argument;
    open_stage(t, &stage, habits, 2);
    ask(t, &stage);
    assert_words(&stage.look.list[0], "sss");
    assert_words(&stage.look.list[1], "FFa");
    assert_true(task_now_us(t) - began_us < (AUTHORITY_SERVER_S + 5) * SECOND_US);
    return 0;
}

/* --- what they come to together --- */

/* For each server a word of three: a, F (not ours), K (ours), l, f, s. */
static void read_opinion(struct authority_server *server, const char *word, struct slice *key,
                         struct slice *other)
{
    *server = (struct authority_server){.name = SLICE("ns.example"), .address = SLICE("192.0.2.1")};
    for (size_t i = 0; word[i]; i++) {
        struct authority_answer *answer = &server->answers[i];

        answer->word = word[i] == 's'   ? AUTHORITY_SILENT
                       : word[i] == 'f' ? AUTHORITY_FAULT
                       : word[i] == 'l' ? AUTHORITY_LAME
                       : word[i] == 'a' ? AUTHORITY_ABSENT
                                        : AUTHORITY_FOUND;
        answer->why = answer->word < AUTHORITY_ABSENT ? "has a fault" : NULL;
        answer->texts = word[i] == 'K' ? key : other;
        answer->count = answer->word == AUTHORITY_FOUND;
    }
}

static struct authority_look look_of(struct authority_server *servers, const char *words,
                                     struct slice *key, struct slice *other)
{
    struct slice rest = slice_text(words), part;
    struct authority_look look = {.list = servers, .zone = SLICE("library.example")};
    bool more = true;

    while (more) {
        CLEANUP(base_free_pointer) char *word = NULL;

        more = slice_cut(&rest, ' ', &part);
        word = slice_duplicate(part);
        read_opinion(&servers[look.count++], word, key, other);
    }
    return look;
}

static void servers_conclude(void **state)
{
    static const struct {
        const char *words;
        enum identity_authority authority;
    } cases[] = {
        {"aaa aaa", IDENTITY_AUTHORITY_GONE},
        {"aFa FFF", IDENTITY_AUTHORITY_GONE},
        {"aaa lll", IDENTITY_AUTHORITY_GONE}, /* half of them is enough */
        {"aaa sss", IDENTITY_AUTHORITY_GONE},
        {"aaa sss fff", IDENTITY_AUTHORITY_UNPROVEN},
        {"lll sss", IDENTITY_AUTHORITY_UNPROVEN},
        {"aas aas", IDENTITY_AUTHORITY_UNPROVEN}, /* all records must be known to be gone */
        {"aaa aaK", IDENTITY_AUTHORITY_THERE},
        {"Kff", IDENTITY_AUTHORITY_THERE},
        {"aaa aaa aaa aaa KKK", IDENTITY_AUTHORITY_THERE},
    };
    struct slice key = SLICE(KEY), other = SLICE("v=spf1 -all");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct authority_server servers[LIMIT_DNS_SERVERS];
        struct authority_look look = look_of(servers, cases[i].words, &key, &other);

        if (authority_conclude(&look, expected, 3) != cases[i].authority)
            fail_msg("%s", cases[i].words);
    }
    assert_int_equal(authority_conclude(&(struct authority_look){0}, expected, 3),
                     IDENTITY_AUTHORITY_UNPROVEN);
}

static void servers_explain(void **state)
{
    static const struct {
        const char *words; /* only the first record counts */
        bool proven;
        enum record_state state;
        enum record_cause cause, after;
        const char *text;
    } cases[] = {
        {"K a", true, RECORD_ABSENT, CAUSE_ABSENT, CAUSE_DISAGREE, "disagree"},
        {"F K", true, RECORD_WRONG, CAUSE_FOREIGN, CAUSE_DISAGREE, "disagree"},
        {"K a", false, RECORD_UNKNOWN, CAUSE_SILENT, CAUSE_DISAGREE, "disagree"},
        {"l l", false, RECORD_UNKNOWN, CAUSE_SILENT, CAUSE_LAME,
         "None of the domain's name servers"},
        {"l s", false, RECORD_UNKNOWN, CAUSE_BOGUS, CAUSE_BOGUS, "before"},
        {"l s", true, RECORD_ABSENT, CAUSE_ABSENT, CAUSE_LAME, "None of the domain's"},
        {"f f", true, RECORD_ABSENT, CAUSE_ABSENT, CAUSE_ABSENT, "before"},
        {"f f", false, RECORD_UNKNOWN, CAUSE_SILENT, CAUSE_LAME, "None of the domain's"},
        {"s s", true, RECORD_ABSENT, CAUSE_ABSENT, CAUSE_ABSENT, "before"},
        {"l a", true, RECORD_ABSENT, CAUSE_ABSENT, CAUSE_ABSENT, "before"},
        {"a a", true, RECORD_ABSENT, CAUSE_ABSENT, CAUSE_ABSENT, "before"},
        {"K K", true, RECORD_ABSENT, CAUSE_ABSENT, CAUSE_SILENT, "remembers"},
        {"a a", true, RECORD_RIGHT, CAUSE_NONE, CAUSE_NONE, "before"},
    };
    struct slice key = SLICE(KEY), other = SLICE("v=spf1 -all");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct authority_server servers[LIMIT_DNS_SERVERS];
        struct authority_look look = look_of(servers, cases[i].words, &key, &other);
        struct record_finding finding = {.proven = cases[i].proven,
                                         .state = cases[i].state,
                                         .cause = cases[i].cause,
                                         .advice = SLICE("before"),
                                         .trouble = SLICE("before")};
        struct slice text;

        diagnosis_refine(&arena, &look, 0, &expected[0], &finding);
        text = finding.proven ? finding.advice : finding.trouble;
        if (finding.cause != cases[i].after ||
            slice_find_slice(text, slice_text(cases[i].text)) < 0)
            fail_msg("case %zu: %s: %.*s", i, record_cause_name(finding.cause), SLICE_ARG(text));
        assert_int_equal(finding.proven, cases[i].proven && finding.cause != CAUSE_LAME &&
                                             finding.cause != CAUSE_SILENT);
    }
}

static void run_in_loop(void **state)
{
    assert_int_equal(run_tasks(NULL, (task_function *)*state, NULL), 0);
}
#define LOOP_TEST(function)                                                                        \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run_in_loop, .initial_state = (void *)(function)           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(each_habit_is_understood),
        LOOP_TEST(a_silent_server_holds_nobody_up),
        cmocka_unit_test(servers_conclude),
        cmocka_unit_test(servers_explain),
    };

    log_init("test", LOG_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
