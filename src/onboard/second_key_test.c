#include "onboard/second_key.h"

#include "base/log.h"
#include "site/identity.h"
#include "site/world_test.h"

struct fixture {
    struct site_world world;
    struct control_set set;
    struct arena arena;
    struct identity identity; /* of site 1 */
};

static void read_identity(struct fixture *f)
{
    struct identity *all;
    size_t count;

    assert_int_equal(identity_list(f->world.service.store, &f->arena, 1, &all, &count), 0);
    assert_int_equal(count, 1);
    f->identity = all[0];
}

static void open_fixture(struct task *t, struct fixture *f)
{
    json_t *added;

    f->arena = ARENA_NONE;
    site_world_open(t, &f->world);
    f->set = site_operations(&f->world.service);
    added =
        site_world_ask(t, &f->set, 1, "site.add",
                       "{\"site\": \"one\", \"domain\": \"example.org\", \"senders\": \"any\"}");
    assert_true(json_is_true(json_object_get(added, "ok")));
    json_decref(added);
    read_identity(f);
}

static void close_fixture(struct fixture *f)
{
    arena_done(&f->arena);
    site_world_close(&f->world);
}

/* As a check would: the record of the key is right, or it is gone. */
static void set_record(struct fixture *f, const struct identity_key *key, const char *state)
{
    CLEANUP(query_done)
    struct query q = store_query(f->world.service.store, STORE_IDENTITY_KEY_JUDGED);

    query_bind_int(&q, key->id);
    query_bind_text(&q, slice_text(state));
    query_bind_int(&q, 1);
    query_bind_int(&q, 1);
    for (int i = 0; i < 5; i++)
        query_bind_text(&q, SLICE_NONE);
    query_bind_int(&q, 1);
    assert_int_equal(query_run(&q), 0);
    read_identity(f);
}

static size_t count_signers(struct fixture *f)
{
    struct directory_site site;

    assert_int_equal(site_directory_read(f->world.service.store, &f->arena, 1, 1, &site), 0);
    return site.identities[0].key_count;
}

static int signs_beside_rsa_while_its_record_is_right(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct directory_site site;

    (void)argument;
    open_fixture(t, &f);
    set_record(&f, &f.identity.keys[0], "right");
    assert_int_equal(count_signers(&f), 1);
    assert_int_equal(second_key_add(t, &f.world.service, f.identity.id), 0);
    read_identity(&f);
    assert_true(identity_has_second(&f.identity));
    assert_int_equal(f.identity.key_count, IDENTITY_KEYS);
    assert_int_equal(f.identity.second.public_key.size, 32);
    assert_int_equal(count_signers(&f), 1);

    set_record(&f, &f.identity.second, "right");
    assert_int_equal(site_directory_read(f.world.service.store, &f.arena, 1, 1, &site), 0);
    assert_int_equal(site.identities[0].key_count, 2);
    assert_int_equal(site.identities[0].keys[0].algorithm, KEY_RSA_SHA256);
    assert_int_equal(site.identities[0].keys[1].algorithm, KEY_ED25519_SHA256);
    set_record(&f, &f.identity.second, "absent");
    assert_int_equal(count_signers(&f), 1);

    /* It never signs alone. */
    set_record(&f, &f.identity.second, "right");
    assert_int_equal(second_key_remove(t, &f.world.service, f.identity.id), 0);
    assert_int_equal(count_signers(&f), 1);
    return 0;
}

static int is_one_at_most(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct slice selector;

    (void)argument;
    open_fixture(t, &f);
    assert_int_equal(second_key_remove(t, &f.world.service, f.identity.id), -ENOENT);
    assert_int_equal(second_key_add(t, &f.world.service, f.identity.id), 0);
    assert_int_equal(second_key_add(t, &f.world.service, f.identity.id), -EEXIST);
    read_identity(&f);
    selector = f.identity.second.selector;
    assert_int_equal(second_key_remove(t, &f.world.service, f.identity.id), 0);
    read_identity(&f);
    assert_false(identity_has_second(&f.identity));
    assert_int_equal(second_key_add(t, &f.world.service, f.identity.id), 0);
    read_identity(&f);
    assert_false(slice_equal(f.identity.second.selector, selector));
    assert_int_equal(second_key_add(t, &f.world.service, 999), -ENOENT);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(signs_beside_rsa_while_its_record_is_right),
        TASK_TEST(is_one_at_most),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
