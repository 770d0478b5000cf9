/* What delivery knows of relays: names, limits, how much of an account's day is used, and whether
 * there is trouble with it. */
#include "base/log.h"
#include "deliver/inside.h"
#include "runtime/world.h"

#include <stdlib.h>

static const int64_t DAY_US = 86400 * (int64_t)SECOND_US;
/* A provider that says "enough" and whose day is not known is asked again after so long. */
static const int64_t CLOSED_MIN_US = 3600 * (int64_t)SECOND_US;

enum { REST_MIN_S = 10, REST_MAX_S = 30 };

#define PREFIX "relay:"

bool relay_is_key(struct slice key)
{
    return slice_starts(key, SLICE(PREFIX));
}

/* Of a destination or a pool; 0: of neither. */
static uint64_t site_of_key(struct slice key)
{
    struct slice rest = slice_part(key, sizeof PREFIX - 1, key.size), number;
    uint64_t site_id;

    if (!relay_is_key(key))
        return 0;
    (void)slice_cut(&rest, ':', &number);
    return slice_to_u64(number, UINT64_MAX, &site_id) < 0 ? 0 : site_id;
}

static const struct directory_site *site_of(const struct deliver *d, uint64_t site_id)
{
    const struct directory *directory = d->options->sign.directory;

    return directory ? directory_site_by_id(directory, site_id) : NULL;
}

bool relay_is_wanted(const struct deliver *d, uint64_t site_id)
{
    const struct directory_site *site = site_of(d, site_id);

    return site && site->method == SITE_METHOD_SMTP;
}

void relay_key_write(uint64_t site_id, struct buffer *ret)
{
    buffer_printf(ret, PREFIX "%llu", (unsigned long long)site_id);
}

const struct directory_relay *relay_of_key(const struct deliver *d, struct slice key)
{
    const struct directory_site *site = site_of(d, site_of_key(key));

    return site && site->method == SITE_METHOD_SMTP ? site->relay : NULL;
}

static void write_pool(struct slice destination, uint64_t version, struct buffer *ret)
{
    buffer_printf(ret, "%.*s:%llu", SLICE_ARG(destination), (unsigned long long)version);
}

struct provider *relay_provider_get(struct deliver *d, struct slice destination)
{
    CLEANUP(buffer_done) struct buffer name = BUFFER_NONE;
    const struct directory_relay *relay = relay_of_key(d, destination);

    write_pool(destination, relay ? relay->version : 0, &name);
    return provider_get(d, buffer_slice(&name));
}

struct shaping_limits relay_limits(const struct deliver *d, struct slice pool)
{
    const struct directory_relay *relay = relay_of_key(d, pool);
    const struct share *share = &d->options->share;
    struct shaping_limits limits = {.connections_max = 1,
                                    .messages_per_connection_max = 1,
                                    .back_off_min_s = REST_MIN_S,
                                    .back_off_max_s = REST_MAX_S};

    if (!relay)
        return limits;
    limits.connections_max = share_of(share, relay->connections_max);
    limits.messages_per_connection_max = relay->messages_per_connection_max;
    limits.messages_per_minute_max = share_of(share, relay->messages_per_minute_max);
    return limits;
}

char *relay_why_not(const struct deliver *d, struct slice destination)
{
    const struct directory_relay *relay = relay_of_key(d, destination);
    struct slice why;

    if (!relay)
        return base_duplicate("none has been set up (letterhead relay set)");
    if (relay->sending)
        return NULL;
    why = relay->why_not;
    while (why.size && why.data[why.size - 1] == '.')
        why.size--;
    return slice_duplicate(why);
}

static void set_text(char **text, struct slice value)
{
    free(*text);
    *text = value.size ? slice_duplicate(slice_part(value, 0, QUEUE_TEXT_BYTES)) : NULL;
}

static uint64_t hash_of(uint64_t site_id)
{
    return table_hash(slice_of(&site_id, sizeof site_id));
}

static struct account *find_account(const struct deliver *d, uint64_t site_id)
{
    struct table_item *item = table_find(&d->accounts_by_site, hash_of(site_id));

    for (; item; item = table_find_more(item)) {
        struct account *a = CONTAINER_OF(item, struct account, item);

        if (a->site_id == site_id)
            return a;
    }
    return NULL;
}

