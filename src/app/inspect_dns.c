/* `letterhead inspect dns NAME`: what the check of an identity would see of a domain, whether there
 * is an identity or not. The one word that asks the network: with the resolver that the
 * configuration names, and then the domain's own servers. */
#include "app/config.h"
#include "app/inspect.h"
#include "app/inspect_report.h"
#include "app/inspect_words.h"
#include "app/resolver_config.h"
#include "onboard/survey.h"
#include "runtime/loop.h"
#include "runtime/world_linux.h"
#include "site/domain.h"
#include "wire/dns_text.h"

#include <stdlib.h>
#include <unistd.h>

struct inspection {
    const struct inspect_options *options;
    struct arena arena;
    struct config *config; /* NULL: there is none, and asking begins at the root */
    struct resolver_options resolver;
    struct authority_options authority;
    struct survey survey;
};

static void inspection_done(struct inspection *i)
{
    survey_done(&i->survey);
    arena_done(&i->arena);
    if (i->config)
        config_free(i->config);
}

static int complain(const char *what, struct slice why)
{
    fprintf(stderr, "letterhead inspect dns: %s%.*s\n", what, SLICE_ARG(why));
    return INSPECT_USAGE;
}

/* The file of the service, if it may be read, so that its DNS is asked and no other. */
static int read_config(struct inspection *i)
{
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    const char *path = i->options->config ? i->options->config : CONFIG_DEFAULT_PATH;

    i->resolver.fresh = true;
    if (!i->options->config && access(path, R_OK) < 0)
        return 0;
    if (config_load(path, &i->config, &problems) < 0)
        return complain("", buffer_slice(&problems));
    resolver_config(&i->arena, i->config, &i->resolver);
    resolver_config_authority(&i->arena, i->config, &i->authority);
    i->resolver.fresh = true;
    return 0;
}

static int read_names(struct inspection *i)
{
    const struct inspect_options *options = i->options;
    const char *why;

    if (options->operand_count != 1)
        return complain("give one domain: letterhead inspect dns example.org", SLICE_NONE);
    if (site_domain_normalise(&i->arena, slice_text(options->operands[0]), &i->survey.domain,
                              &why) < 0)
        return complain(why, SLICE_NONE);
    for (size_t k = 0; k < options->selector_count; k++) {
        struct slice name = arena_printf(&i->arena, "%s._domainkey.%.*s", options->selectors[k],
                                         SLICE_ARG(i->survey.domain));

        if (!wire_dns_name_valid(name))
            return complain("that is no selector: ", slice_text(options->selectors[k]));
        i->survey.records[i->survey.record_count++].expected.name = name;
    }
    i->survey.thorough = true;
    return 0;
}

static int survey_main(struct task *t, void *argument)
{
    struct inspection *i = argument;

    return survey_run(t, &i->authority, &i->survey);
}

static int ask(struct inspection *i)
{
    const struct world_linux_options options = {.resolver = &i->resolver};
    CLEANUP(base_free_pointer) char *problem = NULL;
    struct world *w;
    int r = world_linux_new(&options, &w, &problem);

    if (r < 0)
        return complain(problem ? problem : strerror(-r), SLICE_NONE);
    r = loop_run(w, survey_main, i);
    world_free(w);
    return r < 0 ? complain(strerror(-r), SLICE_NONE) : 0;
}

/* --- what is said of it --- */

static void add_text(json_t *object, const char *name, struct slice text)
{
    if (text.size)
        json_object_set_new(object, name, report_string(text));
}

static json_t *add_row(struct report *r, const char *list)
{
    json_t *rows = json_object_get(r->json, list), *row = json_object();

    if (!rows) {
        rows = json_array();
        json_object_set_new(r->json, list, rows);
    }
    json_array_append_new(rows, row);
    return row;
}

static void describe_record(const struct survey_record *record, struct report *r)
{
    const struct record_finding *finding = &record->finding;
    json_t *row = add_row(r, "records");

    add_text(row, "name", record->expected.name);
    add_text(row, "state",
             finding->proven ? slice_text(record_state_name(finding->state)) : SLICE("unknown"));
    add_text(row, "cause", slice_text(record_cause_name(finding->cause)));
    add_text(row, "seen", finding->seen);
    add_text(row, "server", finding->server);
    add_text(row, "advice", finding->advice);
    add_text(row, "trouble", finding->trouble);
}

static struct slice answer_text(struct arena *arena, const struct authority_answer *answer)
{
    if (answer->why)
        return slice_text(answer->why);
    if (answer->word == AUTHORITY_ABSENT)
        return SLICE("has no such record");
    if (answer->alias.size)
        return arena_printf(arena, "CNAME to %.*s", SLICE_ARG(answer->alias));
    return record_seen_text(arena, answer->texts[0]);
}

static void describe_server(struct inspection *i, const struct authority_server *server,
                            struct report *r)
{
    const struct survey *survey = &i->survey;
    json_t *row = add_row(r, "name_servers"), *answers = json_object();

    add_text(row, "name", server->name);
    add_text(row, "address", server->address);
    for (size_t k = 0; k < survey->record_count; k++)
        add_text(answers, survey->records[k].expected.name.data,
                 answer_text(&i->arena, &server->answers[k]));
    add_text(answers, "_dmarc", answer_text(&i->arena, &server->answers[survey->record_count]));
    json_object_set_new(row, "answers", answers);
}

static bool is_well(const struct survey *survey)
{
    for (size_t i = 0; i < survey->record_count; i++)
        if (!survey->records[i].finding.proven || survey->records[i].finding.state != RECORD_RIGHT)
            return false;
    return survey->look.count > 0 && survey_servers_agree(survey);
}

static void describe(struct inspection *i, struct report *r)
{
    const struct survey *survey = &i->survey;

    report_init(r, is_well(survey), "%.*s has %zu name servers that were asked%s.",
                SLICE_ARG(survey->domain), survey->look.count,
                survey_servers_agree(survey) ? ", and they agree"
                                             : ", and they do not all say the same");
    r->yes = "Well";
    r->no = "Not well";
    report_text(r, "domain", survey->domain);
    report_text(r, "zone", survey->look.zone);
    report_text(r, "primary", survey->look.primary);
    if (survey->look.trouble.size)
        report_text(r, "trouble", survey->look.trouble);
    report_flag(r, "servers_agree", survey_servers_agree(survey));
    for (size_t k = 0; k < survey->look.count; k++)
        describe_server(i, &survey->look.list[k], r);
    for (size_t k = 0; k < survey->record_count; k++)
        describe_record(&survey->records[k], r);
    report_text(r, "dmarc", survey->dmarc_state.size ? survey->dmarc_state : SLICE("unknown"));
    report_text(r, "dmarc_record", survey->dmarc_record);
}

int inspect_dns(const struct inspect_options *options)
{
    CLEANUP(inspection_done) struct inspection i = {.options = options};
    CLEANUP(report_done) struct report report = {0};
    int status = read_names(&i);

    if (status == 0)
        status = read_config(&i);
    if (status == 0)
        status = ask(&i);
    if (status)
        return status;
    describe(&i, &report);
    return report_print(&report, options->json ? REPORT_JSON : REPORT_TABLE, stdout);
}
