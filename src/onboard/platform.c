#include "onboard/platform.h"

#include "base/buffer.h"
#include "control/json.h"
#include "deliver/shaping_service.h"
#include "wire/dns_text.h"

enum { CHECK_S = 45, SHOWN_MAX = 2 + 2 * MAIL_SOURCES_MAX };

int platform_host(struct task *t, struct arena *arena, const struct platform_service *service,
                  struct mail_host *ret)
{
    struct shaping shaping;
    int r = shaping_read(arena, buffer_slice(&service->shaping->body), &shaping);

    *ret = (struct mail_host){.hostname = service->hostname};
    for (size_t i = 0; r == 0 && i < shaping.source_count && i < MAIL_SOURCES_MAX; i++) {
        const struct shaping_source *from = &shaping.sources[i];
        struct mail_source *to = &ret->sources[ret->source_count++];

        to->text = arena_copy(arena, from->address);
        to->hostname = from->hostname.size ? arena_copy(arena, from->hostname) : service->hostname;
        r = endpoint_parse_address(to->text, &to->address);
    }
    return r < 0 ? r : mail_host_find(t, arena, ret);
}

/* What is shown of one record. */
struct shown {
    const char *what_for;
    struct slice name;
    const char *type;
    struct slice value; /* as in a zone file */
    struct mail_record found;
};

struct showing {
    struct arena arena;
    struct mail_host host;
    struct shown records[SHOWN_MAX];
    size_t count;
};

static struct slice quoted(struct arena *arena, struct slice text)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    wire_dns_text_quote(&out, text);
    return arena_copy(arena, buffer_slice(&out));
}

static struct slice absolute(struct arena *arena, struct slice name)
{
    return arena_printf(arena, "%.*s.", SLICE_ARG(name));
}

static struct shown *add(struct showing *s, const char *what_for, struct slice name,
                         const char *type, struct slice value)
{
    assert(s->count < SHOWN_MAX);
    s->records[s->count] = (struct shown){what_for, name, type, value, {.state = RECORD_UNKNOWN}};
    return &s->records[s->count++];
}

static void add_bounce_domain(struct showing *s, const struct platform_service *service,
                              const struct mail_domain *found)
{
    struct arena *arena = &s->arena;

    add(s, "reports come back to this host", service->bounce_domain, "MX",
        arena_printf(arena, "10 %.*s.", SLICE_ARG(service->hostname)))
        ->found = found->mx;
    add(s, "mail goes out from these addresses", service->bounce_domain, "TXT",
        quoted(arena, mail_host_spf(arena, &s->host)))
        ->found = found->spf;
}

static int add_source(struct task *t, struct showing *s, const struct mail_source *source,
                      bool checked)
{
    struct arena *arena = &s->arena;
    struct shown *name = add(s, "the host's name leads to its address", source->hostname,
                             source->address.family == 4 ? "A" : "AAAA", source->text);
    struct shown *way_back =
        add(s, "the address leads to the host's name", mail_reverse_name(arena, &source->address),
            "PTR", absolute(arena, source->hostname));
    int r = 0;

    if (checked)
        r = mail_source_name_check(t, arena, source, &name->found);
    if (r == 0 && checked)
        r = mail_source_check(t, arena, source, &way_back->found);
    return r;
}

static int gather(struct task *t, struct showing *s, const struct platform_service *service,
                  bool checked)
{
    struct mail_domain found = {.mx = {.state = RECORD_UNKNOWN}};
    int r = platform_host(t, &s->arena, service, &s->host);

    if (r == 0 && checked)
        r = mail_domain_check(t, &s->arena, service->bounce_domain, &s->host, false, &found);
    if (r == 0)
        add_bounce_domain(s, service, &found);
    for (size_t i = 0; i < s->host.source_count && r == 0; i++)
        r = add_source(t, s, &s->host.sources[i], checked);
    return r;
}

static json_t *describe(struct arena *arena, const struct shown *shown, bool checked)
{
    json_t *object = json_object();

    json_object_set_new(object, "for", json_string(shown->what_for));
    json_object_set_new(object, "name", control_json_text(shown->name));
    json_object_set_new(object, "type", json_string(shown->type));
    json_object_set_new(object, "value", control_json_text(shown->value));
    json_object_set_new(
        object, "zone",
        control_json_text(arena_printf(arena, "%.*s. 3600 IN %s %.*s", SLICE_ARG(shown->name),
                                       shown->type, SLICE_ARG(shown->value))));
    if (!checked)
        return object;
    json_object_set_new(object, "state", json_string(record_state_name(shown->found.state)));
    json_object_set_new(object, "seen", control_json_text(shown->found.seen));
    json_object_set_new(object, "advice", control_json_text(shown->found.advice));
    return object;
}

static struct slice trouble_of(struct showing *s)
{
    if (s->host.source_count)
        return SLICE_NONE;
    if (s->host.trouble.size)
        return s->host.trouble;
    return arena_printf(
        &s->arena,
        "%.*s has no address in the DNS: publish the one that mail goes out from, or "
        "name source addresses in the shaping file.",
        SLICE_ARG(s->host.hostname));
}

static void tell(const struct platform_service *service, struct showing *s, bool checked,
                 json_t *output)
{
    json_t *list = json_array();
    bool good = s->host.source_count > 0;

    for (size_t i = 0; i < s->count; i++) {
        good &= s->records[i].found.state == RECORD_RIGHT;
        json_array_append_new(list, describe(&s->arena, &s->records[i], checked));
    }
    json_object_set_new(output, "hostname", control_json_text(service->hostname));
    json_object_set_new(output, "bounce_domain", control_json_text(service->bounce_domain));
    json_object_set_new(output, "checked", json_boolean(checked));
    if (checked)
        json_object_set_new(output, "good", json_boolean(good));
    json_object_set_new(output, "trouble", control_json_text(trouble_of(s)));
    json_object_set_new(output, "records", list);
}

static void showing_done(struct showing **s)
{
    arena_done(&(*s)->arena);
    base_free_pointer(s);
}

static int show_dns(struct task *t, struct control_call *call)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, CHECK_S * SECOND_US);
    CLEANUP(showing_done) struct showing *s = base_allocate(sizeof *s);
    const struct platform_service *service = call->context;
    bool checked = control_flag(call, "check");
    int r = gather(t, s, service, checked);

    if (r == -ETIMEDOUT)
        return control_refuse(call, CONTROL_UNAVAILABLE, NULL, "Try again in a minute.",
                              "The DNS did not answer in time.");
    if (r == 0)
        tell(service, s, checked, call->output);
    return r;
}

static const struct control_field fields[] = {
    {.name = "check", .type = CONTROL_FLAG, .help = "look whether they are there, and right"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"platform.dns", "Show the DNS records that the platform itself needs", CONTROL_VIEWER, false,
     fields,
     "hostname, bounce_domain, checked, good, trouble, records[] {for, name, type, value, zone, "
     "state, seen, advice}",
     show_dns},
};

struct control_set platform_operations(struct platform_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
