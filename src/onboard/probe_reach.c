/* The server's name and its addresses: does each of them answer? */
#include "onboard/probe_inside.h"

#define OPEN_TO_ALL                                                                                \
    "Our addresses change, so a list of allowed addresses, or a filter by country, will not do."

static const char *family_name(const struct endpoint *address)
{
    return address->family == 6 ? "IPv6" : "IPv4";
}

static struct slice list_addresses(struct probe *p)
{
    struct slice text = SLICE_NONE;

    for (size_t i = 0; i < p->server.address_count; i++) {
        char address[ENDPOINT_TEXT_BYTES];

        endpoint_format_address(&p->server.addresses[i], address);
        text = arena_printf(p->arena, "%.*s%s%s", SLICE_ARG(text), i ? ", " : "", address);
    }
    return text;
}

static void no_address(struct probe *p, const struct route_failure *failure)
{
    struct slice seen = probe_escape(p, failure->text);

    if (!failure->permanent)
        probe_fail_for_now(p, PROBE_RESOLVE, "dns-trouble",
                           SLICE("The DNS gives no answer for the server's name."),
                           SLICE("Check the name servers of the domain; then test again."), seen);
    else if (slice_find_slice(failure->text, SLICE("must not")) >= 0)
        probe_fail(p, PROBE_RESOLVE, "not-public",
                   SLICE("The server's name leads to a private network, where we cannot reach it."),
                   SLICE("Give the name by which the server is known on the internet."), seen);
    else
        probe_fail(p, PROBE_RESOLVE, "no-address",
                   SLICE("The server's name does not exist, or has no address."),
                   SLICE("Check the spelling of the server's name."), seen);
}

int probe_resolve(struct task *t, struct probe *p)
{
    const struct route_options options = {
        .hostname = p->service->hostname,
        .next_hop =
            arena_printf(p->arena, "%.*s:%u", SLICE_ARG(p->account->host), p->account->port),
        .policy = p->service->policy,
    };
    struct route route;
    int r = route_find(t, p->arena, &options, p->account->host, &route);

    if (r < 0)
        return r;
    if (route.host_count == 0) {
        no_address(p, &route.failure);
        return 0;
    }
    p->server = route.hosts[0];
    probe_pass(p, PROBE_RESOLVE, SLICE("The server's name leads to public addresses."),
               list_addresses(p));
    return 0;
}

/* One address, knocked at beside the others. */
struct knock {
    const struct endpoint *address;
    int r; /* as stream_connect */
};

static int knock(struct task *t, void *argument)
{
    CLEANUP(stream_free_pointer) struct stream *s = NULL;
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, PROBE_CONNECT_US);
    struct knock *k = argument;

    k->r = stream_connect(t, NULL, k->address, &s);
    return 0;
}

/* We have no way there at all: that says nothing about the server. */
static bool is_ours(const struct knock *k)
{
    return k->r == -ENETUNREACH || k->r == -EADDRNOTAVAIL || k->r == -EAFNOSUPPORT;
}

static const char *knock_words(const struct knock *k)
{
    return k->r == 0               ? "answers"
           : k->r == -ECONNREFUSED ? "refuses the connection"
           : k->r == -ETIMEDOUT    ? "does not answer"
           : is_ours(k) ? "cannot be reached from this machine, which has no such network"
                        : strerror(-k->r);
}

static struct slice describe(struct probe *p, const struct knock *knocks, size_t count)
{
    struct slice text = SLICE_NONE;

    for (size_t i = 0; i < count; i++) {
        char address[ENDPOINT_TEXT_BYTES];

        endpoint_format_address(knocks[i].address, address);
        text = arena_printf(p->arena, "%.*s%s%s %s %s", SLICE_ARG(text), i ? "; " : "",
                            family_name(knocks[i].address), address, knock_words(&knocks[i]));
    }
    return text;
}

static void nobody_answers(struct probe *p, const struct knock *knocks, size_t count)
{
    struct slice seen = describe(p, knocks, count);
    bool refused = false;

    for (size_t i = 0; i < count; i++)
        refused |= knocks[i].r == -ECONNREFUSED;
    if (refused)
        probe_fail_for_now(
            p, PROBE_CONNECT, "refused",
            arena_printf(p->arena, "The server refuses connections at port %u.", p->account->port),
            SLICE("Check the port (587 for STARTTLS, 465 for TLS), and that the service runs and "
                  "the firewall lets everybody in at this port. " OPEN_TO_ALL),
            seen);
    else
        probe_fail_for_now(
            p, PROBE_CONNECT, "dropped",
            arena_printf(p->arena, "Nothing answers at port %u: a firewall seems to drop us.",
                         p->account->port),
            SLICE("Check the port, and that the firewall lets everybody in at it. " OPEN_TO_ALL),
            seen);
}

/* Some do not answer: whoever chooses one of those first, waits. */
static void some_answer(struct probe *p, const struct knock *knocks, size_t count)
{
    probe_warn(
        p, PROBE_CONNECT, "partly", SLICE("The server does not answer at all of its addresses."),
        SLICE("Mend the address that does not answer, or take it out of the DNS. " OPEN_TO_ALL),
        describe(p, knocks, count));
}

static void keep_answering(struct probe *p, const struct knock *knocks, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (knocks[i].r == 0)
            p->server.addresses[kept++] = *knocks[i].address;
    p->server.address_count = kept;
}

static int knock_at_all(struct task *t, struct probe *p, struct knock *knocks)
{
    CLEANUP(scope_close) struct scope scope;
    int r = 0;

    scope_open(&scope, t);
    for (size_t i = 0; i < p->server.address_count && r == 0; i++) {
        knocks[i] = (struct knock){&p->server.addresses[i], -ETIMEDOUT};
        r = scope_spawn(&scope, "knock", knock, &knocks[i]);
    }
    return r == 0 ? scope_wait(t, &scope) : r;
}

int probe_connect(struct task *t, struct probe *p)
{
    struct knock knocks[LIMIT_HOST_ADDRESSES];
    size_t count = p->server.address_count, answering = 0, silent = 0;
    int r = knock_at_all(t, p, knocks);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        answering += knocks[i].r == 0;
        silent += knocks[i].r != 0 && !is_ours(&knocks[i]);
    }
    if (answering == 0)
        nobody_answers(p, knocks, count);
    else if (silent)
        some_answer(p, knocks, count);
    else
        probe_pass(p, PROBE_CONNECT, SLICE("The server answers."), describe(p, knocks, count));
    keep_answering(p, knocks, count);
    return 0;
}
