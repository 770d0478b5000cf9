#include "site/directory.h"

#include "site/holding.h"
#include "site/suppressed.h"
#include "wire/ipc.h"

#include <stdlib.h>

/* A site and all that belongs to it, in one arena: it is replaced and dropped whole. */
struct entry {
    struct directory_site site;
    struct arena arena;
    uint64_t generation; /* the BEGIN that it was last seen after */
    UT_hash_handle by_id;
    struct user *users;
    struct holding *holdings;
};

struct user {
    struct entry *entry;
    const struct directory_credential *credential;
    UT_hash_handle by_name;
};

struct directory {
    struct entry *sites;
    struct user *users;
    struct suppressed *suppressed;
    struct holding *holdings;
    uint64_t generation;
    uint64_t push; /* the one that has begun and not ended; 0: none */
    bool ready;
};

struct directory *directory_new(void)
{
    struct directory *d = base_allocate(sizeof *d);

    d->suppressed = suppressed_new();
    return d;
}

static void entry_free(struct entry *entry)
{
    struct arena arena = entry->arena; /* which holds the entry itself */

    arena_done(&arena);
}

static void entry_remove(struct directory *d, struct entry *entry)
{
    for (size_t i = 0; i < entry->site.credential_count; i++)
        HASH_DELETE(by_name, d->users, &entry->users[i]);
    holding_unlist(&d->holdings, entry->holdings, &entry->site);
    HASH_DELETE(by_id, d->sites, entry);
    entry_free(entry);
}

static void entry_add(struct directory *d, struct entry *entry)
{
    entry->generation = d->generation;
    HASH_ADD(by_id, d->sites, site.id, sizeof(entry->site.id), entry);
    for (size_t i = 0; i < entry->site.credential_count; i++) {
        struct user *user = &entry->users[i];

        HASH_ADD_KEYPTR(by_name, d->users, user->credential->access_key_id.data,
                        user->credential->access_key_id.size, user);
    }
    entry->site.directory = d;
    holding_list(&d->holdings, entry->holdings, &entry->site);
}

void directory_free(struct directory *d)
{
    struct entry *entry, *next;

    if (!d)
        return;
    HASH_ITER (by_id, d->sites, entry, next) {
        entry_remove(d, entry);
    }
    suppressed_free(d->suppressed);
    free(d);
}

bool directory_ready(const struct directory *d)
{
    return d->ready;
}

bool directory_has_mail_from(const struct directory *d, struct slice domain)
{
    struct entry *entry, *next;

    HASH_ITER (by_id, d->sites, entry, next) {
        if (entry->site.mail_from.size && slice_equal_nocase(entry->site.mail_from, domain))
            return true;
    }
    return false;
}

static struct entry *entry_by_id(const struct directory *d, uint64_t site_id)
{
    struct entry *entry;

    HASH_FIND(by_id, d->sites, &site_id, sizeof(site_id), entry);
    return entry;
}

static struct user *user_by_name(const struct directory *d, struct slice name)
{
    struct user *user;

    HASH_FIND(by_name, d->users, name.data, name.size, user);
    return user;
}

const struct directory_site *directory_site_by_id(const struct directory *d, uint64_t site_id)
{
    const struct entry *entry = entry_by_id(d, site_id);

    return entry ? &entry->site : NULL;
}

const struct directory_site *directory_site_by_credential(const struct directory *d,
                                                          struct slice access_key_id,
                                                          const struct directory_credential **ret)
{
    const struct user *user = user_by_name(d, access_key_id);

    if (!user)
        return NULL;
    *ret = user->credential;
    return &user->entry->site;
}

bool directory_suppresses(const struct directory *d, uint64_t site_id, struct slice address)
{
    return suppressed_has(d->suppressed, site_id, address);
}

static bool identity_covers(const struct directory_identity *identity, struct slice domain)
{
    size_t own = identity->domain.size;

    if (slice_equal(identity->domain, domain))
        return true;
    return identity->covers_subdomains && domain.size > own + 1 &&
           domain.data[domain.size - own - 1] == '.' &&
           slice_equal(slice_part(domain, domain.size - own, own), identity->domain);
}

const struct directory_identity *directory_identity_for(const struct directory_site *site,
                                                        struct slice domain)
{
    const struct directory_identity *found = NULL;

