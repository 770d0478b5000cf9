#include "onboard/survey.h"

#include "onboard/diagnosis.h"
#include "onboard/dmarc.h"
#include "onboard/misplaced.h"

void survey_done(struct survey *survey)
{
    for (size_t i = 0; i < SURVEY_RECORDS_MAX; i++)
        arena_done(&survey->records[i].arena);
    arena_done(&survey->arena);
}

static bool is_right(const struct record_finding *finding)
{
    return finding->proven && finding->state == RECORD_RIGHT;
}

/* A record that is not there, or not right, is looked for elsewhere. */
static int ask_record(struct task *t, void *argument)
{
    struct survey_record *record = argument;
    struct record_finding finding;
    int r = resolver_query(t, &record->arena, record->expected.name, DNS_TXT, &record->answer);

    record->asked = r == 0;
    if (r < 0)
        return r;
    record_judge(&record->arena, &record->answer, &record->expected, &finding);
    if (!finding.proven || is_right(&finding))
        return 0;
    return misplaced_find(t, &record->arena, &record->expected, record->survey->domain,
                          &record->answer, &record->slip, &record->slip_advice);
}

static int ask_dmarc(struct task *t, void *argument)
{
    struct survey *survey = argument;
    struct dmarc_finding finding;
    int r = dmarc_find(t, &survey->arena, survey->domain, false, &finding);

    if (r < 0 || finding.trouble.size)
        return r;
    survey->dmarc_state = finding.several.size ? SLICE("invalid")
                          : finding.walk.found ? SLICE("found")
                                               : SLICE("absent");
    survey->dmarc_record = finding.walk.text;
    return 0;
}

static int find_zone(struct task *t, void *argument)
{
    struct survey *survey = argument;
    int r = authority_find(t, survey->options, &survey->arena, survey->domain, &survey->look);

    survey->zone_found = r == 0;
    return r;
}

static int spawn_questions(struct survey *survey, struct scope *scope)
{
    int r = scope_spawn(scope, "zone", find_zone, survey);

    for (size_t i = 0; i < survey->record_count && r == 0; i++) {
        survey->records[i].survey = survey;
        r = scope_spawn(scope, "record", ask_record, &survey->records[i]);
    }
    return r == 0 && survey->thorough ? scope_spawn(scope, "dmarc", ask_dmarc, survey) : r;
}

static int ask_resolver(struct task *t, struct survey *survey)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, SURVEY_S * SECOND_US);
    CLEANUP(scope_close) struct scope scope;
    int r;

    scope_open(&scope, t);
    r = spawn_questions(survey, &scope);
    if (r == 0)
        r = scope_wait(t, &scope);
    return r == -ETIMEDOUT ? 0 : r;
}

static int ask_servers(struct task *t, struct survey *survey)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, SURVEY_SERVERS_S * SECOND_US);
    struct authority_question questions[AUTHORITY_QUESTIONS_MAX];
    struct record_expected expected[SURVEY_RECORDS_MAX];
    size_t count = survey->record_count, owned = count - survey->with_second;
    int r;

    for (size_t i = 0; i < survey->record_count; i++) {
        expected[i] = survey->records[i].expected;
        questions[i] = (struct authority_question){expected[i].name, DNS_TXT};
    }
    if (survey->thorough)
        questions[count++] = (struct authority_question){
            arena_printf(&survey->arena, "_dmarc.%.*s", SLICE_ARG(survey->domain)), DNS_TXT};
    r = authority_ask(t, survey->options, &survey->arena, questions, count, &survey->look);
    survey->servers_asked = r == 0;
    if (r == 0 && owned)
        survey->authority = authority_conclude(&survey->look, expected, owned);
    return r == -ETIMEDOUT ? 0 : r;
}

/* A question without an answer when the time is over counts as a fault of the net. */
static void judge_record(struct survey_record *record)
{
    if (!record->asked)
        record->answer = (struct dns_answer){.status = DNS_TEMPORARY,
                                             .why = SLICE("There was no answer in time.")};
    record_judge(&record->arena, &record->answer, &record->expected, &record->finding);
    if (record->finding.proven && !is_right(&record->finding) && record->slip != CAUSE_NONE) {
        record->finding.cause = record->slip;
        record->finding.advice = record->slip_advice;
    }
}

static bool judge_records(struct survey *survey)
{
    bool right = true;

    for (size_t i = 0; i < survey->record_count; i++) {
        judge_record(&survey->records[i]);
        right &= is_right(&survey->records[i].finding);
    }
    return right;
}

static void refine(struct survey *survey)
{
    for (size_t i = 0; i < survey->record_count && survey->servers_asked; i++) {
        struct survey_record *record = &survey->records[i];

        diagnosis_refine(&record->arena, &survey->look, i, &record->expected, &record->finding);
    }
}

int survey_run(struct task *t, const struct authority_options *options, struct survey *survey)
{
    bool right;
    int r;

    survey->options = options;
    r = ask_resolver(t, survey);
    if (r < 0)
        return r;
    right = judge_records(survey);
    if (survey->zone_found && (!right || survey->thorough))
        r = ask_servers(t, survey);
    if (r == 0)
        refine(survey);
    return r;
}

static bool same_answer(const struct authority_answer *a, const struct authority_answer *b)
{
    if (a->word != b->word || a->count != b->count || !slice_equal(a->alias, b->alias))
        return false;
    for (size_t i = 0; i < a->count; i++) { /* in whichever order */
        size_t k = 0;

        while (k < b->count && !slice_equal(a->texts[i], b->texts[k]))
            k++;
        if (k == b->count)
            return false;
    }
    return true;
}

bool survey_servers_agree(const struct survey *survey)
{
    const struct authority_look *look = &survey->look;

    for (size_t s = 0; s < look->count; s++)
        for (size_t i = 0; i < survey->record_count + 1; i++)
            if (look->list[s].answers[i].word < AUTHORITY_ABSENT ||
                !same_answer(&look->list[0].answers[i], &look->list[s].answers[i]))
                return false;
    return survey->servers_asked && look->count > 0;
}
