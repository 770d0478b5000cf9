#include "deliver/route.h"

#include "runtime/world.h"

void route_destination(const struct route_options *options, struct slice domain,
                       struct buffer *ret_key)
{
    buffer_add(ret_key, options->next_hop.size ? options->next_hop : domain);
}

static void fail(struct route *route, bool permanent, uint8_t subject, uint8_t detail,
                 struct slice text)
{
    route->host_count = 0;
    route->failure = (struct route_failure){permanent, {permanent ? 5 : 4, subject, detail}, text};
}

size_t route_order_mx(struct dns_record *records, size_t count, struct slice hostname,
                      uint32_t (*random)(void *context), void *context)
{
    uint32_t own = UINT32_MAX;
    size_t kept = 0;

    for (size_t i = count; i > 1;
         i--) { /* a fair shuffle; the stable sort below keeps it among equals */
        size_t other = random(context) % i;
        struct dns_record swap = records[i - 1];

        records[i - 1] = records[other];
        records[other] = swap;
    }
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && records[j].preference < records[j - 1].preference; j--) {
            struct dns_record swap = records[j];

            records[j] = records[j - 1];
            records[j - 1] = swap;
        }
    for (size_t i = 0; i < count; i++)
        if (slice_equal_nocase(records[i].name, hostname) && records[i].preference < own)
            own = records[i].preference;
    for (size_t i = 0; i < count; i++)
        if (records[i].preference < own)
            records[kept++] = records[i];
    return kept;
}

static void add_addresses(struct route_host *host, const struct dns_answer *answer,
                          const struct route_options *options, uint16_t port, size_t *refused)
{
    for (size_t i = 0; i < answer->count && host->address_count < LIMIT_HOST_ADDRESSES; i++) {
        struct endpoint address = answer->records[i].address;

        address.port = port;
        if (address_policy_allows(&options->policy, &address))
            host->addresses[host->address_count++] = address;
        else
            (*refused)++;
    }
}

struct lookup {
    size_t refused; /* addresses the policy does not allow */
    bool temporary; /* some question got no answer */
    struct slice why;
};

/* All addresses of a host, IPv6 first as the system's own choice would be (RFC 6724). */
static int find_addresses(struct task *t, struct arena *arena, const struct route_options *options,
                          uint16_t port, struct route_host *host, struct lookup *lookup)
{
    static const enum dns_type types[] = {DNS_AAAA, DNS_A};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct dns_answer answer;
        int r = resolver_query(t, arena, host->name, types[i], &answer);

        if (r == -EINVAL)
            continue;
        if (r < 0)
            return r;
        if (answer.status == DNS_FOUND) {
            host->secure = answer.secure && (host->secure || host->canonical.size == 0);
            host->canonical = answer.canonical;
            add_addresses(host, &answer, options, port, &lookup->refused);
        }
        if (answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS) {
            lookup->temporary = true;
            lookup->why = answer.why;
        }
    }
    return 0;
}

/* Keeps the hosts that have an address; says why when none has. */
static int find_hosts(struct task *t, struct arena *arena, const struct route_options *options,
                      const struct dns_record *records, size_t count, uint16_t port,
                      struct route *route)
{
    struct lookup lookup = {0};

    route->hosts = ARENA_ARRAY(arena, struct route_host, count);
    for (size_t i = 0; i < count; i++) {
        struct route_host *host = &route->hosts[route->host_count];
        int r;

        *host = (struct route_host){.name = records[i].name, .preference = records[i].preference};
        r = find_addresses(t, arena, options, port, host, &lookup);
        if (r < 0)
            return r;
        if (host->address_count)
            route->host_count++;
    }
    if (route->host_count)
        return 0;
    if (lookup.temporary)
        fail(route, false, 4, 3,
             arena_printf(arena, "DNS gave no answer for %.*s: %.*s", SLICE_ARG(records[0].name),
                          SLICE_ARG(lookup.why)));
    else if (lookup.refused)
        fail(route, true, 4, 4,
             arena_printf(arena, "%.*s has only addresses that mail must not be sent to",
                          SLICE_ARG(records[0].name)));
    else
        fail(route, true, 4, 4,
             arena_printf(arena, "%.*s has no address", SLICE_ARG(records[0].name)));
    return 0;
}

