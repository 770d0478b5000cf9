#include "runtime/tls_sessions.h"

#include "base/list.h"
#include "base/table.h"

#include <stdlib.h>
#include <time.h>

struct kept {
    struct table_item item; /* sessions->table */
    struct list link;       /* sessions->ages, the oldest first */
    struct tls_session_key key;
    SSL_SESSION *session;
};

struct tls_sessions {
    struct table table;
    struct list ages;
    size_t max;
};

struct tls_sessions *tls_sessions_new(size_t max)
{
    struct tls_sessions *sessions = base_allocate(sizeof *sessions);

    list_init(&sessions->ages);
    sessions->max = max;
    return sessions;
}

size_t tls_sessions_count(const struct tls_sessions *sessions)
{
    return sessions->table.count;
}

/* Out of table and list; the caller gets the session. */
static SSL_SESSION *forget(struct tls_sessions *sessions, struct kept *kept)
{
    SSL_SESSION *session = kept->session;

    table_remove(&sessions->table, &kept->item);
    list_remove(&kept->link);
    free(kept);
    return session;
}

void tls_sessions_free(struct tls_sessions *sessions)
{
    if (!sessions)
        return;
    while (!list_empty(&sessions->ages))
        SSL_SESSION_free(forget(sessions, LIST_FIRST(&sessions->ages, struct kept, link)));
    table_done(&sessions->table);
    free(sessions);
}

static uint64_t hash_of(const struct tls_session_key *key)
{
    return table_hash(slice_of(key->bytes, sizeof key->bytes));
}

/* The newest of a key, how many there are, and the oldest of them. */
static struct kept *find(struct tls_sessions *sessions, const struct tls_session_key *key,
                         size_t *ret_count, struct kept **ret_oldest)
{
    struct kept *newest = NULL, *oldest = NULL;
    size_t count = 0;

    for (struct table_item *i = table_find(&sessions->table, hash_of(key)); i;
         i = table_find_more(i)) {
        struct kept *kept = CONTAINER_OF(i, struct kept, item);

        if (memcmp(&kept->key, key, sizeof *key) != 0)
            continue;
        count++;
        if (!newest || SSL_SESSION_get_time(kept->session) > SSL_SESSION_get_time(newest->session))
            newest = kept;
        if (!oldest || SSL_SESSION_get_time(kept->session) < SSL_SESSION_get_time(oldest->session))
            oldest = kept;
    }
    *ret_count = count;
    *ret_oldest = oldest;
    return newest;
}

void tls_sessions_put(struct tls_sessions *sessions, const struct tls_session_key *key,
                      SSL_SESSION *session)
{
    struct kept *kept = base_allocate(sizeof *kept), *oldest;
    size_t count;

    find(sessions, key, &count, &oldest);
    if (count >= TLS_SESSIONS_A_KEY_MAX)
        SSL_SESSION_free(forget(sessions, oldest));
    else if (sessions->table.count >= sessions->max)
        SSL_SESSION_free(forget(sessions, LIST_FIRST(&sessions->ages, struct kept, link)));
    kept->key = *key;
    kept->session = session;
    table_add(&sessions->table, &kept->item, hash_of(key));
    list_add_last(&sessions->ages, &kept->link);
}

static bool is_fresh(const SSL_SESSION *session)
{
    long age_s = (long)time(NULL) - SSL_SESSION_get_time(session);

    return age_s >= 0 && age_s <= TLS_SESSION_AGE_MAX_S && SSL_SESSION_is_resumable(session);
}

SSL_SESSION *tls_sessions_take(struct tls_sessions *sessions, const struct tls_session_key *key)
{
    size_t count;
    struct kept *oldest, *newest = find(sessions, key, &count, &oldest);
    SSL_SESSION *session;

    if (!newest)
        return NULL;
    session = forget(sessions, newest);
    if (is_fresh(session))
        return session;
    SSL_SESSION_free(session);
    return NULL;
}
