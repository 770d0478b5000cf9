#include "app/shaping_file.h"

#include "app/schema.h"
#include "app/shaping_builtin.h"
#include "app/shaping_file_sources.h"
#include "app/text_file.h"
#include "base/limits.h"
#include "wire/dns_text.h"
#include "wire/ipc.h"

enum { FILE_BYTES_MAX = 1 << 20, STATUS_MAX = 254, DAY_S = 86400 };

struct file_provider {
    size_t line;
    struct slice name;
    struct schema_list hosts, domains; /* struct slice */
    struct shaping_limits limits;
};

struct file_reply {
    size_t line;
    struct shaping_reply rule;
};

struct file {
    const char *path;
    struct schema_list providers; /* struct file_provider */
    struct schema_list replies;   /* struct file_reply */
    struct file_sources sources;
};

static int read_host(struct slice text, void *target)
{
    if (!wire_dns_host_valid(text))
        return -EINVAL;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] >= 'A' && text.data[i] <= 'Z')
            return -EINVAL;
    *(struct slice *)target = text;
    return 0;
}

static int read_code(struct slice text, void *target)
{
    if (text.size != 3 || (text.data[0] != '4' && text.data[0] != '5'))
        return -EINVAL;
    for (size_t i = 1; i < 3; i++)
        if (text.data[i] != 'x' && (text.data[i] < '0' || text.data[i] > '9'))
            return -EINVAL;
    *(struct slice *)target = text;
    return 0;
}

static int read_status(struct slice text, void *target)
{
    struct slice rest = text, part;
    uint64_t number;

    for (size_t i = 0; i < 3; i++) {
        bool more = slice_cut(&rest, '.', &part);

        if (more != (i < 2))
            return -EINVAL;
        if (!slice_equal(part, SLICE("x")) && slice_to_u64(part, STATUS_MAX, &number) < 0)
            return -EINVAL;
    }
    *(struct slice *)target = text;
    return 0;
}

#define PROVIDER(member) offsetof(struct file_provider, member)
#define REPLY(member) offsetof(struct file_reply, member)
#define HOST                                                                                       \
    .type = SCHEMA_CUSTOM, .custom = read_host,                                                    \
    .expected = "a host or domain name in small letters, such as google.com"
#define NUMBER(limit, most)                                                                        \
    {                                                                                              \
        .name = #limit, .type = SCHEMA_NUMBER, .offset = PROVIDER(limits.limit), .fallback = "",   \
        .min = 1, .max = most                                                                      \
    }

static const struct schema_field host_item = {.name = "host", HOST};
static const struct schema_field provider_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = PROVIDER(line)},
    {.name = "name",
     .type = SCHEMA_CUSTOM,
     .offset = PROVIDER(name),
     .custom = shaping_file_read_name,
     .expected = "a name of small letters, digits and hyphens"},
    {.name = "hosts",
     .type = SCHEMA_LIST,
     .offset = PROVIDER(hosts),
     .fallback = "",
     .fields = &host_item,
     .item_size = sizeof(struct slice),
     .max = SHAPING_HOSTS_MAX},
    {.name = "domains",
     .type = SCHEMA_LIST,
     .offset = PROVIDER(domains),
     .fallback = "",
     .fields = &host_item,
     .item_size = sizeof(struct slice),
     .max = SHAPING_HOSTS_MAX},
    NUMBER(connections_max, 50000),
    NUMBER(messages_per_connection_max, 100000),
    NUMBER(connections_per_minute_max, 1000000),
    NUMBER(messages_per_minute_max, 100000000),
    {.name = "back_off_min",
     .type = SCHEMA_DURATION,
     .offset = PROVIDER(limits.back_off_min_s),
     .fallback = "",
     .min = 1,
     .max = DAY_S},
    {.name = "back_off_max",
     .type = SCHEMA_DURATION,
     .offset = PROVIDER(limits.back_off_max_s),
     .fallback = "",
     .min = 1,
     .max = DAY_S},
    {.name = NULL},
};

