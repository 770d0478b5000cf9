#include "site/pusher.h"

#include "base/log.h"
#include "runtime/world.h"
#include "site/credential.h"
#include "site/identity.h"
#include "site/mail_from.h"
#include "site/quota_directory.h"
#include "site/relay.h"
#include "site/senders.h"
#include "site/site.h"
#include "site/suppression_push.h"
#include "wire/ipc.h"

#include <stdlib.h>

/* Something to push: a site, or all of them, or a suppression of a site, or all of those. */
struct change {
    struct list link;
    int64_t site_id; /* 0: all */
    bool suppression;
    size_t address_size; /* 0: all of the site's */
    char address[];
};

/* One gateway's changes, pushed by a task of their own: one that is away holds up no other. */
struct line {
    struct site_pusher *pusher;
    const struct peer_member *gateway;
    struct list changes;
    uint64_t queued, pushed; /* how many changes there were, and how many are dealt with */
    uint64_t failed;         /* the last one that the gateway did not take; 0: none */
    struct condition more;
};

struct site_pusher {
    struct store *store;
    struct line lines[PEER_GROUP_MAX];
    size_t line_count;
    struct condition done;
    unsigned char key[SUPPRESSED_KEY_BYTES]; /* of the hashes of suppressed addresses */
};

static void describe_identity(const struct identity *identity, struct directory_identity *ret)
{
    const struct identity_key *key = identity_signing_key(identity),
                              *second = identity_second_signing_key(identity);

    *ret = (struct directory_identity){
        .id = (uint64_t)identity->id,
        .domain = identity->domain,
        .sending = identity_is_sending(identity) && key,
        .covers_subdomains = identity->covers_subdomains,
        .why_not = identity->why,
    };
    if (!key && identity_is_sending(identity))
        ret->why_not = SLICE("None of its keys can be used at present.");
    if (ret->sending)
        ret->why_not = SLICE_NONE;
    if (!key)
        return;
    ret->keys[0] =
        (struct directory_key){key->selector, key->algorithm, key->sealed, key->slot_since_us};
    ret->key_count = 1;
    if (second)
        ret->keys[ret->key_count++] = (struct directory_key){
            second->selector, second->algorithm, second->sealed, second->record_since_us};
}

static int read_identities(struct store *s, struct arena *arena, struct directory_site *site)
{
    struct identity *identities;
    int r = identity_list(s, arena, (int64_t)site->id, &identities, &site->identity_count);

    if (r < 0)
        return r;
    site->identities = ARENA_ARRAY(arena, struct directory_identity, site->identity_count);
    for (size_t i = 0; i < site->identity_count; i++)
        describe_identity(&identities[i], &site->identities[i]);
    return 0;
}

static int read_credentials(struct store *s, struct arena *arena, struct directory_site *site)
{
    struct credential *credentials;
    size_t count;
    int r = credential_list(s, arena, (int64_t)site->id, &credentials, &count);

    if (r < 0)
        return r;
    site->credentials = ARENA_ARRAY(arena, struct directory_credential, count);
    for (size_t i = 0; i < count && site->credential_count < DIRECTORY_CREDENTIALS_MAX; i++) {
        if (credentials[i].revoked_us)
            continue;
        site->credentials[site->credential_count++] = (struct directory_credential){
            (uint64_t)credentials[i].id, credentials[i].access_key_id, credentials[i].sealed};
    }
    return 0;
}

/* What this gateway has used of the account's day. */
static int read_use(struct store *s, struct arena *arena, unsigned gateway,
                    struct directory_relay *relay)
{
    struct relay_use *uses;
    size_t count;
    int r = relay_use_list(s, arena, (int64_t)relay->id, &uses, &count);

    for (size_t i = 0; r == 0 && i < count; i++) {
        if (uses[i].gateway != gateway)
            continue;
        relay->day_us = uses[i].day_us;
        relay->recipients = uses[i].recipients;
        if (uses[i].version == (int64_t)relay->version) {
            relay->closed_until_us = uses[i].closed_until_us;
            relay->closed_why = uses[i].closed_why;
        }
    }
    return r;
}

static struct directory_relay *describe_relay(struct arena *arena, const struct relay *relay)
{
    const struct relay_limits limits = relay_limits_of(relay);
    struct directory_relay *ret = ARENA_NEW(arena, struct directory_relay);