/* What was known of an older account does not hold for this one, but its day goes on. */
static void take_over(struct account *a, const struct directory_relay *relay)
{
    bool first = a->version == 0;

    a->relay_id = relay->id;
    a->version = relay->version;
    a->proved = false;
    a->refusals = 0;
    a->good_us = relay->good_us;
    a->closed_until_us = relay->closed_until_us;
    set_text(&a->closed_why, relay->closed_why);
    set_text(&a->trouble, SLICE_NONE);
    if (first) {
        a->day_us = relay->day_us;
        a->recipients = relay->recipients;
    }
    a->day_max = relay->recipients_per_day_max;
}

struct account *account_get(struct deliver *d, struct slice destination)
{
    const struct directory_relay *relay = relay_of_key(d, destination);
    uint64_t site_id = site_of_key(destination);
    struct account *a = find_account(d, site_id);

    if (!a) {
        a = base_allocate(sizeof *a);
        a->site_id = site_id;
        list_add_last(&d->accounts, &a->link);
        table_add(&d->accounts_by_site, &a->item, hash_of(site_id));
    }
    if (relay && relay->version != a->version)
        take_over(a, relay);
    return a;
}

void accounts_done(struct deliver *d)
{
    LIST_FOREACH_SAFE (link, &d->accounts) {
        struct account *a = LIST_ENTRY(link, struct account, link);

        list_remove(&a->link);
        free(a->closed_why);
        free(a->trouble);
        free(a);
    }
    table_done(&d->accounts_by_site);
}

static void tell_soon(struct deliver *d, struct account *a)
{
    a->news = true;
    condition_broadcast(&d->accounts_changed);
}

static uint64_t day_max(const struct deliver *d, const struct account *a)
{
    return share_of(&d->options->share, a->day_max);
}

static void begin_day(struct account *a, int64_t now_us)
{
    if (a->day_us && now_us >= a->day_us && now_us < a->day_us + DAY_US)
        return;
    a->day_us = 0;
    a->recipients = 0;
}

static void close_day(struct deliver *d, struct account *a, int64_t until_us, struct slice why)
{
    a->closed_until_us = until_us;
    set_text(&a->closed_why, why);
    log_info("nothing more goes through the SMTP account of site %llu today: %s",
             (unsigned long long)a->site_id, a->closed_why);
    tell_soon(d, a);
}

void account_close(struct work *w, struct account *a, struct slice why)
{
    int64_t now_us = world_wall_us(w->deliver->world), until_us = now_us + CLOSED_MIN_US;

    if (a->day_us && a->day_us + DAY_US > until_us)
        until_us = a->day_us + DAY_US;
    close_day(w->deliver, a, until_us, why);
}

/* A clock that was set back does not close an account for longer than a day. */
static int64_t closed_for_us(struct account *a, int64_t now_us)
{
    if (a->closed_until_us > now_us + DAY_US)
        a->closed_until_us = now_us + DAY_US;
    return a->closed_until_us > now_us ? a->closed_until_us - now_us : 0;
}

bool account_is_open(struct work *w, struct account *a, size_t recipients)
{
    struct deliver *d = w->deliver;
    int64_t now_us = world_wall_us(d->world), closed_us;

    begin_day(a, now_us);
    if (a->day_max && a->recipients && a->recipients + recipients > day_max(d, a) &&
        closed_for_us(a, now_us) == 0) {
        CLEANUP(buffer_done) struct buffer why = BUFFER_NONE;

        buffer_printf(&why, "the account may have %llu recipients in 24 hours%s, and has had %llu",
                      (unsigned long long)day_max(d, a),
                      d->options->share.count > 1 ? " from this gateway" : "",
                      (unsigned long long)a->recipients);
        close_day(d, a, a->day_us + DAY_US, buffer_slice(&why));
    }
    closed_us = closed_for_us(a, now_us);
    if (closed_us == 0)
        return true;
    provider_back_off(w->provider, (uint64_t)closed_us / SECOND_US + 1, world_now_us(d->world),
                      slice_text(a->closed_why));
    return false;
}

void account_note_sent(struct work *w, struct account *a, size_t recipients)
{
    int64_t now_us = world_wall_us(w->deliver->world);

    if (recipients == 0)
        return;
    begin_day(a, now_us);
    if (a->day_us == 0)
        a->day_us = now_us;
    a->recipients += recipients;
    condition_broadcast(&w->deliver->accounts_changed);
}

