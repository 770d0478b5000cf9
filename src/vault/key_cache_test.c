#include "vault/key_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { KEYS = 5, CAPACITY = 3 };

/* Some sealed Ed25519 keys of site 1, selectors "s0" … */
struct fixture {
    struct vault_seal *seal;
    struct vault_key_cache *cache;
    char selectors[KEYS][16];
    struct buffer sealed[KEYS];
};

static struct vault_key_binding binding_of(const struct fixture *f, int i)
{
    return (struct vault_key_binding){1, SLICE("example.org"), slice_text(f->selectors[i]),
                                      VAULT_ED25519_SHA256};
}

static void make_key(struct fixture *f, int i)
{
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE, bound = BUFFER_NONE;
    struct vault_key_binding binding;

    snprintf(f->selectors[i], sizeof f->selectors[i], "s%d", i);
    binding = binding_of(f, i);
    assert_int_equal(vault_key_create(VAULT_ED25519_SHA256, 0, &private_key, &public_key), 0);
    vault_key_binding_write(&bound, &binding);
    vault_seal_close(f->seal, VAULT_USE_KEY, buffer_slice(&bound), secret_slice(&private_key),
                     &f->sealed[i]);
}

static int set_up(void **state)
{
    struct fixture *f = base_allocate(sizeof *f);

    assert_int_equal(vault_seal_new(SLICE("0123456789abcdefghijklmnopqrstuv"), &f->seal), 0);
    f->cache = vault_key_cache_new(f->seal, CAPACITY);
    for (int i = 0; i < KEYS; i++)
        make_key(f, i);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    vault_key_cache_free(f->cache);
    vault_seal_free(f->seal);
    for (int i = 0; i < KEYS; i++)
        buffer_done(&f->sealed[i]);
    base_free_pointer(state);
    return 0;
}

static struct vault_key *get(struct fixture *f, int i)
{
    struct vault_key_binding binding = binding_of(f, i);
    struct vault_key *key;

    assert_int_equal(vault_key_cache_get(f->cache, &binding, buffer_slice(&f->sealed[i]), &key), 0);
    return key;
}

static void an_open_key_is_found_again(void **state)
{
    struct fixture *f = *state;
    struct vault_key *first = get(f, 0);

    assert_ptr_equal(get(f, 0), first);
    assert_ptr_not_equal(get(f, 1), first);
    assert_ptr_equal(get(f, 0), first);
    assert_int_equal(vault_key_cache_count(f->cache), 2);
}

static void the_least_recently_used_goes(void **state)
{
    struct fixture *f = *state;
    struct vault_key *first = get(f, 0);

    (void)get(f, 1);
    (void)get(f, 2);
    assert_ptr_equal(get(f, 0), first);
    (void)get(f, 3); /* 1 goes */
    assert_int_equal(vault_key_cache_count(f->cache), CAPACITY);
    assert_ptr_equal(get(f, 0), first);
    (void)get(f, 4); /* 2 goes */
    assert_ptr_equal(get(f, 0), first);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < KEYS; i++)
            (void)get(f, i);
    assert_int_equal(vault_key_cache_count(f->cache), CAPACITY);
}

/* A key that is open for one binding must not serve another that carries the same blob. */
static void an_open_key_serves_its_binding_only(void **state)
{
    struct fixture *f = *state;
    struct vault_key_binding binding = binding_of(f, 0);
    struct vault_key *key;

    (void)get(f, 0);
    binding.site_id = 2;
    assert_int_equal(vault_key_cache_get(f->cache, &binding, buffer_slice(&f->sealed[0]), &key),
                     -EACCES);
    binding = binding_of(f, 1);
    assert_int_equal(vault_key_cache_get(f->cache, &binding, buffer_slice(&f->sealed[0]), &key),
                     -EACCES);
    binding = binding_of(f, 0);
    binding.algorithm = VAULT_RSA_SHA256;
    assert_int_equal(vault_key_cache_get(f->cache, &binding, buffer_slice(&f->sealed[0]), &key),
                     -EACCES);
    assert_int_equal(vault_key_cache_count(f->cache), 1);
}

static void what_does_not_open_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct vault_key_binding binding = binding_of(f, 0);
    struct vault_key *key;

    f->sealed[0].data[f->sealed[0].size - 1] ^= 1;
    assert_int_equal(vault_key_cache_get(f->cache, &binding, buffer_slice(&f->sealed[0]), &key),
                     -EACCES);
    assert_int_equal(vault_key_cache_count(f->cache), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_open_key_is_found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_least_recently_used_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_open_key_serves_its_binding_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_open_is_not_kept, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
