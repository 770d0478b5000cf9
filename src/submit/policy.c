#include "submit/policy.h"

#include <ctype.h>

enum { LISTED_BYTES_MAX = 300 }; /* of addresses in a refusal: a reply line has 512 bytes at most */

/* Local parts without case: one more spelling of an address that the site has named is no harm. */
static bool is_outgoing(const struct directory_site *site, const struct address *address)
{
    CLEANUP(buffer_done) struct buffer canonical = BUFFER_NONE;

    if (site->any_address)
        return true;
    wire_address_format(&canonical, address);
    for (size_t i = 0; i < site->outgoing_address_count; i++) {
        if (slice_equal_nocase(site->outgoing_addresses[i], buffer_slice(&canonical)))
            return true;
    }
    return false;
}

/* Through the client's own account, and as nothing but what that account sends as: the client's
 * server answers for it, no DNS record of ours has to (docs/decisions/0037). */
static bool is_of_relay(const struct directory_site *site, const struct address *address,
                        struct slice *ret_why)
{
    CLEANUP(buffer_done) struct buffer canonical = BUFFER_NONE;

    if (!site->relay) {
        *ret_why = SLICE("The SMTP account of your site has not been set up yet");
        return false;
    }
    wire_address_format(&canonical, address);
    *ret_why = SLICE("Your site sends through its SMTP account, and only as its outgoing address");
    return slice_equal_nocase(site->relay->outgoing_address, buffer_slice(&canonical));
}

bool submit_policy_allows(const struct directory_site *site, const struct address *address,
                          bool shown, struct slice *ret_why)
{
    const struct directory_identity *identity = NULL;

    *ret_why = SLICE_NONE;
    if (site->method == SITE_METHOD_SMTP)
        return is_of_relay(site, address, ret_why);
    if (!address->literal)
        identity = directory_identity_for(site, address->domain);
    if (!identity)
        return false;
    if (!identity->sending) {
        *ret_why = identity->why_not;
        return false;
    }
    return !shown || is_outgoing(site, address);
}

/* What is being gathered while a message is judged. */
struct refusal {
    struct buffer list; /* "a@b, c@d" */
    struct slice why;
    bool cut;
};

/* Printable ASCII only: a reply must not carry what a stranger chose to a terminal or a log. */
static void add_harmless(struct buffer *out, const struct address *address)
{
    CLEANUP(buffer_done) struct buffer canonical = BUFFER_NONE;

    wire_address_format(&canonical, address);
    for (size_t i = 0; i < canonical.size; i++)
        buffer_add_byte(out, isprint((unsigned char)canonical.data[i]) ? canonical.data[i] : '?');
}

static void add_refused(struct refusal *refusal, const struct address *address, struct slice why)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    if (!refusal->why.size)
        refusal->why = why;
    add_harmless(&text, address);
    if (slice_find_slice(buffer_slice(&refusal->list), buffer_slice(&text)) >= 0)
        return;
    if (refusal->list.size + text.size > LISTED_BYTES_MAX && refusal->list.size) {
        refusal->cut = true;
        return;
    }
    if (refusal->list.size)
        buffer_add(&refusal->list, SLICE(", "));
    buffer_add(&refusal->list, buffer_slice(&text));
}

static void judge_one(const struct directory_site *site, const struct address *address, bool shown,
                      struct refusal *refusal)
{
    struct slice why;

    if (!submit_policy_allows(site, address, shown, &why))
        add_refused(refusal, address, why);
}

static struct slice upper_case(struct arena *arena, struct slice s)
{
    struct slice copy = arena_copy(arena, s);
    char *bytes = (char *)(uintptr_t)copy.data;

    for (size_t i = 0; i < copy.size; i++)
        bytes[i] = (char)toupper((unsigned char)bytes[i]);
    return copy;
}

/* The first line is what Amazon SES says, which applications look for; the second says what to
 * do. */
static struct wire_reply write_refusal(struct arena *arena, const struct refusal *refusal,
                                       struct slice region)
{
    struct slice why = refusal->why;
    struct slice text;

    if (!why.size)
        why = SLICE("Each of these must be covered by a verified identity of your site");
    text =
        arena_printf(arena,
                     "Message rejected: Email address is not verified. The following "
                     "identities failed the check in region %.*s: %.*s%s\n%.*s",
                     SLICE_ARG(upper_case(arena, region)), SLICE_ARG(buffer_slice(&refusal->list)),
                     refusal->cut ? "..." : "", SLICE_ARG(why));
    return (struct wire_reply){554, "5.7.1", text.data};
}

bool submit_policy_judge(struct arena *arena, const struct directory_site *site,
                         const struct wire_from *from, const struct address *envelope_from,
                         struct slice region, struct wire_reply *ret_refusal)
{
    struct refusal refusal = {.list = BUFFER_NONE};

    judge_one(site, &from->from.address, true, &refusal);
    for (size_t i = 0; i < from->claim_count; i++)
        judge_one(site, &from->claims[i].mailbox.address, true, &refusal);
    if (!wire_address_is_null(envelope_from))
        judge_one(site, envelope_from, false, &refusal);

    bool allowed = refusal.list.size == 0;
    if (!allowed)
        *ret_refusal = write_refusal(arena, &refusal, region);
    buffer_done(&refusal.list);
    return allowed;
}
