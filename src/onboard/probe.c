/* The probe's way through its stages, and what all of them share. */
#include "onboard/probe_inside.h"

#include "base/log.h"
#include "wire/redact.h"

static const struct {
    const char *name, *title;
} stages[PROBE_STAGES] = {
    [PROBE_RESOLVE] = {"resolve", "The server's name"},
    [PROBE_CONNECT] = {"connect", "Connection"},
    [PROBE_ESMTP] = {"esmtp", "Greeting"},
    [PROBE_ENCRYPTION] = {"encryption", "Encryption"},
    [PROBE_CERTIFICATE] = {"certificate", "Certificate"},
    [PROBE_MECHANISMS] = {"mechanisms", "Ways to sign in"},
    [PROBE_CLEAR] = {"clear", "Passwords only when encrypted"},
    [PROBE_LOGIN] = {"login", "User and password"},
    [PROBE_SENDER] = {"sender", "Outgoing address"},
    [PROBE_OPEN_RELAY] = {"open-relay", "Not open to strangers"},
    [PROBE_MESSAGE] = {"message", "Test message"},
    [PROBE_ALIGNMENT] = {"alignment", "SPF and DMARC"},
};

const char *probe_stage_name(enum probe_stage stage)
{
    return stages[stage].name;
}

const char *probe_stage_title(enum probe_stage stage)
{
    return stages[stage].title;
}

const char *probe_result_name(enum probe_result result)
{
    static const char *const names[] = {"skipped", "passed", "warning", "failed"};

    return names[result];
}

void probe_found(struct probe *p, const struct probe_finding *finding)
{
    p->report->findings[finding->stage] = *finding;
    if (p->watch)
        p->watch->found(p->task, p->watch->context, finding);
}

void probe_pass(struct probe *p, enum probe_stage stage, struct slice what, struct slice evidence)
{
    probe_found(p, &(struct probe_finding){.stage = stage,
                                           .result = PROBE_PASSED,
                                           .code = "ok",
                                           .what = what,
                                           .evidence = evidence});
}

void probe_fail(struct probe *p, enum probe_stage stage, const char *code, struct slice what,
                struct slice cure, struct slice evidence)
{
    p->over = true;
    probe_found(
        p, &(struct probe_finding){stage, PROBE_FAILED, code, what, cure, evidence, false, false});
}

void probe_fail_for_now(struct probe *p, enum probe_stage stage, const char *code,
                        struct slice what, struct slice cure, struct slice evidence)
{
    p->over = true;
    probe_found(
        p, &(struct probe_finding){stage, PROBE_FAILED, code, what, cure, evidence, true, false});
}

void probe_warn(struct probe *p, enum probe_stage stage, const char *code, struct slice what,
                struct slice cure, struct slice evidence)
{
    probe_found(
        p, &(struct probe_finding){stage, PROBE_WARNING, code, what, cure, evidence, false, false});
}

void probe_skip(struct probe *p, enum probe_stage stage, struct slice why)
{
    probe_found(p, &(struct probe_finding){
                       .stage = stage, .result = PROBE_SKIPPED, .code = "skipped", .what = why});
}

struct slice probe_escape(struct probe *p, struct slice text)
{
    char *out = arena_allocate(p->arena, QUEUE_TEXT_BYTES + 1);

    log_escape(slice_trim(text), out, QUEUE_TEXT_BYTES + 1);
    return slice_text(out);
}

struct slice probe_reply(struct probe *p, const struct smtp_reply *reply)
{
    return wire_reply_escape(p->arena, reply, QUEUE_TEXT_BYTES);
}

static void note_line(struct probe *p, enum client_side side, struct slice line)
{
    if (p->transcript.size + line.size + 4 > PROBE_TRANSCRIPT_BYTES_MAX) {
        p->transcript_cut = true;
        return;
    }
    buffer_add(&p->transcript, side == CLIENT_SAYS ? SLICE("> ") : SLICE("< "));
    buffer_add(&p->transcript, slice_trim(line));
    buffer_add(&p->transcript, SLICE("\n"));
}

/* Several commands may go at once. The client has left out what is secret. */
static void note_lines(void *context, enum client_side side, struct slice lines)
{
    struct slice line;

    while (slice_cut(&lines, '\n', &line))
        note_line(context, side, line);
    if (line.size)
        note_line(context, side, line);
}

struct client_options probe_dial_options(struct probe *p, const struct endpoint *address,
                                         const struct tls_plan *plan)
{
    return (struct client_options){
        .hostname = p->service->hostname,
        .tls_context = p->service->tls,
        .tls = p->account->tls == RELAY_TLS ? CLIENT_TLS_FIRST : CLIENT_TLS_PLANNED,
        .plan = plan,
        .host_name = p->account->host,
        .address = *address,
        .tap = &p->tap,
        .secrets = p->secrets,
    };
}

static int mechanisms(struct task *t, struct probe *p)
{
    (void)t;
    probe_mechanisms(p);
    return 0;
}