static const struct schema_field reply_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = REPLY(line)},
    {.name = "provider", .type = SCHEMA_TEXT, .offset = REPLY(rule.provider), .fallback = ""},
    {.name = "code",
     .type = SCHEMA_CUSTOM,
     .offset = REPLY(rule.code),
     .fallback = "",
     .custom = read_code,
     .expected = "a reply code that begins with 4 or 5, such as 421 or 4xx"},
    {.name = "status",
     .type = SCHEMA_CUSTOM,
     .offset = REPLY(rule.status),
     .fallback = "",
     .custom = read_status,
     .expected = "an enhanced code with numbers up to 254, such as 4.7.28 or 4.7.x"},
    {.name = "text", .type = SCHEMA_TEXT, .offset = REPLY(rule.text), .fallback = ""},
    {.name = "means",
     .type = SCHEMA_CHOICE,
     .offset = REPLY(rule.means),
     .choices = shaping_meanings},
    {.name = "action",
     .type = SCHEMA_CHOICE,
     .offset = REPLY(rule.action),
     .choices = shaping_actions},
    {.name = "pause",
     .type = SCHEMA_DURATION,
     .offset = REPLY(rule.pause_s),
     .fallback = "",
     .min = 1,
     .max = DAY_S},
    {.name = NULL},
};

static const struct schema_field provider_item = {
    .name = "provider", .type = SCHEMA_GROUP, .fields = provider_fields};
static const struct schema_field reply_item = {
    .name = "reply", .type = SCHEMA_GROUP, .fields = reply_fields};
static const struct schema_field file_fields[] = {
    {.name = "providers",
     .type = SCHEMA_LIST,
     .offset = offsetof(struct file, providers),
     .fallback = "",
     .fields = &provider_item,
     .item_size = sizeof(struct file_provider),
     .max = SHAPING_PROVIDERS_MAX},
    {.name = "replies",
     .type = SCHEMA_LIST,
     .offset = offsetof(struct file, replies),
     .fallback = "",
     .fields = &reply_item,
     .item_size = sizeof(struct file_reply),
     .max = SHAPING_REPLIES_MAX},
    {.name = "sources",
     .type = SCHEMA_LIST,
     .offset = offsetof(struct file, sources.sources),
     .fallback = "",
     .fields = &shaping_source_item,
     .item_size = sizeof(struct file_source),
     .max = SHAPING_SOURCES_MAX},
    {.name = "source_pools",
     .type = SCHEMA_LIST,
     .offset = offsetof(struct file, sources.pools),
     .fallback = "",
     .fields = &shaping_pool_item,
     .item_size = sizeof(struct file_pool),
     .max = SHAPING_POOLS_MAX},
    {.name = "warm_up_plans",
     .type = SCHEMA_LIST,
     .offset = offsetof(struct file, sources.plans),
     .fallback = "",
     .fields = &shaping_plan_item,
     .item_size = sizeof(struct file_plan),
     .max = SHAPING_PLANS_MAX},
    {.name = NULL},
};

static struct shaping shaping_of(struct arena *arena, const struct file *file)
{
    const struct file_provider *providers = file->providers.items;
    const struct file_reply *replies = file->replies.items;
    struct shaping s = {
        .providers = ARENA_ARRAY(arena, struct shaping_provider, file->providers.count),
        .provider_count = file->providers.count,
        .replies = ARENA_ARRAY(arena, struct shaping_reply, file->replies.count),
        .reply_count = file->replies.count,
    };