    for (size_t i = 0; i < site->identity_count; i++) {
        const struct directory_identity *identity = &site->identities[i];

        if (identity_covers(identity, domain) &&
            (!found || identity->domain.size > found->domain.size))
            found = identity;
    }
    if (found && site->directory &&
        holding_is_others(site->directory->holdings, site, domain, found->domain))
        return NULL;
    return found;
}

static void write_identity(struct buffer *body, const struct directory_identity *identity)
{
    assert(identity->key_count <= DIRECTORY_KEYS_MAX);
    buffer_add_u64(body, identity->id);
    buffer_add_sized(body, identity->domain);
    buffer_add_u8(body, identity->sending);
    buffer_add_u8(body, identity->covers_subdomains);
    buffer_add_sized(body, identity->why_not);
    buffer_add_u8(body, (uint8_t)identity->key_count);
    for (size_t i = 0; i < identity->key_count; i++) {
        buffer_add_sized(body, identity->keys[i].selector);
        buffer_add_u8(body, (uint8_t)identity->keys[i].algorithm);
        buffer_add_u64(body, (uint64_t)identity->keys[i].since_us);
        buffer_add_sized(body, identity->keys[i].sealed);
    }
}

static void write_relay(struct buffer *body, const struct directory_relay *relay)
{
    buffer_add_u8(body, relay != NULL);
    if (!relay)
        return;
    buffer_add_u64(body, relay->id);
    buffer_add_u64(body, relay->version);
    buffer_add_sized(body, relay->host);
    buffer_add_u16(body, relay->port);
    buffer_add_u8(body, relay->implicit_tls);
    buffer_add_sized(body, relay->user);
    buffer_add_sized(body, relay->sealed);
    buffer_add_sized(body, relay->outgoing_address);
    buffer_add_u8(body, relay->return_path_ours);
    buffer_add_u8(body, relay->sending);
    buffer_add_sized(body, relay->why_not);
    buffer_add_u64(body, (uint64_t)relay->good_us);
    buffer_add_u64(body, relay->connections_max);
    buffer_add_u64(body, relay->messages_per_connection_max);
    buffer_add_u64(body, relay->messages_per_minute_max);
    buffer_add_u64(body, relay->recipients_per_day_max);
    buffer_add_u64(body, (uint64_t)relay->day_us);
    buffer_add_u64(body, relay->recipients);
    buffer_add_u64(body, (uint64_t)relay->closed_until_us);
    buffer_add_sized(body, relay->closed_why);
}

void directory_site_write(struct buffer *body, const struct directory_site *site)
{
    assert(site->outgoing_address_count <= DIRECTORY_ADDRESSES_MAX);
    assert(site->identity_count <= DIRECTORY_IDENTITIES_MAX);
    assert(site->credential_count <= DIRECTORY_CREDENTIALS_MAX);
    buffer_add_u64(body, site->id);
    buffer_add_sized(body, site->name);
    buffer_add_u8(body, (uint8_t)site->state);
    buffer_add_u8(body, (uint8_t)site->method);
    buffer_add_u8(body, (uint8_t)site->outgoing_address_count);
    for (size_t i = 0; i < site->outgoing_address_count; i++)
        buffer_add_sized(body, site->outgoing_addresses[i]);
    buffer_add_u8(body, (uint8_t)site->identity_count);
    for (size_t i = 0; i < site->identity_count; i++)
        write_identity(body, &site->identities[i]);
    buffer_add_u8(body, (uint8_t)site->credential_count);
    for (size_t i = 0; i < site->credential_count; i++) {
        buffer_add_u64(body, site->credentials[i].id);
        buffer_add_sized(body, site->credentials[i].access_key_id);
        buffer_add_sized(body, site->credentials[i].sealed);
    }
    buffer_add_u8(body, site->verified_tls);
    buffer_add_u8(body, site->any_address);
    directory_quota_write(body, &site->quota);
    buffer_add_sized(body, site->mail_from);
    buffer_add_u8(body, site->mail_from_good);
    buffer_add_u8(body, site->mail_from_reject);
    write_relay(body, site->relay);
}

void directory_remove_write(struct buffer *body, uint64_t site_id)
{
    buffer_add_u64(body, site_id);
}