void account_works(struct deliver *d, struct account *a)
{
    a->proved = true;
    a->refusals = 0;
    if (!a->trouble)
        return;
    log_info("the SMTP account of site %llu works again", (unsigned long long)a->site_id);
    set_text(&a->trouble, SLICE_NONE);
    a->drain = true;
    tell_soon(d, a);
}

/* Nobody is locked out by what is tried every now and then. */
static uint64_t pause_of(const struct account *a)
{
    enum { OFTEN = 20, SLOW_S = 300, SLOWEST_S = 600 };

    if (a->refusals <= OFTEN)
        return 0;
    return a->refusals <= 2 * OFTEN ? SLOW_S : SLOWEST_S;
}

void account_trouble(struct work *w, struct account *a, struct slice why, bool sign_in_refused)
{
    struct deliver *d = w->deliver;

    if (sign_in_refused)
        a->refusals++;
    if (!a->trouble) {
        a->trouble_since_us = world_wall_us(d->world);
        log_warning("trouble with the SMTP account of site %llu, whose mail waits: %.*s",
                    (unsigned long long)a->site_id, SLICE_ARG(why));
    }
    if (!a->trouble || !slice_equal(slice_text(a->trouble), why))
        tell_soon(d, a);
    set_text(&a->trouble, why);
    provider_back_off(w->provider, sign_in_refused ? pause_of(a) : 0, w->begun_us, why);
}

bool account_is_news(struct account *a, const struct queue_job *job, struct slice why)
{
    if (a->trouble && slice_equal(slice_text(a->trouble), slice_part(why, 0, QUEUE_TEXT_BYTES)))
        return false;
    a->tried = job->id;
    return true;
}

/* Mail that was deferred has a next try of its own, hours from now; the account is tried sooner. */
void relay_rested(struct provider *p)
{
    struct deliver *d = p->deliver;
    struct account *a = find_account(d, site_of_key(provider_name(p)));

    if (!a)
        return;
    a->retry |= a->trouble != NULL;
    if (a->closed_until_us && a->closed_until_us <= world_wall_us(d->world)) {
        a->closed_until_us = 0;
        set_text(&a->closed_why, SLICE_NONE);
        a->drain = a->news = true;
    }
    condition_broadcast(&d->accounts_changed);
}

/* A new limit opens what the old one has closed. */
static void change_limits(struct destination *dest, struct account *a)
{
    const struct directory_relay *relay = relay_of_key(dest->deliver, destination_key(dest));

    if (!relay || relay->recipients_per_day_max == a->day_max)
        return;
    a->day_max = relay->recipients_per_day_max;
    if (a->closed_until_us) {
        a->closed_until_us = 0;
        set_text(&a->closed_why, SLICE_NONE);
        a->drain = a->news = true;
        if (dest->deliver->scope)
            provider_wake(dest->provider);
    }
}

/* A test that went well ends the waiting, however long the pause between tries has become. */
static void heed_test(struct destination *dest, struct account *a)
{
    const struct directory_relay *relay = relay_of_key(dest->deliver, destination_key(dest));

    if (!relay || relay->good_us <= a->good_us)
        return;
    a->good_us = relay->good_us;
    if (!a->trouble)
        return;
    a->refusals = 0;
    a->drain = true;
    if (dest->deliver->scope)
        provider_wake(dest->provider);
}

void deliver_site_changed(struct deliver *d, uint64_t site_id)
{
    CLEANUP(buffer_done) struct buffer key = BUFFER_NONE;
    struct destination *dest;
    struct account *a;
    bool was_held;

    relay_key_write(site_id, &key);
    dest = destination_find(d, buffer_slice(&key));
    if (!dest)
        return;
    a = account_get(d, buffer_slice(&key));
    was_held = dest->suspended != NULL;
    destination_renew(dest);
    change_limits(dest, a);
    heed_test(dest, a);
    provider_reload(dest->provider);
    a->drain |= was_held && !dest->suspended;
    condition_broadcast(&d->accounts_changed);
}

void deliver_sites_changed(struct deliver *d)
{
    LIST_FOREACH_SAFE (link, &d->accounts)
        deliver_site_changed(d, LIST_ENTRY(link, struct account, link)->site_id);
}
