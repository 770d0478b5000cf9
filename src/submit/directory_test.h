/* A directory for the tests of this folder: site 1 may send as own.example (with subdomains),
 * not yet as new.example; site 2 may send as victim.example; site 3 is paused; site 4 sends through
 * its relay as desk@own.example, and site 5 has no relay yet. */
#ifndef LETTERHEAD_SUBMIT_DIRECTORY_TEST_H
#define LETTERHEAD_SUBMIT_DIRECTORY_TEST_H

#include "site/directory.h"
#include "wire/ipc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static inline void apply_site(struct directory *d, const struct directory_site *site)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    directory_site_write(&body, site);
    assert_int_equal(directory_apply(d, IPC_DIRECTORY_SITE, buffer_slice(&body)), 0);
}

static inline void apply_own(struct directory *d)
{
    struct directory_identity identities[] = {
        {.id = 1, .domain = SLICE("own.example"), .sending = true, .covers_subdomains = true},
        {.id = 2, .domain = SLICE("exact.example"), .sending = true},
        {.id = 3, .domain = SLICE("new.example"), .why_not = SLICE("Its DNS records are missing")},
    };
    struct directory_credential credentials[] = {{11, SLICE("LHKAOWN"), SLICE("sealed")}};
    struct directory_site site = {.id = 1,
                                  .name = SLICE("own"),
                                  .state = SITE_ACTIVE,
                                  .method = SITE_METHOD_DKIM,
                                  .any_address = true,
                                  .identities = identities,
                                  .identity_count = ARRAY_LEN(identities),
                                  .credentials = credentials,
                                  .credential_count = ARRAY_LEN(credentials)};

    apply_site(d, &site);
}

static inline void apply_other(struct directory *d, uint64_t id, const char *domain,
                               const char *user, enum site_state state)
{
    struct directory_identity identities[] = {
        {.id = id * 10, .domain = slice_text(domain), .sending = true}};
    struct directory_credential credentials[] = {{id * 10 + 1, slice_text(user), SLICE("sealed")}};
    struct directory_site site = {.id = id,
                                  .name = slice_text(domain),
                                  .state = state,
                                  .method = SITE_METHOD_DKIM,
                                  .any_address = true,
                                  .identities = identities,
                                  .identity_count = 1,
                                  .credentials = credentials,
                                  .credential_count = 1};

    apply_site(d, &site);
}

static inline void apply_with_relay(struct directory *d, uint64_t id, struct directory_relay *relay)
{
    struct directory_site site = {.id = id,
                                  .name = SLICE("with-relay"),
                                  .state = SITE_ACTIVE,
                                  .method = SITE_METHOD_SMTP,
                                  .relay = relay};

    apply_site(d, &site);
}

static inline struct directory *make_directory(void)
{
    struct directory_relay relay = {
        .id = 40, .version = 41, .outgoing_address = SLICE("desk@own.example"), .sending = true};
    CLEANUP(buffer_done) struct buffer push = BUFFER_NONE;
    struct directory *d = directory_new();

    directory_push_write(&push, 1);
    assert_int_equal(directory_apply(d, IPC_DIRECTORY_BEGIN, buffer_slice(&push)), 0);
    apply_own(d);
    apply_other(d, 2, "victim.example", "LHKAVICTIM", SITE_ACTIVE);
    apply_other(d, 3, "paused.example", "LHKAPAUSED", SITE_PAUSED);
    apply_with_relay(d, 4, &relay);
    apply_with_relay(d, 5, NULL);
    assert_int_equal(directory_apply(d, IPC_DIRECTORY_END, buffer_slice(&push)), 0);
    return d;
}

#endif