void directory_push_write(struct buffer *body, uint64_t push)
{
    assert(push != 0);
    buffer_add_u64(body, push);
}

/* A number of things that must not be above max: marks the cursor as failed if it is. */
static size_t read_count(struct cursor *c, size_t max)
{
    size_t count = cursor_u8(c);

    if (count <= max)
        return count;
    c->failed = true;
    return 0;
}

static unsigned read_choice(struct cursor *c, unsigned min, unsigned max)
{
    unsigned choice = cursor_u8(c);

    if (choice >= min && choice <= max)
        return choice;
    c->failed = true;
    return min;
}

static struct slice read_copy(struct cursor *c, struct arena *arena)
{
    return arena_copy(arena, cursor_sized(c));
}

static void read_identity(struct cursor *c, struct arena *arena, struct directory_identity *ret)
{
    ret->id = cursor_u64(c);
    ret->domain = read_copy(c, arena);
    ret->sending = read_choice(c, 0, 1);
    ret->covers_subdomains = read_choice(c, 0, 1);
    ret->why_not = read_copy(c, arena);
    ret->key_count = read_count(c, DIRECTORY_KEYS_MAX);
    for (size_t i = 0; i < ret->key_count; i++) {
        ret->keys[i].selector = read_copy(c, arena);
        ret->keys[i].algorithm =
            (enum key_algorithm)read_choice(c, KEY_RSA_SHA256, KEY_ED25519_SHA256);
        ret->keys[i].since_us = (int64_t)cursor_u64(c);
        ret->keys[i].sealed = read_copy(c, arena);
    }
}

static struct directory_relay *read_relay(struct cursor *c, struct arena *arena)
{
    struct directory_relay *ret;

    if (!read_choice(c, 0, 1))
        return NULL;
    ret = ARENA_NEW(arena, struct directory_relay);
    ret->id = cursor_u64(c);
    ret->version = cursor_u64(c);
    ret->host = read_copy(c, arena);
    ret->port = cursor_u16(c);
    ret->implicit_tls = read_choice(c, 0, 1);
    ret->user = read_copy(c, arena);
    ret->sealed = read_copy(c, arena);
    ret->outgoing_address = read_copy(c, arena);
    ret->return_path_ours = read_choice(c, 0, 1);
    ret->sending = read_choice(c, 0, 1);
    ret->why_not = read_copy(c, arena);
    ret->good_us = (int64_t)cursor_u64(c);
    ret->connections_max = cursor_u64(c);
    ret->messages_per_connection_max = cursor_u64(c);
    ret->messages_per_minute_max = cursor_u64(c);
    ret->recipients_per_day_max = cursor_u64(c);
    ret->day_us = (int64_t)cursor_u64(c);
    ret->recipients = cursor_u64(c);
    ret->closed_until_us = (int64_t)cursor_u64(c);
    ret->closed_why = read_copy(c, arena);
    return ret;
}

static void read_site(struct cursor *c, struct arena *arena, struct directory_site *ret)
{
    ret->id = cursor_u64(c);
    ret->name = read_copy(c, arena);
    ret->state = (enum site_state)read_choice(c, SITE_ACTIVE, SITE_PAUSED);
    ret->method = (enum site_method)read_choice(c, SITE_METHOD_DKIM, SITE_METHOD_DOMAIN);
    ret->outgoing_address_count = read_count(c, DIRECTORY_ADDRESSES_MAX);
    ret->outgoing_addresses = ARENA_ARRAY(arena, struct slice, ret->outgoing_address_count);
    for (size_t i = 0; i < ret->outgoing_address_count; i++)
        ret->outgoing_addresses[i] = read_copy(c, arena);
    ret->identity_count = read_count(c, DIRECTORY_IDENTITIES_MAX);
    ret->identities = ARENA_ARRAY(arena, struct directory_identity, ret->identity_count);
    for (size_t i = 0; i < ret->identity_count; i++)
        read_identity(c, arena, &ret->identities[i]);
    ret->credential_count = read_count(c, DIRECTORY_CREDENTIALS_MAX);
    ret->credentials = ARENA_ARRAY(arena, struct directory_credential, ret->credential_count);
    for (size_t i = 0; i < ret->credential_count; i++) {
        ret->credentials[i].id = cursor_u64(c);
        ret->credentials[i].access_key_id = read_copy(c, arena);
        ret->credentials[i].sealed = read_copy(c, arena);
    }
    ret->verified_tls = read_choice(c, 0, 1);
    ret->any_address = read_choice(c, 0, 1);
    directory_quota_read(c, arena, &ret->quota);
    ret->mail_from = read_copy(c, arena);
    ret->mail_from_good = read_choice(c, 0, 1);
    ret->mail_from_reject = read_choice(c, 0, 1);
    ret->relay = read_relay(c, arena);
}