    for (size_t i = 0; i < s.provider_count; i++)
        s.providers[i] = (struct shaping_provider){
            .name = providers[i].name,
            .hosts = providers[i].hosts.items,
            .host_count = providers[i].hosts.count,
            .domains = providers[i].domains.items,
            .domain_count = providers[i].domains.count,
            .limits = providers[i].limits,
        };
    for (size_t i = 0; i < s.reply_count; i++) {
        s.replies[i] = replies[i].rule;
        s.replies[i].means += SHAPING_SLOW_DOWN; /* the schema counts from 0 */
        s.replies[i].action += SHAPING_NONE;
    }
    shaping_file_sources_of(arena, &file->sources, &s);
    return s;
}

static const char *provider_mistake(const struct shaping *s, size_t i)
{
    const struct shaping_provider *p = &s->providers[i];

    if (shaping_by_name(s, p->name) != p)
        return "is there already under this name; put the two together";
    if (p->host_count + p->domain_count == 0)
        return "would never apply; give it hosts or domains";
    if (p->limits.back_off_max_s && p->limits.back_off_min_s > p->limits.back_off_max_s)
        return "has a back_off_min longer than its back_off_max; exchange them";
    return NULL;
}

static const char *reply_mistake(const struct shaping *s, size_t i)
{
    const struct shaping_reply *r = &s->replies[i];

    if (r->code.size + r->status.size + r->text.size == 0)
        return "would fit every reply; give it a code, a status or a text";
    if (r->text.size > SHAPING_TEXT_BYTES_MAX)
        return "has a text of more than 255 bytes; a characteristic part of it will do";
    if (r->provider.size && !shaping_by_name(s, r->provider) && slice_find(r->provider, '.') < 0)
        return "names a provider that is not in this file; correct the name";
    return NULL;
}

/* What the table cannot say. */
static void check_together(const struct file *file, const struct shaping *s,
                           struct buffer *problems)
{
    const struct file_provider *providers = file->providers.items;
    const struct file_reply *replies = file->replies.items;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    for (size_t i = 0; i < s->provider_count; i++)
        if (provider_mistake(s, i))
            buffer_printf(problems, "%s:%zu: providers[%zu]: \"%.*s\" %s\n", file->path,
                          providers[i].line, i, SLICE_ARG(s->providers[i].name),
                          provider_mistake(s, i));
    for (size_t i = 0; i < s->reply_count; i++)
        if (reply_mistake(s, i))
            buffer_printf(problems, "%s:%zu: replies[%zu]: %s\n", file->path, replies[i].line, i,
                          reply_mistake(s, i));
    shaping_file_sources_check(file->path, &file->sources, s, problems);
    shaping_write(&body, s);
    if (body.size > LIMIT_FRAME_BYTES - IPC_HEADER_BYTES)
        buffer_printf(problems, "%s: is too long by %zu bytes; take out what is not needed\n",
                      file->path, body.size - (LIMIT_FRAME_BYTES - IPC_HEADER_BYTES));
}

int shaping_file_read(struct arena *arena, const char *path, struct slice text, struct shaping *ret,
                      struct buffer *problems)
{
    struct file file = {.path = path};
    size_t before = problems->size;
    struct shaping s;
    int r = schema_load(arena, path, text, file_fields, &file, problems);

    if (r < 0)
        return r;
    s = shaping_of(arena, &file);
    check_together(&file, &s, problems);
    if (problems->size > before)
        return -EINVAL;
    *ret = s;
    return 0;
}

static int read_file(const char *path, struct buffer *text, struct buffer *problems)
{
    int r = text_file_read(path, FILE_BYTES_MAX, text);

    if (r < 0)
        buffer_printf(problems,
                      "%s: cannot be read: %s; correct delivery.shaping_file, or let the "
                      "service's user read it\n",
                      path, strerror(-r));
    return r;
}

int shaping_file_load(struct arena *arena, const char *path, struct shaping *ret,
                      struct buffer *problems)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    int r;

    if (*path == 0)
        return shaping_file_read(arena, "shaping.yaml", slice_text(shaping_builtin), ret, problems);
    r = read_file(path, &text, problems);
    return r < 0 ? r : shaping_file_read(arena, path, buffer_slice(&text), ret, problems);
}
