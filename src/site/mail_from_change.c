#include "site/mail_from_change.h"

#include "site/domain.h"
#include "site/identity.h"

const char *const mail_from_behaviours[] = {MAIL_FROM_DEFAULT, MAIL_FROM_REJECT, NULL};

static bool is_below(struct slice domain, struct slice upper)
{
    return domain.size > upper.size + 1 && domain.data[domain.size - upper.size - 1] == '.' &&
           slice_ends_nocase(domain, upper);
}

static int refuse_place(struct control_call *call, struct slice domain)
{
    return control_refuse(call, CONTROL_INVALID, "mail_from",
                          "Name one such as bounce.library.example that the site does not send as.",
                          "%.*s is no subdomain of a domain of this site.", SLICE_ARG(domain));
}

/* Below one of the site's domains, and none of them itself: the MX record of a domain that people
 * write to must not lead here. */
static int check_place(struct control_call *call, struct store *s, struct arena *arena,
                       int64_t site_id, struct slice domain)
{
    struct identity *identities;
    size_t count, below = 0;
    int r = identity_list(s, arena, site_id, &identities, &count);

    for (size_t i = 0; i < count && r == 0; i++) {
        below += is_below(domain, identities[i].domain);
        if (slice_equal(domain, identities[i].domain))
            return refuse_place(call, domain);
    }
    return r < 0 ? r : below ? 0 : refuse_place(call, domain);
}

static int read_domain(struct control_call *call, struct store *s, struct arena *arena,
                       int64_t site_id, struct slice *ret)
{
    const char *why;

    if (site_domain_normalise(arena, control_text(call, "mail_from"), ret, &why) < 0)
        return control_refuse(call, CONTROL_INVALID, "mail_from",
                              "Name a domain such as bounce.library.example.", "%s", why);
    return check_place(call, s, arena, site_id, *ret);
}

/* Only the behaviour may be changed where there is a domain already. */
static int check_there_is_one(struct control_call *call, struct store *s, struct arena *arena,
                              int64_t site_id)
{
    struct mail_from row;
    int r = mail_from_find(s, arena, site_id, &row);

    if (r != -ENOENT)
        return r;
    return control_refuse(call, CONTROL_INVALID, "mail_from_failure",
                          "Name the domain with --mail-from as well.",
                          "The site has no MAIL FROM domain.");
}

int mail_from_change_read(struct control_call *call, struct store *s, struct arena *arena,
                          int64_t site_id, struct mail_from_change *ret)
{
    bool named = control_text(call, "mail_from").size > 0;
    struct mail_from_change change = {
        .remove = control_flag(call, "no_mail_from"),
        .on_failure = arena_copy(arena, control_text(call, "mail_from_failure")),
    };
    int r = 0;

    change.given = named || change.remove || change.on_failure.size;
    if (change.remove && (named || change.on_failure.size))
        return control_refuse(call, CONTROL_INVALID, "no_mail_from", "Give one or the other.",
                              "A MAIL FROM domain is named and taken away at once.");
    if (named)
        r = read_domain(call, s, arena, site_id, &change.domain);
    else if (change.on_failure.size)
        r = check_there_is_one(call, s, arena, site_id);
    if (r == 0)
        *ret = change;
    return r;
}

static int put(struct store *s, struct arena *arena, int64_t site_id,
               const struct mail_from_change *change, int64_t now_us)
{
    struct mail_from row = {.on_failure = SLICE(MAIL_FROM_DEFAULT)};
    int r = mail_from_find(s, arena, site_id, &row);

    if (r < 0 && r != -ENOENT)
        return r;
    if (change->domain.size) { /* named again it begins anew, as with SES */
        row.domain = change->domain;
        row.state = SLICE("PENDING");
        row.since_us = now_us;
        row.why = SLICE("Its records have not been looked at yet.");
        row.next_step = SLICE("They are looked at in a moment.");
        row.trouble = SLICE_NONE;
        row.checked_us = 0;
        row.next_check_us = now_us;
    }
    row.site_id = site_id;
    if (change->on_failure.size)
        row.on_failure = change->on_failure;
    return mail_from_save(s, &row);
}

int mail_from_change_apply(struct store *s, struct arena *arena, int64_t site_id,
                           const struct mail_from_change *change, int64_t now_us)
{
    if (!change->given)
        return 0;
    return change->remove ? mail_from_remove(s, site_id) : put(s, arena, site_id, change, now_us);
}
