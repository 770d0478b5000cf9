#include "feedback/report_rules.h"

#include "base/limits.h"
#include "feedback/report_words.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONDITIONS_MAX = 24 };

struct pattern {
    struct slice words; /* folded */
    uint32_t line;
};

struct status_pattern {
    uint8_t class;           /* 0: any */
    int32_t subject, detail; /* -1: any */
};

struct section {
    struct slice reason;
    enum feedback_class class;
    uint32_t line;
    size_t first, count; /* patterns */
    struct status_pattern statuses[CONDITIONS_MAX];
    size_t status_count;
    uint16_t replies[CONDITIONS_MAX];
    size_t reply_count;
    bool status_none;  /* also where the report has none */
    unsigned commands; /* bits by enum feedback_command; 0: any */
    bool reply_only;   /* its words count in the server's reply alone */
};

struct feedback_rules {
    struct arena arena;
    struct section sections[LIMIT_REPORT_RULE_SECTIONS];
    size_t section_count;
    struct pattern patterns[LIMIT_REPORT_RULES];
    size_t pattern_count;
};

void feedback_rules_free(struct feedback_rules *rules)
{
    if (!rules)
        return;
    arena_done(&rules->arena);
    free(rules);
}

/* --- reading --- */

struct reader {
    struct feedback_rules *rules;
    uint32_t line;
    char **ret_problem;
};

static int refuse(struct reader *r, const char *what, struct slice about)
{
    if (asprintf(r->ret_problem, "line %u: %s%.*s", r->line, what, SLICE_ARG(about)) < 0)
        abort();
    return -EINVAL;
}

static bool parse_number(struct slice s, int32_t *ret)
{
    uint64_t value;

    if (slice_equal(s, SLICE("*"))) {
        *ret = -1;
        return true;
    }
    if (slice_to_u64(s, 999, &value) < 0)
        return false;
    *ret = (int32_t)value;
    return true;
}

static bool parse_status(struct slice s, struct status_pattern *ret)
{
    struct slice part;
    int32_t class;

    if (!slice_cut(&s, '.', &part) || !parse_number(part, &class) || class > 5)
        return false;
    ret->class = class < 0 ? 0 : (uint8_t) class;
    if (!slice_cut(&s, '.', &part) || !parse_number(part, &ret->subject))
        return false;
    return parse_number(s, &ret->detail);
}

static int take_statuses(struct reader *r, struct section *section, struct slice list)
{
    struct slice one;

    while (list.size > 0) {
        slice_cut(&list, ',', &one);
        if (slice_equal(one, SLICE("none"))) {
            section->status_none = true;
            continue;
        }
        if (section->status_count == CONDITIONS_MAX ||
            !parse_status(one, &section->statuses[section->status_count++]))
            return refuse(r, "not a status like 5.1.1 or 5.7.*, or too many: ", one);
    }
    return 0;
}

static int take_replies(struct reader *r, struct section *section, struct slice list)
{
    struct slice one;
    uint64_t code;

    while (list.size > 0) {
        slice_cut(&list, ',', &one);
        if (section->reply_count == CONDITIONS_MAX || slice_to_u64(one, 599, &code) < 0)
            return refuse(r, "not a reply code like 550, or too many: ", one);
        section->replies[section->reply_count++] = (uint16_t)code;
    }
    return 0;
}

static bool command_named(struct slice name, enum feedback_command *ret)
{
    static const char *const names[] = {
        [FEEDBACK_COMMAND_UNKNOWN] = "unknown", [FEEDBACK_COMMAND_CONNECT] = "connect",
        [FEEDBACK_COMMAND_EHLO] = "ehlo",       [FEEDBACK_COMMAND_MAIL] = "mail",
        [FEEDBACK_COMMAND_RCPT] = "rcpt",       [FEEDBACK_COMMAND_DATA] = "data",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_equal(name, slice_text(names[i]))) {
            *ret = (enum feedback_command)i;
            return true;
        }
    return false;
}

