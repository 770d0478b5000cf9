#include "site/senders.h"

#include "site/identity.h"
#include "wire/address.h"

const char *const senders_words[] = {"listed", "any", NULL};

int senders_any(struct store *s, int64_t site_id)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SENDERS_ANY);
    int r;

    query_bind_int(&q, site_id);
    r = query_step(&q);
    return r == 1 ? query_int(&q, 0) != 0 : r;
}

int senders_set_any(struct store *s, int64_t site_id, bool any)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SENDERS_SET_ANY);

    query_bind_int(&q, site_id);
    query_bind_int(&q, any);
    return query_run(&q);
}

static bool is_covered(const struct identity *identity, struct slice domain)
{
    size_t own = identity->domain.size;

    if (slice_equal(identity->domain, domain))
        return true;
    return identity->covers_subdomains && domain.size > own + 1 &&
           domain.data[domain.size - own - 1] == '.' && slice_ends_nocase(domain, identity->domain);
}

static int read_address(struct control_call *call, struct arena *arena, size_t i,
                        const struct identity *identities, size_t count, struct slice *ret)
{
    struct slice text = control_texts_at(call, "from", i);
    const char *place = arena_printf(arena, "from[%zu]", i).data;
    struct wire_error error;
    struct address address;

    if (wire_address_parse(arena, text, WIRE_ADDRESS_UTF8, &address, &error) < 0)
        return control_refuse(call, CONTROL_INVALID, place,
                              "Give an address such as info@example.org.",
                              "\"%.*s\" is not a mail address: %s.", SLICE_ARG(text), error.what);
    *ret = wire_address_text(arena, &address);
    for (size_t k = 0; k < count; k++)
        if (is_covered(&identities[k], address.domain))
            return 0;
    return control_refuse(call, CONTROL_INVALID, place,
                          "letterhead site show lists the domains that it may send as.",
                          "\"%.*s\" is not an address of the site's domain.", SLICE_ARG(text));
}

static int read_addresses(struct control_call *call, struct store *s, struct arena *arena,
                          const struct site *site, struct senders_change *change)
{
    size_t wanted = control_texts_count(call, "from"), count;
    struct identity *identities;
    int r = identity_list(s, arena, site->id, &identities, &count);

    change->addresses = ARENA_ARRAY(arena, struct slice, wanted);
    for (size_t i = 0; i < wanted && r == 0; i++)
        r = read_address(call, arena, i, identities, count, &change->addresses[i]);
    change->address_count = wanted;
    return r;
}

/* A site without listed addresses cannot be confined to them. */
static int judge_listed(struct control_call *call, struct store *s, struct arena *arena,
                        const struct site *site, const struct senders_change *change)
{
    struct slice *addresses;
    size_t count = change->address_count;
    int r = count ? 0 : site_outgoing_addresses(s, arena, site->id, &addresses, &count);

    if (r < 0 || count || change->any)
        return r;
    return control_refuse(call, CONTROL_INVALID, "senders", "Add --from info@example.org.",
                          "The site has no addresses listed that it could be confined to.");
}

int senders_change_read(struct control_call *call, struct store *s, struct arena *arena,
                        const struct site *site, struct senders_change *ret)
{
    struct slice word = control_text(call, "senders");
    int r;

    *ret = (struct senders_change){.given = word.size > 0 || control_texts_count(call, "from"),
                                   .any = slice_equal(word, SLICE("any"))};
    if (!ret->given)
        return 0;
    if (site->method == SITE_METHOD_SMTP)
        return control_refuse(call, CONTROL_REFUSED, "senders",
                              "letterhead relay set changes that address.",
                              "A site of method smtp sends as the one address of its account.");
    r = read_addresses(call, s, arena, site, ret);
    return r < 0 ? r : judge_listed(call, s, arena, site, ret);
}

static int remove_all(struct store *s, int64_t site_id)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OUTGOING_ADDRESS_REMOVE_ALL);

    query_bind_int(&q, site_id);
    return query_run(&q);
}

int senders_change_apply(struct store *s, int64_t site_id, const struct senders_change *change)
{
    int r = change->given ? senders_set_any(s, site_id, change->any) : 0;

    if (r == 0 && change->address_count)
        r = remove_all(s, site_id);
    for (size_t i = 0; i < change->address_count && r == 0; i++) {
        r = site_add_outgoing_address(s, site_id, change->addresses[i]);
        if (r == -EEXIST) /* given twice */
            r = 0;
    }
    return r;
}