static struct user *users_of(struct entry *entry, struct arena *arena)
{
    struct user *users = ARENA_ARRAY(arena, struct user, entry->site.credential_count);

    for (size_t i = 0; i < entry->site.credential_count; i++) {
        users[i].entry = entry;
        users[i].credential = &entry->site.credentials[i];
    }
    return users;
}

/* A user name belongs to one site, and is there once. */
static bool users_are_free(const struct directory *d, const struct directory_site *site)
{
    for (size_t i = 0; i < site->credential_count; i++) {
        struct slice name = site->credentials[i].access_key_id;
        const struct user *user = user_by_name(d, name);

        if (user && user->entry->site.id != site->id)
            return false;
        for (size_t before = 0; before < i; before++)
            if (slice_equal(site->credentials[before].access_key_id, name))
                return false;
    }
    return true;
}

static int apply_site(struct directory *d, struct slice body)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct entry *entry = ARENA_NEW(&arena, struct entry), *before;
    struct cursor c = cursor_of(body);
    int r;

    read_site(&c, &arena, &entry->site);
    r = cursor_done(&c);
    if (r < 0)
        return r;
    if (!users_are_free(d, &entry->site))
        return -EBADMSG;

    before = entry_by_id(d, entry->site.id);
    if (before)
        entry_remove(d, before);
    entry->users = users_of(entry, &arena);
    entry->holdings = ARENA_ARRAY(&arena, struct holding, entry->site.identity_count);
    entry->arena = arena;
    arena = ARENA_NONE;
    entry_add(d, entry);
    return 0;
}

static int apply_remove(struct directory *d, struct slice body)
{
    struct cursor c = cursor_of(body);
    uint64_t site_id = cursor_u64(&c);
    struct entry *entry = entry_by_id(d, site_id);
    int r = cursor_done(&c);

    if (r < 0)
        return r;
    if (entry)
        entry_remove(d, entry);
    suppressed_forget(d->suppressed, site_id);
    return 0;
}

static int read_push(struct slice body, uint64_t *ret)
{
    struct cursor c = cursor_of(body);
    uint64_t push = cursor_u64(&c);
    int r = cursor_done(&c);

    if (r == 0 && push == 0)
        r = -EBADMSG;
    if (r == 0)
        *ret = push;
    return r;
}

static int apply_begin(struct directory *d, struct slice body)
{
    int r = read_push(body, &d->push);

    if (r < 0)
        return r;
    d->generation++;
    suppressed_begin(d->suppressed);
    return 0;
}

static int apply_end(struct directory *d, struct slice body)
{
    struct entry *entry, *next;
    uint64_t push;
    int r = read_push(body, &push);

    if (r == 0 && push != d->push)
        r = -ESTALE;
    if (r < 0)
        return r;
    HASH_ITER (by_id, d->sites, entry, next) {
        if (entry->generation != d->generation)
            entry_remove(d, entry);
    }
    suppressed_end(d->suppressed);
    d->push = 0;
    d->ready = true;
    return 0;
}

int directory_apply(struct directory *d, uint8_t type, struct slice body)
{
    switch (type) {
    case IPC_DIRECTORY_BEGIN:
        return apply_begin(d, body);
    case IPC_DIRECTORY_SITE:
        return apply_site(d, body);
    case IPC_DIRECTORY_REMOVE:
        return apply_remove(d, body);
    case IPC_DIRECTORY_SUPPRESSED:
        return suppressed_apply(d->suppressed, body);
    case IPC_DIRECTORY_END:
        return apply_end(d, body);
    default:
        return -EBADMSG;
    }
}