    *ret = (struct directory_relay){
        .id = (uint64_t)relay->id,
        .version = (uint64_t)relay->version,
        .host = relay->host,
        .port = relay->port,
        .implicit_tls = relay->tls == RELAY_TLS,
        .user = relay->user,
        .sealed = relay->sealed,
        .outgoing_address = relay->outgoing_address,
        .return_path_ours = relay->return_path_ours,
        .sending = relay_state_sends(relay->state),
        .good_us = relay->failures ? 0 : relay->probed_us,
        .connections_max = limits.connections_max,
        .messages_per_connection_max = limits.messages_per_connection_max,
        .messages_per_minute_max = limits.messages_per_minute_max,
        .recipients_per_day_max = limits.recipients_per_day_max,
    };
    if (!ret->sending)
        ret->why_not =
            arena_printf(arena, "%s: %.*s", relay_state_name(relay->state), SLICE_ARG(relay->why));
    return ret;
}

static int read_relay(struct store *s, struct arena *arena, unsigned gateway,
                      struct directory_site *site)
{
    struct relay relay;
    int r;

    if (site->method != SITE_METHOD_SMTP)
        return 0;
    r = relay_of_site(s, arena, (int64_t)site->id, &relay);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    site->relay = describe_relay(arena, &relay);
    return read_use(s, arena, gateway, site->relay);
}

static int read_mail_from(struct store *s, struct arena *arena, struct directory_site *site)
{
    struct mail_from row;
    int r = mail_from_find(s, arena, (int64_t)site->id, &row);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    site->mail_from = row.domain;
    site->mail_from_good = mail_from_is_used(&row);
    site->mail_from_reject = slice_equal(row.on_failure, SLICE(MAIL_FROM_REJECT));
    return 0;
}

int site_directory_read(struct store *s, struct arena *arena, unsigned gateway, int64_t site_id,
                        struct directory_site *ret)
{
    struct directory_site found = {.id = (uint64_t)site_id};
    struct site site;
    int r = site_find_by_id(s, arena, site_id, &site);

    if (r == 0 && slice_equal(site.state, SLICE("removed")))
        r = -ENOENT;
    if (r < 0)
        return r;
    found.name = site.name;
    found.method = site.method;
    found.state = slice_equal(site.state, SLICE("paused")) ? SITE_PAUSED : SITE_ACTIVE;
    found.verified_tls = site.verified_tls;
    r = site_outgoing_addresses(s, arena, site_id, &found.outgoing_addresses,
                                &found.outgoing_address_count);
    if (r == 0)
        r = read_identities(s, arena, &found);
    if (r == 0)
        r = read_credentials(s, arena, &found);
    if (r == 0)
        r = read_relay(s, arena, gateway, &found);
    if (r == 0)
        r = quota_directory_read(s, arena, &found);
    if (r == 0)
        r = senders_any(s, site_id);
    found.any_address = r > 0;
    r = r > 0 ? 0 : r;
    if (r == 0)
        r = read_mail_from(s, arena, &found);
    if (r == 0)
        *ret = found;
    return r;
}

static int tell(struct task *t, struct line *l, uint8_t type, const struct buffer *body)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;

    return peer_call(t, l->gateway->peer, type, buffer_slice(body), &reply);
}

static int push_site(struct task *t, struct line *l, int64_t site_id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct directory_site site;
    int r = site_directory_read(l->pusher->store, &arena, l->gateway->number, site_id, &site);

    if (r == -ENOENT) {
        directory_remove_write(&body, (uint64_t)site_id);
        return tell(t, l, IPC_DIRECTORY_REMOVE, &body);
    }
    if (r < 0)
        return r;
    directory_site_write(&body, &site);
    return tell(t, l, IPC_DIRECTORY_SITE, &body);
}

static int push_suppressions(struct task *t, const struct line *l, int64_t site_id,
                             struct slice address, bool begins)
{
    const struct suppression_push push = {
        .store = l->pusher->store,
        .gateway = l->gateway->peer,
        .key = l->pusher->key,
        .site_id = site_id,
        .skip_empty = begins,
    };

    return address.size ? suppression_push_one(t, &push, address) : suppression_push_all(t, &push);
}

/* By chance, so that no other process of ours has used it. */
static void name_push(struct task *t, struct buffer *body)
{
    uint64_t push;

    world_random(task_world(t), &push, sizeof push);
    directory_push_write(body, push | 1);
}

static int push_all(struct task *t, struct line *l)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer push = BUFFER_NONE;
    struct site *sites;
    size_t count;
    int r = site_list(l->pusher->store, &arena, &sites, &count);

    name_push(t, &push);
    if (r == 0)
        r = tell(t, l, IPC_DIRECTORY_BEGIN, &push);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = push_site(t, l, sites[i].id);
        if (r == 0)
            r = push_suppressions(t, l, sites[i].id, SLICE_NONE, true);
    }
    if (r == 0)
        r = tell(t, l, IPC_DIRECTORY_END, &push);
    if (r == 0)
        log_info("gateway %u has the directory: %zu sites", l->gateway->number, count);
    return r;
}