/* Each stage, where the earlier ones allow it. The last stands on nothing but DNS. */
static const struct step {
    enum probe_stage first;
    int (*run)(struct task *t, struct probe *p);
    bool always;
} steps[] = {
    {PROBE_RESOLVE, probe_resolve, false},      {PROBE_CONNECT, probe_connect, false},
    {PROBE_ESMTP, probe_dial, false},           {PROBE_MECHANISMS, mechanisms, false},
    {PROBE_LOGIN, probe_login, false},          {PROBE_SENDER, probe_sender, false},
    {PROBE_OPEN_RELAY, probe_open_relay, true}, {PROBE_MESSAGE, probe_message, false},
    {PROBE_ALIGNMENT, probe_alignment, true},
};

static bool is_found(const struct probe *p, enum probe_stage stage)
{
    return p->report->findings[stage].code != NULL;
}

/* A stage that nobody said anything about was not come to. */
static void fill_up_to(struct probe *p, enum probe_stage end)
{
    for (enum probe_stage stage = 0; stage < end; stage++)
        if (!is_found(p, stage))
            probe_skip(p, stage, SLICE("Not tested, since an earlier test failed."));
}

static int run_steps(struct task *t, struct probe *p)
{
    int r = probe_ask_policies(p);

    for (size_t i = 0; i < ARRAY_LEN(steps) && r == 0; i++) {
        fill_up_to(p, steps[i].first);
        if (!p->over || steps[i].always)
            r = steps[i].run(t, p);
    }
    fill_up_to(p, PROBE_STAGES);
    client_quit(t, &p->client);
    return r;
}

/* What decides: an open relay before everything else, then the first failure, then a warning that
 * somebody must act on. */
static const struct probe_finding *find_decisive(const struct probe_report *report)
{
    const struct probe_finding *open = &report->findings[PROBE_OPEN_RELAY];

    if (open->result == PROBE_FAILED)
        return open;
    for (size_t i = 0; i < PROBE_STAGES; i++)
        if (report->findings[i].result == PROBE_FAILED)
            return &report->findings[i];
    for (size_t i = 0; i < PROBE_STAGES; i++)
        if (report->findings[i].mend_soon)
            return &report->findings[i];
    return NULL;
}

static void decide(struct probe_report *report)
{
    const struct probe_finding *decisive = find_decisive(report);

    if (!decisive) {
        report->verdict = RELAY_FOUND_GOOD;
        report->why = SLICE("The account works.");
        return;
    }
    report->verdict = decisive->result == PROBE_WARNING     ? RELAY_FOUND_WARNING
                      : decisive->temporary                 ? RELAY_FOUND_TEMPORARY
                      : decisive->stage == PROBE_OPEN_RELAY ? RELAY_FOUND_OPEN
                                                            : RELAY_FOUND_TROUBLE;
    report->why = decisive->what;
    report->next_step = decisive->cure;
}

/* The second look: by what was sent, over everything that is kept. */
static void keep_transcript(struct probe *p)
{
    if (p->transcript_cut)
        buffer_add(&p->transcript, SLICE("(the rest is left out)\n"));
    if (p->secrets && p->transcript.size)
        redactor_hide(p->secrets, p->transcript.data, p->transcript.size);
    p->report->transcript = arena_copy(p->arena, buffer_slice(&p->transcript));
}

static void probe_done(struct probe *p)
{
    scope_close(&p->policies.scope);
    client_close(&p->client);
    redactor_free(TAKE(p->secrets));
    buffer_done(&p->transcript);
}

/* A stage that ran into the time limit of the whole. */
static int run_in_time(struct task *t, struct probe *p)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, PROBE_S * SECOND_US);
    int r = run_steps(t, p);

    if (r != -ETIMEDOUT)
        return r;
    for (enum probe_stage stage = 0; stage < PROBE_STAGES; stage++)
        if (!is_found(p, stage)) {
            probe_fail_for_now(p, stage, "timeout",
                               SLICE("The server answers so slowly that the test was given up."),
                               SLICE("Look at the load of the mail server, then test again."),
                               SLICE_NONE);
            break;
        }
    fill_up_to(p, PROBE_STAGES);
    return 0;
}

int probe_run(struct task *t, const struct probe_service *service,
              const struct probe_account *account, const struct probe_watch *watch,
              struct arena *arena, struct probe_report *ret)
{
    uint64_t begun_us = task_now_us(t);
    CLEANUP(probe_done)
    struct probe p = {
        .service = service,
        .account = account,
        .watch = watch,
        .provider = relay_provider_find(account->host),
        .task = t,
        .arena = arena,
        .report = ret,
        .client = CLIENT_NONE,
        .tap = {note_lines, &p},
    };
    int r;

    scope_open(&p.policies.scope, t);
    *ret = (struct probe_report){.verdict = RELAY_FOUND_TEMPORARY};
    r = run_in_time(t, &p);
    if (r < 0)
        return r;
    decide(ret);
    keep_transcript(&p);
    ret->took_us = task_now_us(t) - begun_us;
    return 0;
}