static int take_commands(struct reader *r, struct section *section, struct slice list)
{
    enum feedback_command command;
    struct slice one;

    while (list.size > 0) {
        slice_cut(&list, ',', &one);
        if (!command_named(one, &command))
            return refuse(r, "a command is connect, ehlo, mail, rcpt, data or unknown, not ", one);
        section->commands |= 1u << command;
    }
    return 0;
}

static int take_condition(struct reader *r, struct section *section, struct slice condition)
{
    struct slice key, value = condition;

    if (!slice_cut(&value, '=', &key))
        return refuse(r, "a condition is status=…, reply=… or command=…, not ", condition);
    if (slice_equal(key, SLICE("status")))
        return take_statuses(r, section, value);
    if (slice_equal(key, SLICE("reply")))
        return take_replies(r, section, value);
    if (slice_equal(key, SLICE("command")))
        return take_commands(r, section, value);
    if (slice_equal(condition, SLICE("in=reply"))) {
        section->reply_only = true;
        return 0;
    }
    return refuse(r, "a condition is status=…, reply=…, command=… or in=reply, not ", condition);
}

static bool class_named(struct slice name, enum feedback_class *ret)
{
    for (size_t i = 0; i < FEEDBACK_CLASSES; i++)
        if (slice_equal(name, slice_text(feedback_class_name(i)))) {
            *ret = (enum feedback_class)i;
            return true;
        }
    return false;
}

/* "= REASON CLASS [when CONDITION …]" without the "=". */
static int take_section(struct reader *r, struct slice head)
{
    struct feedback_rules *rules = r->rules;
    struct section *section = &rules->sections[rules->section_count];
    struct slice word;
    int result = 0;

    if (rules->section_count++ == LIMIT_REPORT_RULE_SECTIONS)
        return refuse(r, "there are too many sections", SLICE_NONE);
    slice_cut(&head, ' ', &section->reason);
    section->reason = arena_copy(&rules->arena, section->reason);
    slice_cut(&head, ' ', &word);
    if (!class_named(word, &section->class))
        return refuse(r, "no such class: ", word);
    section->line = r->line;
    section->first = rules->pattern_count;
    if (head.size > 0) {
        slice_cut(&head, ' ', &word);
        if (!slice_equal(word, SLICE("when")))
            return refuse(r, "after the class there may be \"when\", not ", word);
    }
    while (result == 0 && head.size > 0) {
        slice_cut(&head, ' ', &word);
        if (word.size > 0)
            result = take_condition(r, section, word);
    }
    return result;
}

static int take_pattern(struct reader *r, struct slice words)
{
    CLEANUP(buffer_done) struct buffer folded = BUFFER_NONE;
    struct feedback_rules *rules = r->rules;

    if (rules->section_count == 0)
        return refuse(r, "words must stand below a section, which starts with \"=\"", SLICE_NONE);
    if (rules->pattern_count == LIMIT_REPORT_RULES)
        return refuse(r, "there are too many rules", SLICE_NONE);
    if (words.data[0] == '*')
        return refuse(r, "a rule cannot start with a gap: ", words);
    for (size_t i = 0; i < words.size; i++)
        if (words.data[i] >= 'A' && words.data[i] <= 'Z')
            return refuse(r, "words are compared in lower case; write them so: ", words);
    rules->patterns[rules->pattern_count++] =
        (struct pattern){arena_copy(&rules->arena, words), r->line};
    rules->sections[rules->section_count - 1].count++;
    return 0;
}

static int take_line(struct reader *r, struct slice line)
{
    if (line.size == 0 || line.data[0] == '#')
        return 0;
    if (slice_starts(line, SLICE("= ")))
        return take_section(r, slice_trim(slice_part(line, 2, line.size)));
    return take_pattern(r, line);
}

