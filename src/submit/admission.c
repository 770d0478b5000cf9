#include "submit/admission.h"

void submit_admission_init(struct submit_admission *a, const struct submit_admission_limits *limits)
{
    *a = (struct submit_admission){.limits = *limits};
    list_init(&a->seats);
}

static bool same_party(const struct endpoint *a, const struct endpoint *b)
{
    if (a->family != b->family)
        return false;
    return !memcmp(a->address, b->address, a->family == 6 ? 8 : 4);
}

static size_t count_address(const struct submit_admission *a, const struct endpoint *address)
{
    size_t count = 0;

    LIST_FOREACH (link, &a->seats)
        count += same_party(&LIST_ENTRY(link, struct submit_seat, link)->address, address);
    return count;
}

static size_t count_site(const struct submit_admission *a, uint64_t site_id)
{
    size_t count = 0;

    LIST_FOREACH (link, &a->seats)
        count += LIST_ENTRY(link, struct submit_seat, link)->site_id == site_id;
    return count;
}

/* Everyone is a stranger at first: the reserved places are what strangers leave free. */
static size_t strangers_max(const struct submit_admission *a)
{
    return a->limits.connections_max - a->limits.connections_max / 4;
}

int submit_admission_enter(struct submit_admission *a, struct submit_seat *seat,
                           const struct endpoint *address)
{
    if (a->anonymous >= strangers_max(a) || a->count >= a->limits.connections_max)
        return -EUSERS;
    if (count_address(a, address) >= a->limits.per_address_max)
        return -EDQUOT;

    *seat = (struct submit_seat){.admission = a, .address = *address};
    list_add_last(&a->seats, &seat->link);
    a->count++;
    a->anonymous++;
    return 0;
}

int submit_admission_login(struct submit_seat *seat, uint64_t site_id)
{
    struct submit_admission *a = seat->admission;

    assert(site_id && !seat->site_id);
    if (count_site(a, site_id) >= a->limits.per_site_max)
        return -EDQUOT;
    seat->site_id = site_id;
    a->anonymous--;
    return 0;
}

void submit_admission_leave(struct submit_seat *seat)
{
    if (!list_linked(&seat->link))
        return;
    list_remove(&seat->link);
    seat->admission->count--;
    seat->admission->anonymous -= !seat->site_id;
}

bool submit_admission_crowded(const struct submit_admission *a)
{
    return a->anonymous >= strangers_max(a) - strangers_max(a) / 4;
}
