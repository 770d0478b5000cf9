#include "site/relay_json.h"

#include "control/json.h"
#include "site/relay_provider.h"

static const int64_t DAY_US = 86400ll * 1000000;

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

/* null: there is no such limit. */
static json_t *limit(uint64_t value)
{
    return value ? json_integer((json_int_t)value) : json_null();
}

static json_t *describe_limits(const struct relay *relay)
{
    const struct relay_limits l = relay_limits_of(relay);

    return json_pack("{s:o, s:o, s:o, s:o}", "connections", limit(l.connections_max),
                     "messages_per_connection", limit(l.messages_per_connection_max),
                     "messages_per_minute", limit(l.messages_per_minute_max), "recipients_per_day",
                     limit(l.recipients_per_day_max));
}

/* The days of all gateways as one: it began with the first of them. */
static struct relay_use add_up(const struct relay *relay, const struct relay_use *uses,
                               size_t count, int64_t now_us)
{
    struct relay_use sum = {.day_us = 0};

    for (size_t i = 0; i < count; i++) {
        const struct relay_use *use = &uses[i];

        if (use->day_us && use->day_us + DAY_US > now_us) {
            sum.recipients += use->recipients;
            if (sum.day_us == 0 || use->day_us < sum.day_us)
                sum.day_us = use->day_us;
        }
        if (use->version != relay->version)
            continue;
        if (use->closed_until_us > now_us && use->closed_until_us > sum.closed_until_us) {
            sum.closed_until_us = use->closed_until_us;
            sum.closed_why = use->closed_why;
        }
        if (use->trouble.size && use->trouble_since_us >= sum.trouble_since_us) {
            sum.trouble = use->trouble;
            sum.trouble_since_us = use->trouble_since_us;
        }
    }
    return sum;
}

static int add_use(struct store *s, struct arena *arena, const struct relay *relay, int64_t now_us,
                   json_t *object)
{
    struct relay_use *uses, sum;
    size_t count;
    int r = relay_use_list(s, arena, relay->id, &uses, &count);

    if (r < 0)
        return r;
    sum = add_up(relay, uses, count, now_us);
    json_object_set_new(object, "sent",
                        json_pack("{s:I, s:o, s:o}", "recipients", (json_int_t)sum.recipients,
                                  "since", control_json_time(sum.day_us), "ends",
                                  control_json_time(sum.day_us ? sum.day_us + DAY_US : 0)));
    json_object_set_new(object, "closed_until", control_json_time(sum.closed_until_us));
    add_text(object, "closed_why", sum.closed_why);
    add_text(object, "trouble", sum.trouble);
    json_object_set_new(object, "trouble_since", control_json_time(sum.trouble_since_us));
    return 0;
}

int relay_to_json(struct store *s, struct arena *arena, const struct relay *relay, int64_t now_us,
                  json_t **ret)
{
    const struct relay_provider *provider = relay_provider_find(relay->host);
    json_t *object = json_object();
    int r;

    add_text(object, "host", relay->host);
    json_object_set_new(object, "port", json_integer(relay->port));
    json_object_set_new(object, "tls", json_string(relay_tls_name(relay->tls)));
    add_text(object, "user", relay->user);
    add_text(object, "from", relay->outgoing_address);
    json_object_set_new(object, "return_path",
                        json_string(relay->return_path_ours ? "ours" : "account"));
    json_object_set_new(object, "version", json_integer(relay->version));
    json_object_set_new(object, "state", json_string(relay_state_name(relay->state)));
    json_object_set_new(object, "since", control_json_time(relay->since_us));
    add_text(object, "why", relay->why);
    add_text(object, "next_step", relay->next_step);
    json_object_set_new(object, "probed", control_json_time(relay->probed_us));
    json_object_set_new(object, "next_probe", control_json_time(relay->next_probe_us));
    json_object_set_new(object, "limits", describe_limits(relay));
    json_object_set_new(object, "provider", json_string(provider->name));
    json_object_set_new(object, "expect", json_string(provider->expect));
    r = add_use(s, arena, relay, now_us, object);
    if (r < 0)
        json_decref(object);
    else
        *ret = object;
    return r;
}

int relay_probes_to_json(struct store *s, struct arena *arena, int64_t relay_id, json_t **ret)
{
    struct relay_probe *probes;
    json_t *list;
    size_t count;
    int r = relay_probe_list(s, arena, relay_id, &probes, &count);

    if (r < 0)
        return r;
    list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();

        json_object_set_new(item, "begun", control_json_time(probes[i].begun_us));
        add_text(item, "occasion", probes[i].occasion);
        json_object_set_new(item, "finding", json_string(relay_finding_name(probes[i].finding)));
        json_object_set_new(item, "state", json_string(relay_state_name(probes[i].state)));
        add_text(item, "why", probes[i].why);
        json_array_append_new(list, item);
    }
    *ret = list;
    return 0;
}