int feedback_rules_new(struct slice text, struct feedback_rules **ret, char **ret_problem)
{
    struct feedback_rules *rules = base_allocate(sizeof(*rules));
    struct reader reader = {rules, 0, ret_problem};
    struct slice line;
    int r = 0;

    while (r == 0 && text.size > 0) {
        slice_cut(&text, '\n', &line);
        reader.line++;
        r = take_line(&reader, slice_trim(line));
    }
    if (r < 0) {
        feedback_rules_free(rules);
        return r;
    }
    *ret = rules;
    return 0;
}

/* --- judging --- */

static bool status_is(const struct status_pattern *p, struct smtp_status s)
{
    return (p->class == 0 || p->class == s.class) && (p->subject < 0 || p->subject == s.subject) &&
           (p->detail < 0 || p->detail == s.detail);
}

static bool status_holds(const struct section *section, struct smtp_status status)
{
    if (section->status_count == 0 && !section->status_none)
        return true;
    if (status.class == 0)
        return section->status_none;
    for (size_t i = 0; i < section->status_count; i++)
        if (status_is(&section->statuses[i], status))
            return true;
    return false;
}

static bool reply_holds(const struct section *section, uint16_t code)
{
    if (section->reply_count == 0)
        return true;
    for (size_t i = 0; i < section->reply_count; i++)
        if (section->replies[i] == code)
            return true;
    return false;
}

static bool conditions_hold(const struct section *section, const struct feedback_evidence *e)
{
    return status_holds(section, e->status) && reply_holds(section, e->reply_code) &&
           (section->commands == 0 || (section->commands & 1u << e->command) != 0);
}

/* A name that is not there is final, and so is a null MX, unless the status is a 4xx: somebody may
 * still mend it. */
static bool is_hard(const struct section *section, const struct feedback_evidence *e)
{
    if (section->class == FEEDBACK_HARD_DOMAIN)
        return e->status.class != 4 || slice_equal(section->reason, SLICE("hostunknown"));
    return section->class == FEEDBACK_HARD_RECIPIENT;
}

static struct feedback_verdict verdict_of(const struct section *section, uint32_t line,
                                          const struct feedback_evidence *e)
{
    return (struct feedback_verdict){section->class, is_hard(section, e), section->reason, line};
}

static bool judge_words(const struct feedback_rules *rules, struct slice text, bool is_reply,
                        const struct feedback_evidence *e, struct feedback_verdict *ret)
{
    CLEANUP(buffer_done) struct buffer words = BUFFER_NONE;

    feedback_words_fold(text, &words);
    for (size_t i = 0; words.size > 0 && i < rules->section_count; i++) {
        const struct section *section = &rules->sections[i];

        if ((section->reply_only && !is_reply) || !conditions_hold(section, e))
            continue;
        for (size_t j = section->first; j < section->first + section->count; j++)
            if (feedback_words_match(buffer_slice(&words), rules->patterns[j].words)) {
                *ret = verdict_of(section, rules->patterns[j].line, e);
                return true;
            }
    }
    return false;
}

static bool judge_conditions(const struct feedback_rules *rules, const struct feedback_evidence *e,
                             struct feedback_verdict *ret)
{
    for (size_t i = 0; i < rules->section_count; i++) {
        const struct section *section = &rules->sections[i];

        if (section->count == 0 && conditions_hold(section, e)) {
            *ret = verdict_of(section, section->line, e);
            return true;
        }
    }
    return false;
}

struct feedback_verdict feedback_rules_judge(const struct feedback_rules *rules,
                                             const struct feedback_evidence *evidence)
{
    struct feedback_verdict verdict = {.class = FEEDBACK_UNKNOWN, .reason = SLICE("undefined")};

    if (!judge_words(rules, evidence->reply, true, evidence, &verdict) &&
        !judge_words(rules, evidence->words, false, evidence, &verdict))
        (void)judge_conditions(rules, evidence, &verdict);
    return verdict;
}