static uint32_t world_dice(void *context)
{
    uint32_t value;

    world_random(context, &value, sizeof value);
    return value;
}

/* MX records were found: null MX, ourselves, or hosts to ask for their addresses. */
static int route_by_mx(struct task *t, struct arena *arena, const struct route_options *options,
                       struct slice domain, struct dns_answer *answer, struct route *route)
{
    size_t count;

    if (answer->count == 1 &&
        (answer->records[0].name.size == 0 || slice_equal(answer->records[0].name, SLICE(".")))) {
        /* RFC 7505 §3 */
        fail(route, true, 1, 10,
             arena_printf(arena, "%.*s says that it takes no mail (null MX)", SLICE_ARG(domain)));
        return 0;
    }
    count = route_order_mx(answer->records, answer->count, options->hostname, world_dice,
                           task_world(t));
    if (count == 0) {
        fail(route, true, 4, 6,
             arena_printf(arena, "the MX of %.*s is this very gateway: mail would loop",
                          SLICE_ARG(domain)));
        return 0;
    }
    if (count > LIMIT_MX_HOSTS)
        count = LIMIT_MX_HOSTS;
    return find_hosts(t, arena, options, answer->records, count, options->port, route);
}

static int route_by_domain(struct task *t, struct arena *arena, const struct route_options *options,
                           struct slice domain, struct route *route)
{
    struct dns_answer answer;
    int r = resolver_query(t, arena, domain, DNS_MX, &answer);

    if (r == -EINVAL) {
        fail(route, true, 1, 2,
             arena_printf(arena, "%.*s is not a domain name", SLICE_ARG(domain)));
        return 0;
    }
    if (r < 0)
        return r;
    route->secure = answer.secure;
    switch (answer.status) {
    case DNS_FOUND:
        return route_by_mx(t, arena, options, domain, &answer, route);
    case DNS_NO_DATA: /* RFC 5321 §5.1: the domain itself is then the host */
        return find_hosts(t, arena, options, &(struct dns_record){.name = domain}, 1, options->port,
                          route);
    case DNS_NO_NAME:
        fail(route, true, 1, 2,
             arena_printf(arena, "the domain %.*s does not exist", SLICE_ARG(domain)));
        return 0;
    case DNS_TEMPORARY:
    case DNS_BOGUS:
        fail(route, false, 4, 3,
             arena_printf(arena, "DNS gave no answer for the MX of %.*s: %.*s", SLICE_ARG(domain),
                          SLICE_ARG(answer.why)));
        return 0;
    }
    return -EINVAL;
}

static int route_by_next_hop(struct task *t, struct arena *arena,
                             const struct route_options *options, struct route *route)
{
    ssize_t colon = slice_find_last(options->next_hop, ':');
    struct slice name = slice_part(options->next_hop, 0, colon < 0 ? 0 : (size_t)colon);
    struct endpoint literal;
    uint64_t port;

    if (endpoint_parse(options->next_hop, &literal) == 0) {
        route->hosts = ARENA_NEW(arena, struct route_host);
        route->hosts[0] =
            (struct route_host){.name = name, .addresses = {literal}, .address_count = 1};
        route->host_count = 1;
        if (!address_policy_allows(&options->policy, &literal))
            fail(route, false, 4, 4,
                 SLICE("delivery.next_hop is not among delivery.allow_networks"));
        return 0;
    }
    if (slice_to_u64(slice_part(options->next_hop, name.size + 1, options->next_hop.size), 65535,
                     &port) < 0) {
        fail(route, false, 3, 5, SLICE("delivery.next_hop is not \"host:port\""));
        return 0;
    }
    return find_hosts(t, arena, options, &(struct dns_record){.name = name}, 1, (uint16_t)port,
                      route);
}

int route_find(struct task *t, struct arena *arena, const struct route_options *options,
               struct slice destination, struct route *ret)
{
    *ret = (struct route){.hosts = NULL};
    if (options->next_hop.size)
        return route_by_next_hop(t, arena, options, ret);
    return route_by_domain(t, arena, options, destination, ret);
}

int route_find_host(struct task *t, struct arena *arena, const struct route_options *options,
                    struct slice host, uint16_t port, struct route *ret)
{
    *ret = (struct route){.hosts = NULL};
    return find_hosts(t, arena, options, &(struct dns_record){.name = host}, 1, port, ret);
}
