#include "site/pusher.h"

#include "base/log.h"
#include "runtime/peer.h"
#include "site/credential.h"
#include "site/identity.h"
#include "site/site.h"
#include "wire/ipc.h"

#include <stdlib.h>

/* Something to push: a site, or all of them. */
struct change {
    struct list link;
    int64_t site_id; /* 0: all */
};

struct site_pusher {
    struct store *store;
    struct peer *gateway;
    struct list changes;
    uint64_t queued, pushed; /* how many changes there were, and how many are dealt with */
    uint64_t failed;         /* the last one that the gateway did not take; 0: none */
    struct condition more, done;
};

/* The key to sign with: in the order of the slots, but one whose record is known to be right
 * comes first, so that a client who breaks one record does not break the mail. */
static const struct identity_key *signing_key(const struct identity *identity)
{
    for (size_t i = 0; i < identity->key_count; i++)
        if (slice_equal(identity->keys[i].record_state, SLICE("right")))
            return &identity->keys[i];
    return identity->key_count ? &identity->keys[0] : NULL;
}

static void describe_identity(const struct identity *identity, struct directory_identity *ret)
{
    const struct identity_key *key = signing_key(identity);

    *ret = (struct directory_identity){
        .id = (uint64_t)identity->id,
        .domain = identity->domain,
        .sending = identity_is_sending(identity) && key,
        .covers_subdomains = identity->covers_subdomains,
        .why_not = identity_is_sending(identity) ? SLICE_NONE : identity->why,
    };
    if (!key)
        return;
    ret->keys[0] = (struct directory_key){key->selector, key->algorithm, key->sealed};
    ret->key_count = 1;
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

int site_directory_read(struct store *s, struct arena *arena, int64_t site_id,
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
        *ret = found;
    return r;
}

static int tell(struct task *t, struct site_pusher *p, uint8_t type, const struct buffer *body)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;

    return peer_call(t, p->gateway, type, buffer_slice(body), &reply);
}

static int push_site(struct task *t, struct site_pusher *p, int64_t site_id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct directory_site site;
    int r = site_directory_read(p->store, &arena, site_id, &site);

    if (r == -ENOENT) {
        directory_remove_write(&body, (uint64_t)site_id);
        return tell(t, p, IPC_DIRECTORY_REMOVE, &body);
    }
    if (r < 0)
        return r;
    directory_site_write(&body, &site);
    return tell(t, p, IPC_DIRECTORY_SITE, &body);
}

static int push_all(struct task *t, struct site_pusher *p)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct buffer nothing = BUFFER_NONE;
    struct site *sites;
    size_t count;
    int r = site_list(p->store, &arena, &sites, &count);

    if (r == 0)
        r = tell(t, p, IPC_DIRECTORY_BEGIN, &nothing);
    for (size_t i = 0; i < count && r == 0; i++)
        r = push_site(t, p, sites[i].id);
    if (r == 0)
        r = tell(t, p, IPC_DIRECTORY_END, &nothing);
    if (r == 0)
        log_info("the gateway has the directory: %zu sites", count);
    return r;
}

static void add_change(struct site_pusher *p, int64_t site_id)
{
    struct change *change = base_allocate(sizeof *change);

    change->site_id = site_id;
    list_add_last(&p->changes, &change->link);
    p->queued++;
    condition_signal(&p->more);
}

static struct change *take_change(struct site_pusher *p)
{
    struct change *change = LIST_FIRST(&p->changes, struct change, link);

    list_remove(&change->link);
    return change;
}

/* What the gateway refuses would be refused again: that is a bug, and said so; the others go on. */
static int push_one(struct task *t, struct site_pusher *p)
{
    struct change *change = take_change(p);
    int64_t site_id = change->site_id;
    int r;

    free(change);
    r = site_id ? push_site(t, p, site_id) : push_all(t, p);
    if (r == -ECANCELED)
        return r;
    p->pushed++;
    if (r < 0) {
        log_error("the gateway's directory may be out of date (site %lld): %s", (long long)site_id,
                  strerror(-r));
        p->failed = p->pushed;
    }
    condition_broadcast(&p->done);
    return 0;
}

static int pusher_main(struct task *t, void *argument)
{
    struct site_pusher *p = argument;
    int r = 0;

    while (r == 0) {
        r = list_empty(&p->changes) ? condition_wait(t, &p->more) : 0;
        if (r == 0 && !list_empty(&p->changes))
            r = push_one(t, p);
    }
    return r;
}

int site_pusher_new(struct scope *scope, struct store *store, struct peer *gateway,
                    struct site_pusher **ret)
{
    struct site_pusher *p = base_allocate(sizeof *p);
    int r;

    p->store = store;
    p->gateway = gateway;
    list_init(&p->changes);
    add_change(p, 0);
    r = scope_spawn(scope, "push", pusher_main, p);
    if (r < 0) {
        site_pusher_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

void site_pusher_free(struct site_pusher *p)
{
    if (!p)
        return;
    while (!list_empty(&p->changes))
        free(take_change(p));
    free(p);
}

void site_pusher_push_all(struct site_pusher *p)
{
    add_change(p, 0);
}

int site_pusher_push(struct task *t, struct site_pusher *p, int64_t site_id)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, SITE_PUSH_WAIT_S * SECOND_US);
    uint64_t wanted = p->queued + 1;
    int r = 0;

    add_change(p, site_id);
    while (r == 0 && p->pushed < wanted)
        r = condition_wait(t, &p->done);
    return r == 0 && p->failed >= wanted ? -EIO : r;
}