static void add(struct line *l, const struct change *what, struct slice address)
{
    struct change *change = base_allocate(sizeof *change + address.size);

    *change = *what;
    change->address_size = address.size;
    if (address.size)
        memcpy(change->address, address.data, address.size);
    list_add_last(&l->changes, &change->link);
    l->queued++;
    condition_signal(&l->more);
}

static void add_change(struct line *l, int64_t site_id)
{
    add(l, &(struct change){.site_id = site_id}, SLICE_NONE);
}

static struct change *take_change(struct line *l)
{
    struct change *change = LIST_FIRST(&l->changes, struct change, link);

    list_remove(&change->link);
    return change;
}

/* A gateway that was started anew in the middle has only the rest of the push. What it refuses for
 * another reason would be refused again: that is a bug, and said so; the others go on. */
static void note_result(struct line *l, int64_t site_id, int r)
{
    l->pushed++;
    if (r == -ESTALE) {
        add_change(l, 0);
    } else if (r < 0) {
        log_error("the directory of gateway %u may be out of date (site %lld): %s",
                  l->gateway->number, (long long)site_id, strerror(-r));
        l->failed = l->pushed;
    }
    condition_broadcast(&l->pusher->done);
}

static int push_change(struct task *t, struct line *l, const struct change *change)
{
    if (change->suppression)
        return push_suppressions(t, l, change->site_id,
                                 slice_of(change->address, change->address_size), false);
    return change->site_id ? push_site(t, l, change->site_id) : push_all(t, l);
}

static int push_one(struct task *t, struct line *l)
{
    struct change *change = take_change(l);
    int r = push_change(t, l, change);

    if (r != -ECANCELED)
        note_result(l, change->site_id, r);
    free(change);
    return r == -ECANCELED ? r : 0;
}

static int line_main(struct task *t, void *argument)
{
    struct line *l = argument;
    int r = 0;

    while (r == 0) {
        r = list_empty(&l->changes) ? condition_wait(t, &l->more) : 0;
        if (r == 0 && !list_empty(&l->changes))
            r = push_one(t, l);
    }
    return r;
}

int site_pusher_new(struct scope *scope, struct store *store, const struct peer_group *gateways,
                    struct site_pusher **ret)
{
    struct site_pusher *p = base_allocate(sizeof *p);
    int r = 0;

    p->store = store;
    world_random(task_world(scope->owner), p->key, sizeof p->key);
    while (r == 0 && p->line_count < gateways->count) {
        struct line *l = &p->lines[p->line_count];

        *l = (struct line){.pusher = p, .gateway = &gateways->members[p->line_count]};
        list_init(&l->changes);
        p->line_count++;
        add_change(l, 0);
        r = scope_spawn(scope, "push", line_main, l);
    }
    *ret = p;
    return r;
}

void site_pusher_free(struct site_pusher *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->line_count; i++)
        while (!list_empty(&p->lines[i].changes))
            free(take_change(&p->lines[i]));
    free(p);
}

void site_pusher_push_all(struct site_pusher *p, size_t gateway)
{
    assert(gateway < p->line_count);
    add_change(&p->lines[gateway], 0);
}

static int wait_until_pushed(struct task *t, struct line *l, uint64_t wanted)
{
    int r = 0;

    while (r == 0 && l->pushed < wanted && !l->gateway->gone)
        r = condition_wait(t, &l->pusher->done);
    return r == 0 && l->failed >= wanted ? -EIO : r;
}

static int push_and_wait(struct task *t, struct site_pusher *p, const struct change *change,
                         struct slice address)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, SITE_PUSH_WAIT_S * SECOND_US);
    uint64_t wanted[PEER_GROUP_MAX];
    int r = 0;

    for (size_t i = 0; i < p->line_count; i++) {
        wanted[i] = p->lines[i].queued + 1;
        add(&p->lines[i], change, address);
    }
    for (size_t i = 0; i < p->line_count; i++) {
        int one = wait_until_pushed(t, &p->lines[i], wanted[i]);

        r = r == 0 || one == -EIO ? one : r;
    }
    return r;
}

int site_pusher_push(struct task *t, struct site_pusher *p, int64_t site_id)
{
    return push_and_wait(t, p, &(struct change){.site_id = site_id}, SLICE_NONE);
}

int site_pusher_push_suppression(struct task *t, struct site_pusher *p, int64_t site_id,
                                 struct slice address)
{
    return push_and_wait(t, p, &(struct change){.site_id = site_id, .suppression = true}, address);
}

void site_pusher_note_suppression(struct site_pusher *p, int64_t site_id, struct slice address)
{
    for (size_t i = 0; i < p->line_count; i++)
        add(&p->lines[i], &(struct change){.site_id = site_id, .suppression = true}, address);
}
