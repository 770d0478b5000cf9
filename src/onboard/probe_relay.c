#include "onboard/probe_relay.h"

#include "onboard/probe_json.h"

#include <stdlib.h>

struct probe_account probe_account_of_relay(const struct relay *relay)
{
    return (struct probe_account){
        .host = relay->host,
        .port = relay->port,
        .tls = relay->tls,
        .user = relay->user,
        .outgoing_address = relay->outgoing_address,
        .binding = {(uint64_t)relay->site_id, (uint64_t)relay->id, relay->host},
        .sealed = relay->sealed,
    };
}

struct relay_test probe_test_of_report(const struct probe_report *report, struct slice json)
{
    return (struct relay_test){.finding = report->verdict,
                               .why = report->why,
                               .next_step = report->next_step,
                               .report = json};
}

static struct slice report_text(struct arena *arena, const struct probe_account *account,
                                const struct probe_report *report)
{
    json_t *object = json_object();
    struct slice text;
    char *json;

    probe_report_to_json(account, report, false, object);
    json = json_dumps(object, JSON_COMPACT);
    text = arena_copy(arena, slice_text(json));
    free(json);
    json_decref(object);
    return text;
}

int probe_test_relay(struct task *t, void *context, struct arena *arena, const struct relay *relay,
                     struct relay_test *ret)
{
    const struct probe_account account = probe_account_of_relay(relay);
    struct probe_report report;
    int r = probe_run(t, context, &account, NULL, arena, &report);

    if (r == 0)
        *ret = probe_test_of_report(&report, report_text(arena, &account, &report));
    return r;
}
