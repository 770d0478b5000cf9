#include "site/identity_json.h"

#include "control/json.h"
#include "wire/dns_text.h"

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static json_t *strings_of(struct slice text)
{
    json_t *strings = json_array();

    for (size_t at = 0; at < text.size; at += WIRE_DNS_STRING_BYTES_MAX)
        json_array_append_new(strings,
                              control_json_text(slice_part(text, at, WIRE_DNS_STRING_BYTES_MAX)));
    return strings;
}

static struct slice zone_line(struct arena *arena, struct slice name, struct slice text)
{
    CLEANUP(buffer_done) struct buffer line = BUFFER_NONE;

    buffer_printf(&line, "%.*s. 3600 IN TXT ( ", SLICE_ARG(name));
    wire_dns_text_quote(&line, text);
    buffer_add(&line, SLICE(" )"));
    return arena_copy(arena, buffer_slice(&line));
}

static void add_txt(struct arena *arena, struct slice name, struct slice text, json_t *record)
{
    add_text(record, "type", SLICE("TXT"));
    add_text(record, "value", text);
    json_object_set_new(record, "strings", strings_of(text));
    add_text(record, "zone", zone_line(arena, name, text));
}

static void add_cname(struct arena *arena, struct slice name, struct slice target, json_t *record)
{
    add_text(record, "type", SLICE("CNAME"));
    add_text(record, "value", target);
    json_object_set_new(record, "strings", json_array());
    add_text(record, "zone",
             arena_printf(arena, "%.*s. 3600 IN CNAME %.*s.", SLICE_ARG(name), SLICE_ARG(target)));
}

static int record_to_json(struct arena *arena, const struct identity *identity,
                          const struct identity_key *key, json_t **ret)
{
    struct slice name = identity_record_name(arena, identity, key), text;
    json_t *record;
    int r = identity_record_text(arena, key, &text);

    if (r < 0)
        return r;
    record = json_object();
    add_text(record, "slot", key->slot);
    add_text(record, "name", name);
    if (identity_is_cname(identity))
        add_cname(arena, name, identity_target_name(arena, identity, key), record);
    else
        add_txt(arena, name, text, record);
    add_text(record, "state", key->record_state);
    json_object_set_new(record, "since", control_json_time(key->record_since_us));
    json_object_set_new(record, "checked", control_json_time(key->record_checked_us));
    add_text(record, "seen", key->record_seen);
    add_text(record, "advice", key->record_advice);
    add_text(record, "trouble", key->record_trouble);
    add_text(record, "cause", key->record_cause);
    add_text(record, "server", key->record_server);
    *ret = record;
    return 0;
}

static int records_to_json(struct arena *arena, const struct identity *identity, json_t *records)
{
    json_t *record;
    int r = 0;

    for (size_t i = 0; i < identity->key_count && r == 0; i++) {
        r = record_to_json(arena, identity, &identity->keys[i], &record);
        if (r == 0)
            json_array_append_new(records, record);
    }
    if (r == 0 && identity_has_second(identity)) {
        r = record_to_json(arena, identity, &identity->second, &record);
        if (r == 0)
            json_array_append_new(records, record);
    }
    return r;
}

static void add_times(json_t *object, const struct identity *identity)
{
    json_object_set_new(object, "checked", control_json_time(identity->checked_us));
    json_object_set_new(object, "last_success", control_json_time(identity->succeeded_us));
    json_object_set_new(object, "next_check", control_json_time(identity->next_check_us));
}

/* Whether the domain is proven to be the site's, by its three records: what sending rests on. */
static json_t *dkim_to_json(const struct identity *identity)
{
    json_t *object = json_object();

    add_text(object, "state", identity->state);
    json_object_set_new(object, "since", control_json_time(identity->since_us));
    add_text(object, "why", identity->why);
    add_text(object, "next_step", identity->next_step);
    add_times(object, identity);
    return object;
}

/* How the identity's own domain stands: the first row of "alignment", in short. */
static json_t *dmarc_to_json(const struct identity *identity)
{
    static const struct alignment none = {.state = {"NOT_STARTED", 11}};
    const struct alignment *own = identity->alignment_count ? &identity->alignments[0] : &none;
    json_t *object = json_object();

    add_text(object, "state", own->state);
    json_object_set_new(object, "since", control_json_time(own->since_us));
    add_text(object, "why", own->why);
    add_text(object, "next_step", own->next_step);
    add_text(object, "record", own->walk.record);
    return object;
}

int identity_to_json(struct arena *arena, const struct identity *identity, json_t **ret)
{
    json_t *object = json_object(), *records = json_array();
    int r = records_to_json(arena, identity, records);

    add_text(object, "domain", identity->domain);
    add_text(object, "state", identity->state);
    json_object_set_new(object, "since", control_json_time(identity->since_us));
    json_object_set_new(object, "sending", json_boolean(identity_is_sending(identity)));
    json_object_set_new(object, "subdomains", json_boolean(identity->covers_subdomains));
    add_text(object, "why", identity->why);
    add_text(object, "next_step", identity->next_step);
    add_times(object, identity);
    json_object_set_new(object, "dkim", dkim_to_json(identity));
    json_object_set_new(object, "dmarc", dmarc_to_json(identity));
    json_object_set_new(object, "alignment",
                        alignments_to_json(identity->alignments, identity->alignment_count));
    add_text(object, "name_servers", identity->zone_servers);
    json_object_set_new(object, "records", records);
    if (r < 0) {
        json_decref(object);
        return r;
    }
    *ret = object;
    return 0;
}
