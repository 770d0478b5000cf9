#include "onboard/probe_json.h"

#include "control/json.h"
#include "site/relay_provider.h"
#include "vault/relay.h"

static void add_text(json_t *object, const char *name, struct slice text)
{
    if (text.size)
        json_object_set_new(object, name, control_json_text(text));
}

json_t *probe_finding_to_json(const struct probe_finding *finding)
{
    json_t *object = json_object();

    add_text(object, "stage", slice_text(probe_stage_name(finding->stage)));
    add_text(object, "title", slice_text(probe_stage_title(finding->stage)));
    add_text(object, "result", slice_text(probe_result_name(finding->result)));
    add_text(object, "code", slice_text(finding->code));
    add_text(object, "what", finding->what);
    add_text(object, "cure", finding->cure);
    add_text(object, "evidence", finding->evidence);
    return object;
}

static json_t *capabilities_to_json(const struct smtp_capabilities *c)
{
    json_t *object = json_pack("{s:b, s:b, s:b, s:b, s:b}", "pipelining", c->pipelining,
                               "eight_bit_mime", c->eightbitmime, "smtputf8", c->smtputf8, "dsn",
                               c->dsn, "requiretls", c->requiretls);

    if (c->size_bytes)
        json_object_set_new(object, "size_bytes", json_integer((json_int_t)c->size_bytes));
    return object;
}

static json_t *lines_to_json(struct slice text)
{
    json_t *lines = json_array();
    struct slice line;

    while (slice_cut(&text, '\n', &line)) /* what follows the last is nothing */
        json_array_append_new(lines, control_json_text(line));
    return lines;
}

static json_t *findings_to_json(const struct probe_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < PROBE_STAGES; i++)
        json_array_append_new(list, probe_finding_to_json(&report->findings[i]));
    return list;
}

static void add_account(const struct probe_account *account, json_t *object)
{
    const struct relay_provider *provider = relay_provider_find(account->host);

    add_text(object, "host", account->host);
    json_object_set_new(object, "port", json_integer(account->port));
    add_text(object, "tls", slice_text(relay_tls_name(account->tls)));
    add_text(object, "user", account->user);
    add_text(object, "from", account->outgoing_address);
    if (provider->id == RELAY_PROVIDER_OTHER)
        return;
    add_text(object, "provider", slice_text(provider->name));
    add_text(object, "expect", slice_text(provider->expect));
}

void probe_report_to_json(const struct probe_account *account, const struct probe_report *report,
                          bool transcript, json_t *object)
{
    add_account(account, object);
    add_text(object, "verdict", slice_text(relay_finding_name(report->verdict)));
    add_text(object, "why", report->why);
    add_text(object, "next_step", report->next_step);
    json_object_set_new(object, "seconds", json_real((double)report->took_us / 1e6));
    if (report->mechanism)
        add_text(object, "mechanism", slice_text(vault_mechanism_name(report->mechanism)));
    json_object_set_new(object, "capabilities", capabilities_to_json(&report->capabilities));
    json_object_set_new(object, "stages", findings_to_json(report));
    if (transcript)
        json_object_set_new(object, "transcript", lines_to_json(report->transcript));
}
